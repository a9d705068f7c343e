"""The reference engine: the recipe in plain autograd, to be read beside the tutorial.

Any torch.nn.Module trains here that `build(letters, hidden_size, languages)` makes and that answers

    forward(names, lengths) -> logits
    (batch, longest) int64, (batch,) int64 -> (batch, languages)

what follows a name's last letter is padding and must not change its logits.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from surnames.core import alphabet
from surnames.core.corpus import LANGUAGES, Corpus
from surnames.networks.network import Arrays, Network, StepsDone, Weights, curve_windows

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": lambda values: values,
    "tanh": torch.tanh,
    "relu": torch.relu,
}
BATCH = 1024  # names scored at once


class ElmanModule(nn.Module):
    """The six cells: h_t = f(cell [x_t ; h_(t-1)]), output from [x_t ; h_(t-1)] or from h_t."""

    def __init__(self, activation: str, readout: str, hidden_size: int) -> None:
        super().__init__()
        letters = len(alphabet.LETTERS)
        self.activation = ACTIVATIONS[activation]
        self.combined = readout == "combined"
        self.letters, self.hidden_size = letters, hidden_size
        self.cell = nn.Linear(letters + hidden_size, hidden_size)
        self.readout = nn.Linear(
            letters + hidden_size if self.combined else hidden_size, len(LANGUAGES)
        )

    def forward(self, names: Tensor, lengths: Tensor) -> Tensor:
        hidden = torch.zeros(len(names), self.hidden_size)
        logits = torch.zeros(len(names), len(LANGUAGES))
        for t in range(names.shape[1]):
            reading = (t < lengths)[:, None]  # a finished name keeps its logits
            letter = nn.functional.one_hot(names[:, t], self.letters).float()
            both = torch.cat([letter, hidden], dim=1)
            hidden = self.activation(self.cell(both))
            output = self.readout(both if self.combined else hidden)
            logits = torch.where(reading, output, logits)
        return logits


def set_weights(network: nn.Module, weights: Weights) -> None:
    """Put weights into a network, in place."""
    network.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})


def seeded(build: Callable[[int, int, int], nn.Module], hidden_size: int, seed: int) -> nn.Module:
    """A fresh network, its weights drawn from `seed` and from nothing else."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build(len(alphabet.LETTERS), hidden_size, len(LANGUAGES))


def arrays(build: Callable[[int, int, int], nn.Module], hidden_size: int) -> Arrays:
    """The type and shape of each weight of such a network, of which none is made."""
    with torch.device("meta"):
        weights = seeded(build, hidden_size, 0).state_dict()
    return {
        name: (str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape))
        for name, tensor in weights.items()
    }


def train(
    network: nn.Module,
    corpus: Corpus,
    examples: np.ndarray,
    learning_rate: float,
    steps_done: StepsDone,
) -> Network:
    """Plain gradient descent, one name a step, as the tutorial's `train` does it."""
    torch.set_num_threads(1)
    letters, offsets = corpus.encoded
    curve = []
    for first, end in curve_windows(len(examples)):
        total, right = 0.0, 0
        for example in examples[first:end]:
            name = torch.from_numpy(letters[offsets[example] : offsets[example + 1]].astype(int))
            language = torch.tensor([corpus.languages[example]])
            logits = network(name[None], torch.tensor([len(name)]))
            loss = nn.functional.cross_entropy(logits, language)
            network.zero_grad()
            loss.backward()
            with torch.no_grad():
                for weight in network.parameters():
                    if weight.grad is not None:  # no path leads to 2017's last state
                        weight.sub_(learning_rate * weight.grad)
            total += loss.item()
            right += int(logits.argmax() == language)
        curve.append((end, total / (end - first), right / (end - first)))
        steps_done(end - first)
        if not np.isfinite(total):
            break
    weights = {name: tensor.numpy().copy() for name, tensor in network.state_dict().items()}
    return Network.trained(weights, curve)


def probabilities(network: nn.Module, names: list[str]) -> np.ndarray:
    """(names, languages) float64, scored in padded batches."""
    torch.set_num_threads(1)
    letters, offsets = alphabet.encode(names)
    lengths = torch.from_numpy(np.diff(offsets))
    padded = torch.zeros(len(names), int(lengths.max()), dtype=torch.int64)
    for row in range(len(names)):
        name = letters[offsets[row] : offsets[row + 1]]
        padded[row, : len(name)] = torch.from_numpy(name.astype(int))
    with torch.inference_mode():
        parts = [
            network(padded[first : first + BATCH], lengths[first : first + BATCH])
            for first in range(0, len(names), BATCH)
        ]
        return torch.softmax(torch.cat(parts).double(), dim=1).numpy()
