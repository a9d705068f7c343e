"""The six Elman networks: a 2 x 3 factorial of activation and readout.

h_t    = f(U [x_t ; h_(t-1)] + c)             f: identity, tanh or ReLU
logits = W h_T + b                            readout "hidden": from the new hidden state
logits = W [x_T ; h_(T-1)] + b                readout "combined", as in 2017's tutorial
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from surnames.core import alphabet
from surnames.core.corpus import LANGUAGES, Corpus
from surnames.networks.network import (
    Arrays,
    Network,
    ReplicateStreams,
    StepsDone,
    Weights,
    sample_examples,
)

if TYPE_CHECKING:
    from surnames.core.params import Sgd

ACTIVATIONS = {"linear": "no activation", "tanh": "tanh", "relu": "ReLU"}
READOUTS = {
    "combined": "output from [input, previous state]",
    "hidden": "output from the new hidden state",
}


def uniform(rng: np.random.Generator, shape: tuple[int, ...], inputs: int) -> np.ndarray:
    """torch.nn.Linear's default: uniform within 1 / sqrt(inputs) of zero, float32."""
    bound = 1 / np.sqrt(inputs)
    return rng.uniform(-bound, bound, shape).astype(np.float32)


@dataclass(frozen=True)
class Elman:
    """One of the six.

    Weights are named and shaped as those of two torch.nn.Linear: `cell` (hidden, letters + hidden)
    and `readout` (languages, letters + hidden) or (languages, hidden).
    """

    activation: str
    readout: str
    method: ClassVar = "sgd"
    stochastic: ClassVar = True
    threads: ClassVar = True

    @property
    def words(self) -> str:
        """Its activation and its readout."""
        return f"{ACTIVATIONS[self.activation]}, {READOUTS[self.readout]}"

    def card(self) -> dict[str, Any] | None:
        """Its cell of the factorial."""
        return {"kind": "elman", "activation": self.activation, "readout": self.readout}

    def arrays(self, weights: Weights) -> Arrays:
        """By the number of hidden units."""
        [hidden] = weights["cell.bias"].shape
        inputs, languages = len(alphabet.LETTERS) + hidden, len(LANGUAGES)
        readout = inputs if self.readout == "combined" else hidden
        return {
            "cell.weight": ("float32", (hidden, inputs)),
            "cell.bias": ("float32", (hidden,)),
            "readout.weight": ("float32", (languages, readout)),
            "readout.bias": ("float32", (languages,)),
        }

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

    def fit(
        self, corpus: Corpus, recipe: "Sgd", streams: ReplicateStreams, steps_done: StepsDone
    ) -> Network:
        """One network, by the engine that the recipe names."""
        weights = self.initial_weights(recipe.hidden_size, streams.weights)
        examples = sample_examples(corpus.languages, recipe.steps, streams.examples)
        if recipe.engine == "reference":
            from surnames.networks import reference

            module = reference.ElmanModule(self.activation, self.readout, recipe.hidden_size)
            reference.set_weights(module, weights)
            return reference.train(module, corpus, examples, recipe.learning_rate, steps_done)
        from surnames.networks import online

        layout = online.Layout.of(weights)
        curve = online.train(
            layout, self.activation, corpus, examples, recipe.learning_rate, steps_done
        )
        return Network.trained(layout.weights(), curve)

    def probabilities(self, weights: Weights, names: list[str]) -> np.ndarray:
        """Scored by the online engine, whichever engine trained."""
        from surnames.networks import online

        return online.probabilities(online.Layout.of(weights), self.activation, names)


@dataclass(frozen=True)
class Again(Elman):
    """The same network from other weights, on other examples: what differs is chance in training.

    The study's A/A check. It is no other model, so none is registered of it.
    """

    @property
    def words(self) -> str:
        """That it is the same."""
        return f"{super().words}; trained again"

    def card(self) -> dict[str, Any] | None:
        """None."""
        return None

    def fit(
        self, corpus: Corpus, recipe: "Sgd", streams: ReplicateStreams, steps_done: StepsDone
    ) -> Network:
        """As the original, by other random numbers."""
        return super().fit(corpus, recipe, streams.again(), steps_done)


@lru_cache(2**16)
def shuffled(name: str) -> str:
    """The letters of a name in a random order, which is always the same for the same name."""
    order = np.random.Generator(np.random.PCG64(list(name.encode()))).permutation(len(name))
    return "".join(name[place] for place in order)


@dataclass(frozen=True)
class Shuffled(Elman):
    """The same network, which never sees the order of a name's letters: not a model to be used."""

    @property
    def words(self) -> str:
        """What its letters are."""
        return f"{super().words}; each name's letters in a random order"

    def card(self) -> dict[str, Any] | None:
        """None."""
        return None

    def fit(
        self, corpus: Corpus, recipe: "Sgd", streams: ReplicateStreams, steps_done: StepsDone
    ) -> Network:
        """As the original, on shuffled names."""
        names = Corpus([*map(shuffled, corpus.names)], corpus.languages)
        return super().fit(names, recipe, streams, steps_done)

    def probabilities(self, weights: Weights, names: list[str]) -> np.ndarray:
        """As the original, on shuffled names."""
        return super().probabilities(weights, [*map(shuffled, names)])


ARCHITECTURES = {
    "tutorial_2017": Elman("linear", "combined"),
    "tanh_only": Elman("tanh", "combined"),
    "relu_only": Elman("relu", "combined"),
    "readout_only": Elman("linear", "hidden"),
    "tutorial_2023": Elman("tanh", "hidden"),
    "fixed": Elman("relu", "hidden"),
    "fixed_again": Again("relu", "hidden"),
    "fixed_shuffled": Shuffled("relu", "hidden"),
}
