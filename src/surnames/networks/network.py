"""A trained network, and what an architecture must do to be part of the study.

An architecture turns a corpus and a recipe into weights, and weights and names into probabilities.
Weights are a dict of NumPy arrays, whatever trained them, and are kept as safetensors.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol, cast

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from surnames.core import tables
from surnames.core.corpus import LANGUAGES, Corpus
from surnames.core.streams import EXAMPLES, WEIGHTS, stream

Weights = dict[str, np.ndarray]
StepsDone = Callable[[int], None]  # called with the number of steps just done
Arrays = dict[str, tuple[str, tuple[int, ...]]]  # type and shape by name
CURVE_POINTS = 50
HEADER_BYTES = 10_000_000  # of a file of weights; that of a thousand networks is a twentieth of it


@dataclass(frozen=True)
class ReplicateStreams:
    """The two random streams of one replicate: the same for every architecture of the study."""

    weights: np.random.Generator
    examples: np.random.Generator

    @classmethod
    def of(cls, seed: int, protocol: str, replicate: int) -> "ReplicateStreams":
        """The streams of that replicate, independent of those of all others."""
        return cls(*(stream(seed, protocol, replicate, purpose) for purpose in (WEIGHTS, EXAMPLES)))

    def again(self) -> "ReplicateStreams":
        """Other numbers of the same streams, 2^127 draws further on."""
        return ReplicateStreams(
            *(np.random.Generator(own.bit_generator.jumped()) for own in vars(self).values())
        )


@dataclass(frozen=True)
class Network:
    """One trained instance of an architecture.

    `curve` has a row for each window of training: the step at its end, the mean loss (nats) and the
    share of names classified correctly, each *before* the step that learns from the name.
    """

    weights: Weights
    curve: list[tuple[int, float, float]] = field(default_factory=list)

    @classmethod
    def trained(cls, weights: Weights, curve: list[tuple[int, float, float]]) -> "Network":
        """The result of gradient descent; a diverged network keeps no weights, only NaN.

        Diverged: a weight or the loss is not finite, or the loss of the last window is more than
        twice that of guessing (ln 18 nats). ReLU networks end like that at too high a learning
        rate: dead and finite.
        """
        last = curve[-1][1]
        finite = np.isfinite(last) and all(np.isfinite(array).all() for array in weights.values())
        if not finite or last > 2 * np.log(len(LANGUAGES)):
            weights = {name: np.full_like(array, np.nan) for name, array in weights.items()}
        return cls(weights, curve)

    @property
    def diverged(self) -> bool:
        """Whether its weights are NaN."""
        return any(np.isnan(array).any() for array in self.weights.values())


class Architecture(Protocol):
    """What every entry of a family's ARCHITECTURES must answer."""

    method: ClassVar[str]  # the kind of recipe that trains it
    stochastic: ClassVar[bool]  # whether replicates on the same names differ
    threads: ClassVar[bool]  # whether `fit` releases the GIL, so that threads suffice

    @property
    def words(self) -> str:
        """What it is made of, for people: `ReLU, output from the new hidden state`."""
        ...

    def card(self) -> dict[str, Any] | None:
        """What a scorer with NumPy alone must know beside the weights; None if it cannot score it.

        `kind` names the scorer; what else is in it distinguishes the architectures of a family.
        """
        ...

    def arrays(self, weights: Weights) -> Arrays:
        """What weights of this size must be; any exception where they do not even show a size."""
        ...

    def fit(
        self, corpus: Corpus, recipe: Any, streams: ReplicateStreams, steps_done: StepsDone
    ) -> Network:
        """One network, trained on these names."""
        ...

    def probabilities(self, weights: Weights, names: list[str]) -> np.ndarray:
        """(names, languages) float64: each row sums to one."""
        ...


def sample_examples(languages: np.ndarray, steps: int, rng: np.random.Generator) -> np.ndarray:
    """The examples of `steps` steps: a language drawn uniformly, then one of its rows uniformly.

    Source: `randomTrainingExample` of the tutorial. languages (names,); returns (steps,) rows.
    """
    order = np.argsort(languages, kind="stable")
    present, counts = np.unique(languages, return_counts=True)
    starts = np.cumsum(counts) - counts
    drawn = rng.integers(len(present), size=steps)
    within = (rng.random(steps) * counts[drawn]).astype(np.int64)
    return cast(np.ndarray, order[starts[drawn] + within])


def curve_windows(steps: int) -> list[tuple[int, int]]:
    """The windows of training, (first step, end) each, that are the points of a learning curve."""
    length = max(1, steps // CURVE_POINTS)
    return [(first, min(first + length, steps)) for first in range(0, steps, length)]


def replicates(architecture: Architecture, protocol: str, wanted: int) -> int:
    """How many networks a run has: one where every replicate would be the same."""
    return wanted if architecture.stochastic or protocol != "published" else 1


def save_networks(networks: list[Network], path: Path) -> None:
    """All replicates in one safetensors file, `<replicate>.<weight>` each."""
    arrays = {
        f"{replicate}.{name}": np.ascontiguousarray(array)
        for replicate, network in enumerate(networks)
        for name, array in network.weights.items()
    }
    tables.replace_bytes(path, safetensors.numpy.save(arrays))


def load_networks(path: Path, architecture: Architecture) -> list[Network]:
    """The networks of a file written by `save_networks`, without their curves.

    Raises DataError where it is damaged, or holds what is no network of this architecture.
    """
    gathered: dict[int, Weights] = {}
    with tables.reading(path):
        check_header(path)
        try:
            arrays = safetensors.numpy.load(path.read_bytes())
        except SafetensorError as error:
            raise ValueError(error) from None
        for key, array in arrays.items():
            replicate, name = key.split(".", 1)
            gathered.setdefault(int(replicate), {})[name] = array
        networks = [Network(gathered[replicate]) for replicate in range(len(gathered))]
        for network in networks:
            check_weights(network.weights, architecture, diverged=True)
    return networks


def check_header(path: Path) -> None:
    """ValueError where a file of weights announces a list of arrays that is larger than any."""
    with open(path, "rb") as file:
        if int.from_bytes(file.read(8), "little") > HEADER_BYTES:
            raise ValueError(f"its header is larger than {HEADER_BYTES:,} bytes")


def check_weights(weights: Weights, architecture: Architecture, *, diverged: bool = False) -> None:
    """ValueError where these are no weights of that architecture.

    All of them may be NaN where the network may have `diverged`; otherwise each is finite.
    """
    found = {name: (str(array.dtype), array.shape) for name, array in weights.items()}
    try:
        expected = architecture.arrays(weights)
    except Exception as error:  # of any kind: a module of torch decides
        raise ValueError(f"no weights of {architecture.words}: {error!r:.200}") from None
    if found != expected:
        names = [one for one in found | expected if found.get(one) != expected.get(one)]
        shown = ", ".join(f"{one} is {found.get(one)}, not {expected.get(one)}" for one in names)
        raise ValueError(f"no weights of {architecture.words}: {shown}")
    values = [array for array in weights.values() if array.dtype.kind == "f"]
    if diverged and all(np.isnan(array).all() for array in values):
        return
    if not all(np.isfinite(array).all() for array in values):
        raise ValueError("a weight is NaN or infinite")
