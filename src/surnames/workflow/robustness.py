"""`surnames robustness`: run what changed of the grid of objections, and take its tables over."""

import shutil
from pathlib import Path

from surnames import dvc_repo
from surnames.networks import training
from surnames.robustness import grid, paths
from surnames.study import gate
from surnames.workflow import parallel
from surnames.workflow.parallel import Task

PIPELINE, LOCK = "robustness/dvc.yaml", Path("robustness/dvc.lock")


def robustness() -> bool:
    """Run the grid, a stage for each worker at a time; whether its tables are others than before.

    Raises StudyError where a stage fails, which has said why, and Interrupted.
    """
    gate.check()
    grid.load()  # or say what is wrong with it
    dvc_repo.release_locks()
    parallel.run([[Task("names", ["check"])]])
    changed = list(dvc_repo.status(PIPELINE))
    if not changed:
        return _take()
    alone = {"single_item": True}
    cells = [one for one in changed if "@" in one]
    try:
        parallel.run(
            [
                [Task(one.partition(":")[2], [one], alone) for one in cells],
                [Task("compare", [f"{PIPELINE}:compare"], alone)],
            ],
            min(training.workers(), max(len(cells), 1)),
        )
    finally:
        dvc_repo.sort_lock(LOCK)
    return _take()


def _take() -> bool:
    """Copy the tables to where git keeps them; whether one of them is another one."""
    moved = False
    paths.TAKEN.mkdir(parents=True, exist_ok=True)
    for name in (paths.CELLS, paths.CONTRASTS):
        made, taken = paths.MADE / name, paths.TAKEN / name
        if not taken.is_file() or taken.read_bytes() != made.read_bytes():
            shutil.copyfile(made, taken)
            moved = True
    return moved
