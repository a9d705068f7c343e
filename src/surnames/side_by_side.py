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
    """Train and evaluate what changed, as many runs at once as there are workers.

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
    pool = Parallel(at_once, return_as="generator_unordered", batch_size=1, pre_dispatch="n_jobs")
    done = pool(delayed(_reproduce)(run) for run in reversed(runs))  # short ones come last
    for line in tqdm(done, "runs", len(runs), leave=False, disable=not sys.stderr.isatty()):
        tqdm.write(line, file=sys.stderr)


def changed() -> set[str]:
    """The stages that are not up to date."""
    from dvc.repo import Repo

    with Repo() as repo:
        return set(repo.status())


def _dvc(*arguments: str) -> int:
    """`dvc repro` in this process; its exit status."""
    from dvc.cli import main

    return main(["repro", "--quiet", *arguments])


def _reproduce(run: str) -> str:
    """Train and evaluate one run, with its output held back; a line about it."""
    started = time.monotonic()
    with _silence():
        failed = _dvc("--single-item", f"train@{run}", f"evaluate@{run}")
    seconds = time.monotonic() - started
    return f"{run}: " + ("failed, see below" if failed else f"done in {seconds:.1f} s")


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """What this process and its children write goes nowhere."""
    kept = {stream: os.dup(stream) for stream in (1, 2)}
    with tempfile.TemporaryFile() as nowhere:
        for stream in kept:
            os.dup2(nowhere.fileno(), stream)
    try:
        yield
    finally:
        for stream, copy in kept.items():
            os.dup2(copy, stream)
            os.close(copy)
