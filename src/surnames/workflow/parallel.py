"""The runs of the study side by side: `dvc repro` alone takes one stage after the other."""

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator

from joblib import Parallel, delayed
from tqdm import tqdm

from surnames.core import params
from surnames.networks import training


def reproduce() -> None:
    """Make what changed, as many runs at once as there are workers, then report and track at once.

    `dvc repro` afterwards finds it done, and is the judge: what fails here fails there again, in
    its own words. Each run gets its share of the workers, which changes no bit of it.
    """
    if not changed() or _dvc("check"):
        return
    stages = changed()
    runs = [run for run in params.load().runs if stages & {f"train@{run}", f"evaluate@{run}"}]
    at_once = min(training.workers(), len(runs))
    if at_once < 2:
        return
    os.environ["SURNAMES_WORKERS"] = str(training.workers() // at_once)
    pairs = {run: [f"train@{run}", f"evaluate@{run}"] for run in _baselines_first(runs)}
    if _at_once(pairs, at_once) and not _dvc("--single-item", "compare"):
        _at_once({stage: [stage] for stage in ("report", "track")}, at_once)


def _baselines_first(runs: list[str]) -> list[str]:
    """Baselines first: beside the last of them one network compiles the engine, and once.

    What only counts takes no time, and comes last.
    """
    settings = params.load()
    places = {"logistic_regression": 0, "counting": 2}
    return sorted(
        reversed(runs), key=lambda run: places.get(settings.recipe(settings.runs[run]).method, 1)
    )


def _at_once(work: dict[str, list[str]], workers: int) -> bool:
    """Make the stages of each title, so many titles at once; whether all of it was made."""
    pool = Parallel(workers, return_as="generator_unordered", batch_size=1, pre_dispatch="n_jobs")
    done = pool(delayed(_reproduce)(title, stages) for title, stages in work.items())
    whole = True
    for made, said in tqdm(done, "", len(work), leave=False, disable=not sys.stderr.isatty()):
        tqdm.write(said, file=sys.stderr)
        whole &= made
    return whole


def changed() -> set[str]:
    """The stages that are not up to date."""
    from dvc.repo import Repo

    with Repo() as repo:
        return set(repo.status())


def _dvc(*arguments: str) -> int:
    """`dvc repro` in this process; its exit status."""
    from dvc.cli import main

    return main(["repro", "--quiet", *arguments])


def _reproduce(title: str, stages: list[str]) -> tuple[bool, str]:
    """Make these stages in this process; whether that went well, and what to say about it."""
    started = time.monotonic()
    with tempfile.TemporaryFile("w+") as said:
        with _heard(said.fileno()):
            made = not _dvc("--single-item", *stages)
        said.seek(0)
        lines = [f"{title}: done in {time.monotonic() - started:.1f} s", *said.read().splitlines()]
    return made, "\n".join(lines) if made else f"{title}: failed, see below"


@contextlib.contextmanager
def _heard(place: int) -> Iterator[None]:
    """What this process and its children print goes to that file; their progress goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    kept = {stream: os.dup(stream) for stream in (1, 2)}
    os.dup2(place, 1)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        for stream, copy in kept.items():
            os.dup2(copy, stream)
            os.close(copy)
        os.close(nowhere)
