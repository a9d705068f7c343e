"""The two networks as the tutorial and the article train them: the yardstick of `make bench`.

Written after the PyTorch tutorial "NLP From Scratch: Classifying Names with a Character-Level
RNN": a name is a tensor of one-hot rows, read letter by letter by two linear layers; one
name a step, plain gradient descent by hand; accuracy estimated by drawing names at random.
"""

import random
import sys
import time

import torch
from torch import Tensor, nn

from surnames.core.alphabet import LETTERS
from surnames.core.corpus import LANGUAGES, Corpus

HIDDEN, LEARNING_RATE = 128, 0.005
ACTIVATIONS = {"linear": nn.Identity(), "tanh": nn.Tanh(), "relu": nn.ReLU()}


class RNN(nn.Module):
    """The tutorial's module; `hidden` readout and an activation are what the article changed."""

    def __init__(self, activation: str, readout: str) -> None:
        super().__init__()
        both = len(LETTERS) + HIDDEN
        self.i2h = nn.Linear(both, HIDDEN)
        self.i2o = nn.Linear(both if readout == "combined" else HIDDEN, len(LANGUAGES))
        self.activation = ACTIVATIONS[activation]
        self.combined = readout == "combined"
        self.softmax = nn.LogSoftmax(dim=1)

    def forward(self, letter: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        combined = torch.cat((letter, hidden), 1)
        hidden = self.activation(self.i2h(combined))
        output = self.i2o(combined if self.combined else hidden)
        return self.softmax(output), hidden


def name_to_tensor(name: str) -> Tensor:
    """(letters, 1, 57) one-hot."""
    tensor = torch.zeros(len(name), 1, len(LETTERS))
    for place, letter in enumerate(name):
        tensor[place][0][LETTERS.find(letter)] = 1
    return tensor


def random_example(names: dict[int, list[str]]) -> tuple[int, Tensor, Tensor]:
    """A language drawn uniformly, then one of its names."""
    language = random.choice(list(names))
    name = random.choice(names[language])
    return language, torch.tensor([language]), name_to_tensor(name)


def read(network: RNN, name: Tensor) -> Tensor:
    """The output after the last letter."""
    hidden = torch.zeros(1, HIDDEN)
    for letter in name:
        output, hidden = network(letter, hidden)
    return output


def train(network: RNN, names: dict[int, list[str]], steps: int) -> None:
    """That many steps."""
    criterion = nn.NLLLoss()
    for _ in range(steps):
        _, language, name = random_example(names)
        network.zero_grad()
        loss = criterion(read(network, name), language)
        loss.backward()
        for weight in network.parameters():
            if weight.grad is not None:
                weight.data.add_(weight.grad.data, alpha=-LEARNING_RATE)
        loss.item()


def score(network: RNN, names: dict[int, list[str]], draws: int) -> float:
    """The share of random draws that are read right."""
    right = 0
    with torch.no_grad():
        for _ in range(draws):
            language, _, name = random_example(names)
            right += int(read(network, name).topk(1)[1][0].item() == language)
    return right / draws


def by_language(corpus: Corpus) -> dict[int, list[str]]:
    """The names of each language, as the tutorial keeps them."""
    names: dict[int, list[str]] = {}
    for name, language in zip(corpus.names, corpus.languages.tolist(), strict=True):
        names.setdefault(language, []).append(name)
    return names


def study(corpus: Corpus, steps: int, draws: int) -> tuple[float, list[float]]:
    """Train and score the tutorial's network and the fixed one; seconds and their accuracies."""
    torch.set_num_threads(1)
    names = by_language(corpus)
    started, accuracies = time.perf_counter(), []
    for activation, readout in (("linear", "combined"), ("relu", "hidden")):
        network = RNN(activation, readout)
        train(network, names, steps)
        accuracies.append(score(network, names, draws))
        print(f"{activation}, {readout}: {accuracies[-1]:.4f}", file=sys.stderr)
    return time.perf_counter() - started, accuracies
