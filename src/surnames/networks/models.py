"""The architectures: one contract, and one table that lists them.

An architecture turns a corpus and a recipe into weights, and weights and names into probabilities.
Weights are a dict of NumPy arrays, whatever trained them, and are kept as safetensors.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast

import numpy as np
import safetensors.numpy

from surnames.core import alphabet
from surnames.core.corpus import LANGUAGES, Corpus
from surnames.core.errors import StudyError

if TYPE_CHECKING:
    from torch import nn

    from surnames.core.params import Recipe, Sgd

Weights = dict[str, np.ndarray]
Progress = Callable[[int], None]  # called with the number of steps just done
CURVE_POINTS = 50


@dataclass(frozen=True)
class Chance:
    """The two random streams of one replicate: the same for every architecture of the study."""

    weights: np.random.Generator
    examples: np.random.Generator

    @classmethod
    def of(cls, seed: int, replicate: int) -> "Chance":
        """The streams of that replicate (PCG64, seeded by all three numbers)."""
        return cls(*(np.random.Generator(np.random.PCG64((seed, replicate, k))) for k in (0, 1)))


@dataclass(frozen=True)
class Network:
    """One trained instance of an architecture.

    `curve` has one row for each stretch of training: the step it ends at, the mean loss (nats) and
    the share of names read right in it, each *before* the step that learns from it.
    """

    weights: Weights
    curve: list[tuple[int, float, float]] = field(default_factory=list)

    @classmethod
    def trained(cls, weights: Weights, curve: list[tuple[int, float, float]]) -> "Network":
        """What came out of gradient descent; a diverged network keeps no weights, only NaN.

        Diverged: a weight or the loss is not finite, or the last stretch lost more than twice what
        guessing costs (ln 18 nats). At a wild learning rate ReLU networks end like that: dead and
        finite.
        """
        last = curve[-1][1]
        finite = np.isfinite(last) and all(np.isfinite(array).all() for array in weights.values())
        if not finite or last > 2 * np.log(len(LANGUAGES)):
            weights = {name: np.full_like(array, np.nan) for name, array in weights.items()}
        return cls(weights, curve)

    @property
    def diverged(self) -> bool:
        """Whether its weights are no longer numbers."""
        return any(np.isnan(array).any() for array in self.weights.values())


class Architecture(Protocol):
    """What a row of the table must answer."""

    method: ClassVar[str]  # the kind of recipe that trains it
    stochastic: ClassVar[bool]  # whether replicates on the same names differ
    threads: ClassVar[bool]  # whether its online fit releases the GIL, so that threads suffice

    def fit(self, corpus: Corpus, recipe: Any, chance: Chance, progress: Progress) -> Network:
        """One network, trained on these names."""
        ...

    def probabilities(self, weights: Weights, names: list[str]) -> np.ndarray:
        """(names, languages) float64: each row sums to one."""
        ...


def stream(languages: np.ndarray, steps: int, rng: np.random.Generator) -> np.ndarray:
    """The examples of `steps` steps: a language drawn uniformly, then one of its rows uniformly.

    Source: `randomTrainingExample` of the tutorial. languages (names,); returns (steps,) rows.
    """
    order = np.argsort(languages, kind="stable")
    present, counts = np.unique(languages, return_counts=True)
    starts = np.cumsum(counts) - counts
    drawn = rng.integers(len(present), size=steps)
    within = (rng.random(steps) * counts[drawn]).astype(np.int64)
    return cast(np.ndarray, order[starts[drawn] + within])


def stretches(steps: int) -> list[tuple[int, int]]:
    """The stretches of training, (first, end) each, that a learning curve has a point for."""
    length = max(1, steps // CURVE_POINTS)
    return [(first, min(first + length, steps)) for first in range(0, steps, length)]


def uniform(rng: np.random.Generator, shape: tuple[int, ...], inputs: int) -> np.ndarray:
    """torch.nn.Linear's default: uniform within 1 / sqrt(inputs) of zero, float32."""
    bound = 1 / np.sqrt(inputs)
    return rng.uniform(-bound, bound, shape).astype(np.float32)


@dataclass(frozen=True)
class Elman:
    """h_t = f(U [x_t ; h_(t-1)] + c); read out beside the state ("combined") or from it ("hidden").

    Weights are named and shaped as those of two torch.nn.Linear: `cell` (hidden, letters + hidden)
    and `readout` (languages, letters + hidden) or (languages, hidden).
    """

    activation: str
    readout: str
    method: ClassVar = "sgd"
    stochastic: ClassVar = True
    threads: ClassVar = True

    def initial_weights(self, hidden: int, rng: np.random.Generator) -> Weights:
        """Fresh weights; the cell's are the same for all six architectures of a replicate."""
        inputs = len(alphabet.LETTERS) + hidden
        readout = inputs if self.readout == "combined" else hidden
        return {
            "cell.weight": uniform(rng, (hidden, inputs), inputs),
            "cell.bias": uniform(rng, (hidden,), inputs),
            "readout.weight": uniform(rng, (len(LANGUAGES), readout), readout),
            "readout.bias": uniform(rng, (len(LANGUAGES),), readout),
        }

    def fit(self, corpus: Corpus, recipe: "Sgd", chance: Chance, progress: Progress) -> Network:
        """One network, by the engine that the recipe names."""
        weights = self.initial_weights(recipe.hidden_size, chance.weights)
        examples = stream(corpus.languages, recipe.steps, chance.examples)
        if recipe.engine == "reference":
            from surnames.networks import reference

            network = reference.Elman(self.activation, self.readout, recipe.hidden_size)
            reference.set_weights(network, weights)
            return reference.train(network, corpus, examples, recipe.learning_rate, progress)
        from surnames.networks import online

        layout = online.Layout.of(weights)
        curve = online.train(
            layout, self.activation, corpus, examples, recipe.learning_rate, progress
        )
        return Network.trained(layout.weights(), curve)

    def probabilities(self, weights: Weights, names: list[str]) -> np.ndarray:
        """Scored by the online engine, whichever engine trained."""
        from surnames.networks import online

        return online.probabilities(online.Layout.of(weights), self.activation, names)


@dataclass(frozen=True)
class Module:
    """Any torch.nn.Module with the contract of `reference.py`, trained by the reference engine.

    `build(letters, hidden_size, languages)` makes one; it should import torch itself.
    """

    build: "Callable[[int, int, int], nn.Module]"
    method: ClassVar = "sgd"
    stochastic: ClassVar = True
    threads: ClassVar = False

    def fit(self, corpus: Corpus, recipe: "Sgd", chance: Chance, progress: Progress) -> Network:
        """One network, by autograd."""
        from surnames.networks import reference

        if recipe.engine != "reference":
            raise StudyError(
                "the online engine trains the six Elman networks only; "
                "give this architecture `engine: reference`"
            )
        seed = int(chance.weights.integers(2**63))
        network = reference.seeded(self.build, recipe.hidden_size, seed)
        examples = stream(corpus.languages, recipe.steps, chance.examples)
        trained = reference.train(network, corpus, examples, recipe.learning_rate, progress)
        size = {"hidden_size": np.array([recipe.hidden_size])}
        return Network(trained.weights | size, trained.curve)

    def probabilities(self, weights: Weights, names: list[str]) -> np.ndarray:
        """Scored by torch, in padded batches."""
        from surnames.networks import reference

        weights = dict(weights)
        network = reference.seeded(self.build, int(weights.pop("hidden_size")[0]), 0)
        reference.set_weights(network, weights)
        return reference.probabilities(network, names)


@dataclass(frozen=True)
class Majority:
    """Always the most frequent language; as probabilities, the languages' shares in training."""

    method: ClassVar = "counting"
    stochastic: ClassVar = False
    threads: ClassVar = True

    def fit(self, corpus: Corpus, recipe: "Recipe", chance: Chance, progress: Progress) -> Network:
        """Count."""
        counts = np.bincount(corpus.languages, minlength=len(LANGUAGES))
        return Network({"shares": counts / counts.sum()})

    def probabilities(self, weights: Weights, names: list[str]) -> np.ndarray:
        """The same for every name."""
        return np.tile(weights["shares"], (len(names), 1))


@dataclass(frozen=True)
class NgramLogistic:
    """Logistic regression on character n-grams: what one would try first, without a network.

    One language against the rest, normalized to sum to one; see `baselines.py`.
    """

    method: ClassVar = "logistic_regression"
    stochastic: ClassVar = False
    threads: ClassVar = False  # liblinear draws from one generator for the whole process

    def fit(self, corpus: Corpus, recipe: Any, chance: Chance, progress: Progress) -> Network:
        """Fit with scikit-learn's liblinear, by dual coordinate descent: no BLAS in it."""
        from surnames.networks import baselines

        return Network(baselines.fit_ngrams(corpus, recipe, len(LANGUAGES)))

    def probabilities(self, weights: Weights, names: list[str]) -> np.ndarray:
        """From the weights alone, without scikit-learn."""
        from surnames.networks import baselines

        return baselines.ngram_probabilities(weights, names)


ARCHITECTURES: dict[str, Architecture] = {
    "majority": Majority(),
    "ngram_logistic": NgramLogistic(),
    "tutorial_2017": Elman("linear", "combined"),
    "tanh_only": Elman("tanh", "combined"),
    "relu_only": Elman("relu", "combined"),
    "readout_only": Elman("linear", "hidden"),
    "tutorial_2023": Elman("tanh", "hidden"),
    "fixed": Elman("relu", "hidden"),
}


def row(name: str) -> Architecture:
    """The row of that name; StudyError where there is none."""
    try:
        return ARCHITECTURES[name]
    except KeyError:
        known = ", ".join(ARCHITECTURES)
        raise StudyError(f"no architecture {name!r} in models.ARCHITECTURES: {known}") from None


def trained_by(name: str, recipe: "Recipe") -> Architecture:
    """The row of that name; StudyError where there is none, or the recipe is not for it."""
    found = row(name)
    if found.method != recipe.method:
        raise StudyError(
            f"{name} is trained by a recipe with method: {found.method}, not {recipe.method}; "
            "mend `runs` in params.yaml"
        )
    return found


def replicates(row: Architecture, protocol: str, wanted: int) -> int:
    """How many networks a run has: one where every replicate would be the same."""
    return wanted if row.stochastic or protocol != "published" else 1


def save(networks: list[Network], path: Path) -> None:
    """All replicates in one safetensors file, `<replicate>.<weight>` each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {
        f"{replicate}.{name}": np.ascontiguousarray(array)
        for replicate, network in enumerate(networks)
        for name, array in network.weights.items()
    }
    path.write_bytes(safetensors.numpy.save(arrays))


def load(path: Path) -> list[Network]:
    """The networks of a file written by `save`, without their curves."""
    gathered: dict[int, Weights] = {}
    for key, array in safetensors.numpy.load(path.read_bytes()).items():
        replicate, name = key.split(".", 1)
        gathered.setdefault(int(replicate), {})[name] = array
    return [Network(gathered[replicate]) for replicate in sorted(gathered)]
