"""Several runs of the study at once: `dvc repro` alone takes one stage after the other."""

import asyncio
import json
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from tqdm import tqdm

from surnames import dvc_repo
from surnames.core import params
from surnames.core.errors import Interrupted, StudyError
from surnames.networks import training
from surnames.workflow import worker

COMMAND = (sys.executable, "-m", worker.__name__)


@dataclass(frozen=True)
class Task:
    """What one worker does at a time: arguments of `dvc_repo.repro`."""

    title: str
    targets: Sequence[str]
    options: dict[str, bool] = field(default_factory=dict)


def repro() -> None:
    """Run what changed, as many runs at once as there are workers, then report and track at once.

    Each run gets its share of the workers, which changes no bit of it. Raises StudyError where a
    stage fails, after all that can be run without it, and Interrupted.
    """
    if damaged := dvc_repo.damaged(remove=True):  # what plain DVC has laid out, too
        print(f"damaged in DVC's cache, so made again: {', '.join(damaged)}", file=sys.stderr)
    if not dvc_repo.status():
        return
    run([[Task("names", ["check"])]])
    alone = {"single_item": True}
    changed = dvc_repo.status().keys()
    runs = [run for run in params.load().runs if changed & {f"train@{run}", f"evaluate@{run}"}]
    steps = [
        [
            *(
                Task(one, [f"train@{one}", f"evaluate@{one}"], alone)
                for one in _baselines_first(runs)
            ),
            Task("nearest", ["nearest"], alone),
        ],
        [Task("compare", ["compare"], alone)],
        [Task("report", ["report"], alone), Task("track", ["track"], alone)],
    ]
    run(steps, min(training.workers(), max(len(runs), 1)))
    if dvc_repo.status():  # stages that somebody has added
        run([[Task("all other stages", [])]])


def _baselines_first(runs: list[str]) -> list[str]:
    """Baselines first: beside the last of them one network compiles the engine, and only once.

    What only counts takes no time, and comes last.
    """
    settings, places = params.load(), {"logistic_regression": 0, "counting": 2}
    methods = {run: settings.recipe(settings.runs[run]).method for run in reversed(runs)}
    return sorted(methods, key=lambda run: places.get(methods[run], 1))


def run(steps: Sequence[Sequence[Task]], at_once: int = 1) -> None:
    """Run the tasks of each step, so many at once; StudyError after a step in which one failed."""
    asyncio.run(_run(steps, at_once, max(training.workers() // at_once, 1)))


async def _run(steps: Sequence[Sequence[Task]], at_once: int, threads: int) -> None:
    workers = Workers([_progress(tasks) for tasks in steps], threads, asyncio.Barrier(at_once))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, workers.stop, number)
    await asyncio.gather(*(workers.work() for _ in range(at_once)))
    if workers.failed:
        raise StudyError(f"{', '.join(workers.failed)} failed; the messages are above")


def _progress(tasks: Sequence[Task]) -> Iterator[Task]:
    """The tasks, with a bar in a terminal of how many have been taken."""
    yield from tqdm(tasks, leave=False, disable=not sys.stderr.isatty())


@dataclass
class Workers:
    """Child processes that share the tasks of all steps."""

    steps: Sequence[Iterator[Task]]
    threads: int  # networks that a stage trains at once
    barrier: asyncio.Barrier
    children: list[asyncio.subprocess.Process] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)  # titles
    signal: int = 0

    def stop(self, number: int) -> None:
        """End all children, which end their stages."""
        self.signal = number
        for child in self.children:
            with suppress(ProcessLookupError):
                child.terminate()

    async def work(self) -> None:
        """Take tasks and let a child process run them, step after step."""
        child = await asyncio.create_subprocess_exec(
            *COMMAND,
            env=os.environ | {"SURNAMES_WORKERS": str(self.threads)},
            limit=2**26,  # bytes that a task may print
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
        )
        self.children.append(child)
        assert child.stdin
        try:
            for tasks in self.steps:
                for task in tasks:
                    await self._give(child, task)
                await self.barrier.wait()
                if self.failed:
                    break
        finally:  # let it finish its task
            child.stdin.close()
            await child.wait()

    async def _give(self, child: asyncio.subprocess.Process, task: Task) -> None:
        """Let a child run one task, and show what that printed."""
        assert child.stdin and child.stdout and child.stderr
        started = time.monotonic()
        line = json.dumps({"targets": task.targets, "options": task.options})
        child.stdin.write(f"{line}\n".encode())
        printed, errors = await asyncio.gather(_read(child.stdout), _read(child.stderr))
        status = await child.stdout.readline()
        if self.signal:
            raise Interrupted(
                "interrupted; what was finished is kept, and the same command goes on from there",
                self.signal,
            )
        succeeded = status == b"0\n"
        report = f"done in {time.monotonic() - started:.1f} s" if succeeded else "failed"
        report = f"{task.title}: {report}\n{printed}{'' if succeeded else errors}"
        tqdm.write(report, file=sys.stderr, end="")
        if not status:
            raise StudyError(f"the process that ran {task.title} was killed")
        if not succeeded:
            self.failed.append(task.title)


async def _read(stream: asyncio.StreamReader) -> str:
    """What a task printed, or of a killed worker, what it printed before."""
    try:
        output = await stream.readuntil(worker.END.encode())
    except asyncio.IncompleteReadError as end:
        output = end.partial
    return output.decode(errors="replace").removesuffix(worker.END)
