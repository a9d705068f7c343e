"""Several runs of the study at once: `dvc repro` alone takes one stage after the other."""

import asyncio
import os
import sys
import time
from asyncio.subprocess import PIPE

from tqdm import tqdm

from surnames import dvc_repo
from surnames.core import params
from surnames.core.errors import StudyError
from surnames.networks import training
from surnames.workflow import worker

Tasks = dict[str, list[str]]  # by title, the stages of each


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
    if at_once < 2:
        return
    of_runs = {run: [f"train@{run}", f"evaluate@{run}"] for run in _baselines_first(runs)}
    steps = [of_runs, {"compare": ["compare"]}, {"report": ["report"], "track": ["track"]}]
    asyncio.run(_run(steps, at_once, training.workers() // at_once))


def _baselines_first(runs: list[str]) -> list[str]:
    """Baselines first: beside the last of them one network compiles the engine, and only once.

    What only counts takes no time, and comes last.
    """
    settings = params.load()
    places = {"logistic_regression": 0, "counting": 2}
    return sorted(
        reversed(runs), key=lambda run: places.get(settings.recipe(settings.runs[run]).method, 1)
    )


async def _run(steps: list[Tasks], at_once: int, threads: int) -> None:
    """Run the tasks of each step, so many at once; StudyError after a step in which one failed."""
    workers = [await Worker.start(threads) for _ in range(at_once)]
    idle: asyncio.Queue[Worker] = asyncio.Queue()
    for one in workers:
        idle.put_nowait(one)
    try:
        for tasks in steps:
            bar = tqdm(total=len(tasks), leave=False, disable=not sys.stderr.isatty())

            async def task(title: str, stages: list[str], bar: tqdm = bar) -> bool:
                chosen = await idle.get()
                succeeded, report = await chosen.run(title, stages)
                idle.put_nowait(chosen)
                tqdm.write(report, file=sys.stderr)
                bar.update()
                return succeeded

            succeeded = await asyncio.gather(*(task(*item) for item in tasks.items()))
            bar.close()
            if not all(succeeded):
                raise StudyError(f"{succeeded.count(False)} of {len(tasks)} failed, see above")
    finally:
        for one in workers:
            await one.stop()


class Worker:
    """The child process of worker.py, and the pipes to it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin and process.stdout and process.stderr
        self.process, self.stages = process, process.stdin
        self.outputs = process.stdout, process.stderr

    @classmethod
    async def start(cls, threads: int) -> "Worker":
        """A worker, whose stages train so many networks at once."""
        command = [sys.executable, "-m", worker.__name__]
        environment = os.environ | {"SURNAMES_WORKERS": str(threads)}
        return cls(
            await asyncio.create_subprocess_exec(
                *command, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment, limit=2**26
            )
        )

    async def run(self, title: str, stages: list[str]) -> tuple[bool, str]:
        """Run stages; whether that succeeded, and what to tell of it.

        Of a success that is what was printed to standard output, of a failure everything. Raises
        StudyError where the worker itself was killed.
        """
        started = time.monotonic()
        self.stages.write(f"{' '.join(stages)}\n".encode())
        printed, errors = await asyncio.gather(*map(_until_end, self.outputs))
        status = await self.outputs[0].readline()
        if status == b"0\n":
            return True, f"{title}: done in {time.monotonic() - started:.1f} s\n{printed}".rstrip()
        everything = f"{title}: failed\n{printed}{errors}".rstrip()
        if not status:
            raise StudyError(f"{everything}\nthe process that ran it was killed")
        return False, everything

    async def stop(self) -> None:
        """Let it finish and end."""
        self.stages.close()
        await self.process.wait()


async def _until_end(stream: asyncio.StreamReader) -> str:
    """What a task printed; of a worker that was killed, what it printed before."""
    try:
        output = await stream.readuntil(worker.END.encode())
    except asyncio.IncompleteReadError as end:
        output = end.partial
    return output.decode(errors="replace").removesuffix(worker.END)
