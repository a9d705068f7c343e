"""The online engine: the weights as the compiled kernels walk them, training and scoring."""

from dataclasses import dataclass

import numpy as np

from surnames.core import alphabet
from surnames.core.corpus import Corpus
from surnames.networks.kernels import ACTIVATIONS, score_names, train_steps
from surnames.networks.network import StepsDone, Weights, curve_windows


def aligned(values: np.ndarray) -> np.ndarray:
    """A C-contiguous float32 copy that starts at a cache line: no vector straddles two."""
    room = np.empty(values.size * 4 + 64, np.uint8)
    start = -room.ctypes.data % 64
    array = room[start : start + values.size * 4].view(np.float32).reshape(values.shape)
    array[...] = values
    return array


def padded(values: np.ndarray, rows: bool) -> np.ndarray:
    """`aligned`, with zeros up to a multiple of 16 columns, and of rows where asked for."""
    height, width = values.shape
    return aligned(np.pad(values, [(0, -height % 16 if rows else 0), (0, -width % 16)]))


@dataclass(frozen=True)
class Layout:
    """The weights as the kernels walk them.

    Hidden units and languages are padded with zeros to multiples of 16. These stay zero: a padded
    state is f(0) = 0, a padded language has no gradient.
    """

    V: np.ndarray  # (letters, hidden)
    U: np.ndarray  # (hidden, hidden)
    c: np.ndarray  # (1, hidden)
    S: np.ndarray  # (letters, languages); no rows where the readout is hidden
    W: np.ndarray  # (languages, hidden)
    b: np.ndarray  # (1, languages)
    hidden: int
    languages: int

    @classmethod
    def of(cls, weights: Weights) -> "Layout":
        """A copy of weights that are stored as those of torch.nn.Linear on [letter ; state]."""
        cell, readout = weights["cell.weight"], weights["readout.weight"]
        hidden, languages = len(cell), len(readout)
        V, U = np.split(cell, [cell.shape[1] - hidden], axis=1)
        S, W = np.split(readout, [readout.shape[1] - hidden], axis=1)
        return cls(
            padded(V.T, False),
            padded(U, True),
            padded(weights["cell.bias"][None], False),
            padded(S.T, False),
            padded(W, True),
            padded(weights["readout.bias"][None], False),
            hidden,
            languages,
        )

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """The six arrays, in the kernels' order."""
        return self.V, self.U, self.c, self.S, self.W, self.b

    def weights(self) -> Weights:
        """The weights as torch.nn.Linear stores them."""
        h, k = self.hidden, self.languages
        return {
            "cell.weight": np.hstack([self.V[:, :h].T, self.U[:h, :h]]),
            "cell.bias": self.c[0, :h].copy(),
            "readout.weight": np.hstack([self.S[:, :k].T, self.W[:k, :h]]),
            "readout.bias": self.b[0, :k].copy(),
        }

    def states(self, offsets: np.ndarray) -> np.ndarray:
        """Room for the states of the longest name and the initial one, zero."""
        longest = int(np.diff(offsets).max(initial=0))
        return aligned(np.zeros((longest + 1, self.c.size)))


def train(
    layout: Layout,
    activation: str,
    corpus: Corpus,
    examples: np.ndarray,
    learning_rate: float,
    steps_done: StepsDone,
) -> list[tuple[int, float, float]]:
    """Train in place on the rows `examples` of the corpus; returns the learning curve.

    The curve has (step, mean loss in nats, share right) for each window; it ends where the loss is
    no longer a number.
    """
    letters, offsets = corpus.encoded
    h, D = layout.states(offsets), layout.states(offsets)
    probabilities = np.empty(layout.languages)
    curve = []
    for first, end in curve_windows(len(examples)):
        part = examples[first:end]
        loss, right = train_steps(
            *layout.arrays,
            ACTIVATIONS[activation],
            learning_rate,
            letters,
            offsets,
            corpus.languages,
            part,
            h,
            D,
            probabilities,
        )
        curve.append((end, loss / len(part), right / len(part)))
        steps_done(len(part))
        if not np.isfinite(loss):
            break
    return curve


def probabilities(layout: Layout, activation: str, names: list[str]) -> np.ndarray:
    """(names, languages) float64: what the network says after the last letter of each name."""
    letters, offsets = alphabet.encode(names)
    order = np.array(sorted(range(len(names)), key=names.__getitem__), np.int64)
    scores = np.empty((len(names), layout.languages))
    score_names(
        *layout.arrays,
        ACTIVATIONS[activation],
        letters,
        offsets,
        order,
        layout.states(offsets),
        scores,
    )
    return scores
