"""What the grid trains: `robustness/params.yaml`, and the networks of one cell of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from joblib import Parallel, delayed
from pydantic import Field

from surnames.architectures.elman import Elman
from surnames.core import yaml_files
from surnames.core.corpus import TRAIN, Corpus, Split
from surnames.core.errors import StudyError
from surnames.core.params import Name, Section
from surnames.evaluation import scoring
from surnames.networks import online, training
from surnames.networks.lookup import get_architecture
from surnames.networks.network import Network, ReplicateStreams, sample_examples
from surnames.networks.progress import Progress

PARAMS = Path("robustness/params.yaml")
PROTOCOLS = ("published", "held_out")
COMPARED = ("tutorial_2017", "fixed")
GridProtocol = Literal["published", "held_out"]
Steps = Annotated[int, Field(ge=1, le=10**7)]


class Cell(Section):
    """How the two networks of a cell are trained; the step that is `drawn` is the tutorial's."""

    learning_rate: Annotated[float, Field(ge=1e-9, le=1000)]
    hidden_size: Annotated[int, Field(ge=1, le=4096)]
    drawn: Literal["languages", "names"]  # equally often


class Contrast(Section):
    """A weighted sum of macro recalls that claims.yaml may ask for: weight, architecture, steps."""

    protocol: GridProtocol
    cell: Name
    terms: list[Annotated[tuple[float, str, int], Field(strict=False)]]


class Grid(Section):
    """All of robustness/params.yaml."""

    replicates: Annotated[int, Field(ge=2, le=100)]
    checkpoints: Annotated[list[Steps], Field(min_length=1, max_length=20)]
    cells: dict[Name, Cell]
    contrasts: dict[Name, Contrast]

    def disagreements(self) -> Iterator[yaml_files.Fault]:
        """What of the contrasts is not in the grid."""
        if self.checkpoints != sorted(set(self.checkpoints)):
            yield ("checkpoints",), "must ascend"
        for name, contrast in self.contrasts.items():
            if contrast.cell not in self.cells:
                yield ("contrasts", name, "cell"), f"{contrast.cell} is not under `cells`"
            for place, (_, architecture, steps) in enumerate(contrast.terms):
                if architecture not in COMPARED or steps not in self.checkpoints:
                    message = f"choose from {', '.join(COMPARED)} at one of {self.checkpoints}"
                    yield ("contrasts", name, "terms", place), message


def load(path: Path = PARAMS) -> Grid:
    """The grid; raises ParameterError that names every wrong place."""
    return yaml_files.load(path, Grid, Grid.disagreements)


def first_replicates(split: Split, count: int, protocol: str) -> Split:
    """The split of the grid's replicates; StudyError where these ask some names more often."""
    if split.roles.shape[1] < count:
        raise StudyError(f"{PARAMS}: {count} replicates, and {protocol} has {split.roles.shape[1]}")
    roles = split.roles[:, :count]
    asked = (roles != TRAIN).sum(axis=1)
    if asked.min() < asked.max():
        raise StudyError(
            f"{PARAMS}: {count} replicates are no whole number of repetitions of {protocol}'s folds"
        )
    return Split(split.corpus, roles)


def examples(corpus: Corpus, drawn: str, steps: int, rng: np.random.Generator) -> np.ndarray:
    """(steps,) rows: languages or names equally often."""
    if drawn == "languages":
        return sample_examples(corpus.languages, steps, rng)
    return rng.integers(len(corpus.names), size=steps)


def checkpoints(
    architecture: Elman, cell: Cell, corpus: Corpus, stops: list[int], streams: ReplicateStreams
) -> Iterator[Network]:
    """One network, as it was after each of so many steps of one training."""
    layout = online.Layout.of(architecture.initial_weights(cell.hidden_size, streams.weights))
    rows = examples(corpus, cell.drawn, stops[-1], streams.examples)
    for start, stop in zip([0, *stops], stops, strict=False):
        part = rows[start:stop]
        curve = online.train(
            layout, architecture.activation, corpus, part, cell.learning_rate, lambda _: None
        )
        yield Network.trained(layout.weights(), curve)


def right_answers(
    name: str, cell: Cell, split: Split, stops: list[int], seed: int, protocol: str, replicate: int
) -> dict[str, np.ndarray]:
    """`<architecture>.<steps>.<replicate>` -> (names,) bool, empty where it has diverged."""
    architecture = get_architecture(name)
    assert isinstance(architecture, Elman)
    trained = split.corpus.take(split.training_rows(replicate))
    scored = split.corpus.take(split.scored_rows(replicate))
    streams = ReplicateStreams.of(seed, protocol, replicate)
    found = {}
    networks = checkpoints(architecture, cell, trained, stops, streams)
    for steps, network in zip(stops, networks, strict=True):
        right = np.zeros(0, bool)
        if not network.diverged:
            probabilities = architecture.probabilities(network.weights, scored.names)
            if np.isfinite(probabilities).all():
                right = scoring.predict(probabilities, scored.languages).rank == 0
        found[f"{name}.{steps}.{replicate}"] = right
    return found


def train(
    cell: Cell, split: Split, stops: list[int], seed: int, protocol: str, title: str
) -> dict[str, np.ndarray]:
    """The right answers of both networks that are compared, of every replicate of the split."""
    replicates = range(split.roles.shape[1])
    jobs = [(name, replicate) for name in COMPARED for replicate in replicates]
    progress = Progress(f"{protocol} {title}", len(jobs), 0)
    found: dict[str, np.ndarray] = {}
    pool = Parallel(min(training.workers(), len(jobs)), return_as="generator", backend="threading")
    for answers in pool(
        delayed(right_answers)(name, cell, split, stops, seed, protocol, replicate)
        for name, replicate in jobs
    ):
        found |= answers
        progress.finished()
    progress.close()
    return found
