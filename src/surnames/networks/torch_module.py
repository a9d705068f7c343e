"""Any torch.nn.Module as an architecture, trained by the reference engine."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from surnames.core.corpus import Corpus
from surnames.core.errors import StudyError
from surnames.networks.network import (
    Arrays,
    Network,
    ReplicateStreams,
    StepsDone,
    Weights,
    sample_examples,
)

if TYPE_CHECKING:
    from torch import nn

    from surnames.core.params import Sgd


@dataclass(frozen=True)
class TorchModule:
    """An architecture that `build(letters, hidden_size, languages)` makes; see `reference.py`.

    `build` imports torch itself, since every command that lists the architectures imports its file.
    """

    build: "Callable[[int, int, int], nn.Module]"
    words: str
    method: ClassVar = "sgd"
    stochastic: ClassVar = True
    threads: ClassVar = False

    def card(self) -> dict[str, Any] | None:
        """None: it takes torch to score one."""
        return None

    def arrays(self, weights: Weights) -> Arrays:
        """What `build` makes for the hidden size that is kept with them."""
        from surnames.networks import reference

        [hidden_size] = weights["hidden_size"].tolist()
        if not 0 < hidden_size < 2**16:
            raise ValueError(f"hidden_size is {hidden_size}")
        module = reference.arrays(self.build, hidden_size)
        return module | {"hidden_size": ("int64", (1,))}

    def fit(
        self, corpus: Corpus, recipe: "Sgd", streams: ReplicateStreams, steps_done: StepsDone
    ) -> Network:
        """One network, by autograd."""
        from surnames.networks import reference

        if recipe.engine != "reference":
            raise StudyError(
                "the online engine trains the six Elman networks only; "
                "give this architecture a recipe with `engine: reference`"
            )
        seed = int(streams.weights.integers(2**63))
        module = reference.seeded(self.build, recipe.hidden_size, seed)
        examples = sample_examples(corpus.languages, recipe.steps, streams.examples)
        trained = reference.train(module, corpus, examples, recipe.learning_rate, steps_done)
        size = {"hidden_size": np.array([recipe.hidden_size])}
        return Network(trained.weights | size, trained.curve)

    def probabilities(self, weights: Weights, names: list[str]) -> np.ndarray:
        """Scored by torch, in padded batches."""
        from surnames.networks import reference

        weights = dict(weights)
        module = reference.seeded(self.build, int(weights.pop("hidden_size")[0]), 0)
        reference.set_weights(module, weights)
        return reference.probabilities(module, names)
