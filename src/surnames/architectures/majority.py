"""Always the most frequent language: what a classifier must beat."""

from typing import Any, ClassVar

import numpy as np

from surnames.core.corpus import LANGUAGES, Corpus
from surnames.networks.network import Arrays, Network, ReplicateStreams, StepsDone, Weights


class Majority:
    """As probabilities, the languages' shares in training."""

    method: ClassVar = "counting"
    stochastic: ClassVar = False
    threads: ClassVar = True
    words = "always the most frequent language"

    def card(self) -> dict[str, Any] | None:
        """Nothing but its kind."""
        return {"kind": "majority"}

    def arrays(self, weights: Weights) -> Arrays:
        """Of one size."""
        return {"shares": ("float64", (len(LANGUAGES),))}

    def fit(
        self, corpus: Corpus, recipe: Any, streams: ReplicateStreams, steps_done: StepsDone
    ) -> Network:
        """Count."""
        counts = np.bincount(corpus.languages, minlength=len(LANGUAGES))
        return Network({"shares": counts / counts.sum()})

    def probabilities(self, weights: Weights, names: list[str]) -> np.ndarray:
        """The same for every name."""
        return np.tile(weights["shares"], (len(names), 1))


ARCHITECTURES = {"majority": Majority()}
