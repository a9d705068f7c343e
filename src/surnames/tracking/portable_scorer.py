"""Scores names with NumPy alone: for the registered model, which carries this file, and for us.

It stands alone, so that whoever loads the model need not have this project. What it must know of
the project (languages, letters, how foreign letters are spelled out) comes in a card.
"""

import unicodedata
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

Weights = dict[str, np.ndarray]
Card = dict[str, Any]
BATCH = 4096  # names scored at once

ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "linear": lambda values: values,
    "tanh": np.tanh,
    "relu": lambda values: np.maximum(values, 0.0),
}


def prepared(weights: Weights, card: Card) -> Card:
    """The card with what is looked up for every name, made once for many calls."""
    table = {ord(letter): spelling for letter, spelling in card["spelled_out"].items()}
    more: Card = {"table": table, "kept": frozenset(card["letters"]) - set(",;")}
    if card["kind"] == "ngram_logistic":
        vocabulary = bytes(weights["vocabulary"]).decode().split("\n")
        more["index"] = {ngram: k for k, ngram in enumerate(vocabulary)}
        more["longest"] = max(map(len, vocabulary))
    return card | more


def cleaned(text: str, card: Card) -> str:
    """A name as in training (`alphabet.cleaned_form`); empty where no letter of it is left.

    `card` is a prepared one.
    """
    if text.isascii() and text.isalpha():
        return text
    bare = "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")
    spaced = " ".join(bare.split("/", maxsplit=1)[0].translate(card["table"]).split())
    kept = " ".join("".join(c for c in spaced if c in card["kept"]).split())
    return kept if any(c.isalpha() for c in kept) else ""


def elman(weights: Weights, names: list[str], card: Card) -> np.ndarray:
    """(names, languages): h_t = f(V[x_t] + U h_(t-1) + c), read after the last letter.

    A combined readout takes the last letter and the state *before* it, a hidden one the last state.
    The longest names come first, so that those still being read are always the first rows.
    """
    wide = {key: array.astype(np.float64) for key, array in weights.items()}
    cell, readout = wide["cell.weight"], wide["readout.weight"]
    hidden = len(cell)
    V, U = cell[:, :-hidden].T, cell[:, -hidden:].T  # (letters, hidden), (hidden, hidden)
    S, W = readout[:, :-hidden].T, readout[:, -hidden:].T  # S has no rows where hidden
    activate = ACTIVATIONS[card["activation"]]
    index = {letter: k for k, letter in enumerate(card["letters"])}

    order = sorted(range(len(names)), key=lambda row: -len(names[row]))
    probabilities = np.empty((len(names), len(readout)))
    for first in range(0, len(order), BATCH):
        rows = order[first : first + BATCH]
        lengths = np.array([len(names[row]) for row in rows])
        letters = np.zeros((len(rows), lengths[0]), np.int64)
        for place, row in enumerate(rows):
            letters[place, : lengths[place]] = [index[letter] for letter in names[row]]
        reads = lengths - (len(S) > 0)
        state = np.zeros((len(rows), hidden))
        for t in range(reads[0]):
            on = int((reads > t).sum())
            state[:on] = activate(V[letters[:on, t]] + state[:on] @ U + wide["cell.bias"])
        logits = state @ W + wide["readout.bias"]
        if len(S):
            logits += S[letters[np.arange(len(rows)), lengths - 1]]
        each = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities[rows] = each / each.sum(axis=1, keepdims=True)
    return probabilities


def ngram_logistic(weights: Weights, names: list[str], card: Card) -> np.ndarray:
    """(names, languages): logistic regression on tf-idf of character n-grams.

    The arithmetic of `architectures/ngram_logistic.py`, whose sums do not depend on the processor.
    """
    index, longest = card["index"], card["longest"]
    idf, weight = weights["idf"].astype(np.float64), weights["weight"]
    scores = np.tile(weights["bias"].astype(np.float64), (len(names), 1))
    for row, name in enumerate(names):
        words = [f" {word} " for word in name.split()]
        counts = Counter(
            word[start : start + n]
            for word in words
            for n in range(1, longest + 1)
            for start in range(len(word) - n + 1)
        )
        known = [(index[ngram], count) for ngram, count in counts.items() if ngram in index]
        if known:
            columns, times = np.array(known).T
            values = times * idf[columns]
            values /= np.sqrt((values**2).sum())
            scores[row] += values @ weight[columns].astype(np.float64)
    each = 1 / (1 + np.exp(-scores))
    return each / each.sum(axis=1, keepdims=True)


def majority(weights: Weights, names: list[str], card: Card) -> np.ndarray:
    """(names, languages): the shares in training, whatever the name."""
    return np.tile(weights["shares"], (len(names), 1))


SCORERS = {"elman": elman, "ngram_logistic": ngram_logistic, "majority": majority}


def probabilities(weights: Weights, names: list[str], card: Card) -> np.ndarray:
    """(names, languages) for names as `cleaned` returns them, none empty, by the card's `kind`."""
    ready = card if "table" in card else prepared(weights, card)
    return SCORERS[card["kind"]](weights, names, ready)
