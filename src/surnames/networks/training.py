"""All networks of one run, side by side; and their learning curves as a table."""

import os
from functools import partial
from pathlib import Path

from joblib import Parallel, cpu_count, delayed

from surnames.core import tables
from surnames.core.corpus import Split
from surnames.core.errors import TrainingError
from surnames.core.params import Recipe, Run
from surnames.core.stage import end_with_parent
from surnames.networks.network import Architecture, Network, ReplicateStreams
from surnames.networks.progress import Progress


def workers() -> int:
    """How many networks train at once: SURNAMES_WORKERS, or the processors that we may use."""
    return int(os.environ.get("SURNAMES_WORKERS", "0")) or cpu_count()


def fit(
    architecture: Architecture,
    split: Split,
    recipe: Recipe,
    seed: int,
    replicates: int,
    run: Run,
) -> list[Network]:
    """One network for each replicate, in their order; the number of workers changes nothing.

    Raises TrainingError where every one of them diverged.
    """
    progress = Progress(str(run), replicates, getattr(recipe, "steps", 0))
    advance = progress.advance if architecture.threads else _unheard
    # a pool of processes would outlive a killed parent
    kind = {"backend": "loky", "initializer": partial(end_with_parent, os.getpid())}
    if architecture.threads:
        kind = {"backend": "threading"}
    pool = Parallel(min(workers(), replicates), return_as="generator", **kind)
    networks = []
    for network in pool(
        delayed(architecture.fit)(
            split.corpus.take(split.training_rows(replicate)),
            recipe,
            ReplicateStreams.of(seed, run.protocol, replicate),
            advance,
        )
        for replicate in range(replicates)
    ):
        networks.append(network)
        progress.finished("; DIVERGED" if network.diverged else "")
    progress.close()
    if all(network.diverged for network in networks):
        raise TrainingError(
            f"{run}: all {replicates} networks diverged (a weight is no longer a number); "
            "lower the learning rate"
        )
    return networks


def _unheard(steps: int) -> None:
    """What another process says of its steps does not reach the bar."""


def save_history(networks: list[Network], path: Path) -> None:
    """The learning curves: replicate, step, mean loss (nats) and share right of each stretch."""
    rows = (
        (replicate, *point) for replicate, network in enumerate(networks) for point in network.curve
    )
    tables.write_table(["replicate", "step", "loss", "accuracy"], rows, path)
