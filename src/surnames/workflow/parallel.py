"""Several runs of the study at once: `dvc repro` alone takes one stage after the other."""

import asyncio
import os
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import Iterator, Sequence

from tqdm import tqdm

from surnames import dvc_repo
from surnames.core import params
from surnames.core.errors import StudyError
from surnames.networks import training
from surnames.workflow import worker

COMMAND = (sys.executable, "-m", worker.__name__)
Task = tuple[str, list[str]]  # its title and stages


def repro() -> None:
    """Run what changed, as many runs at once as there are workers, then report and track at once.

    Each run gets its share of the workers, which changes no bit of it. Raises StudyError where a
    stage fails, after all that can be run without it.
    """
    if not dvc_repo.status():
        return
    dvc_repo.repro("check")
    changed = dvc_repo.status().keys()
    runs = [run for run in params.load().runs if changed & {f"train@{run}", f"evaluate@{run}"}]
    at_once = min(training.workers(), len(runs))
    if at_once > 1:
        of_runs = [(run, [f"train@{run}", f"evaluate@{run}"]) for run in _baselines_first(runs)]
        last = [("report", ["report"]), ("track", ["track"])]
        steps = [of_runs, [("compare", ["compare"])], last]
        asyncio.run(_run(steps, at_once, training.workers() // at_once))


def _baselines_first(runs: list[str]) -> list[str]:
    """Baselines first: beside the last of them one network compiles the engine, and only once.

    What only counts takes no time, and comes last.
    """
    settings, places = params.load(), {"logistic_regression": 0, "counting": 2}
    methods = {run: settings.recipe(settings.runs[run]).method for run in reversed(runs)}
    return sorted(methods, key=lambda run: places.get(methods[run], 1))


async def _run(steps: list[list[Task]], at_once: int, threads: int) -> None:
    """Run the tasks of each step, so many at once; StudyError after a step in which one failed."""
    shared = [_progress(tasks) for tasks in steps]
    failed: list[str] = []
    barrier = asyncio.Barrier(at_once)
    await asyncio.gather(*(_work(shared, barrier, failed, threads) for _ in range(at_once)))
    if failed:
        raise StudyError(f"{', '.join(failed)} failed; the messages are above")


def _progress(tasks: list[Task]) -> Iterator[Task]:
    """The tasks, with a bar in a terminal of how many have been taken."""
    yield from tqdm(tasks, leave=False, disable=not sys.stderr.isatty())


async def _work(
    steps: Sequence[Iterator[Task]], barrier: asyncio.Barrier, failed: list[str], threads: int
) -> None:
    """Take tasks and let a child process run them, whose stages train so many networks at once."""
    child = await asyncio.create_subprocess_exec(
        *COMMAND,
        env=os.environ | {"SURNAMES_WORKERS": str(threads)},
        limit=2**26,  # bytes that a task may print
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
    )
    assert child.stdin and child.stdout and child.stderr
    try:
        for tasks in steps:
            for title, stages in tasks:
                started = time.monotonic()
                child.stdin.write(f"{' '.join(stages)}\n".encode())
                printed, errors = await asyncio.gather(_read(child.stdout), _read(child.stderr))
                status = await child.stdout.readline()
                succeeded = status == b"0\n"
                report = f"done in {time.monotonic() - started:.1f} s" if succeeded else "failed"
                report = f"{title}: {report}\n{printed}{'' if succeeded else errors}"
                tqdm.write(report, file=sys.stderr, end="")
                if not status:
                    raise StudyError(f"the process that ran {title} was killed")
                if not succeeded:
                    failed.append(title)
            await barrier.wait()
            if failed:
                break
    finally:  # let it finish its task
        child.stdin.close()
        await child.wait()


async def _read(stream: asyncio.StreamReader) -> str:
    """What a task printed, or of a killed worker, what it printed before."""
    try:
        output = await stream.readuntil(worker.END.encode())
    except asyncio.IncompleteReadError as end:
        output = end.partial
    return output.decode(errors="replace").removesuffix(worker.END)
