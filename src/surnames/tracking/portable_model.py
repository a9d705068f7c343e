"""The model that MLflow keeps: names in, languages out, with NumPy alone.

MLflow stores this file beside the weights and runs it to load the model ("models from code"), so
that nothing is pickled. It stands alone: whoever loads a model need not have this project. What it
must know of the project (the labels, the letters, how foreign letters are spelled out) is written
into a card beside its weights when it is logged; `tests/test_tracking.py` holds its arithmetic to
that of `models.py`.
"""

import json
import os
import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.pyfunc.model import PythonModel, PythonModelContext
from safetensors.numpy import load_file

Weights = dict[str, np.ndarray]
CHUNK = 4096  # names scored at once
SERVING = "__pyfunc_model_path__"  # what `mlflow models serve` sets for its server

ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "linear": lambda values: values,
    "tanh": np.tanh,
    "relu": lambda values: np.maximum(values, 0.0),
}


def cleaned(text: Any, letters: str, spelled_out: dict[str, str]) -> str:
    """A name as in training (`alphabet.cleaned_form`); empty where no letter of it is left.

    A missing value has none. Raises ValueError for what is neither text nor missing.
    """
    if not isinstance(text, str):
        if np.ndim(text) == 0 and pd.isna(text):
            return ""
        raise ValueError(f"expected names as text, one a row; got {text!r}")
    bare = "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")
    table = {ord(letter): spelling for letter, spelling in spelled_out.items()}
    spaced = " ".join(bare.split("/", maxsplit=1)[0].translate(table).split())
    kept = " ".join("".join(c for c in spaced if c in letters and c not in ",;").split())
    return kept if any(c.isalpha() for c in kept) else ""


def softmax(logits: np.ndarray) -> np.ndarray:
    """Each row shifted by its maximum, so that nothing overflows."""
    each = np.exp(logits - logits.max(axis=1, keepdims=True))
    return each / each.sum(axis=1, keepdims=True)


def elman(weights: Weights, names: list[str], card: dict[str, Any]) -> np.ndarray:
    """(names, languages): h_t = f(V[x_t] + U h_(t-1) + c), read after the last letter.

    A combined readout looks at the last letter beside the state *before* it, a hidden one at the
    last state. Names of similar length are read together, the longest first, so that those still
    being read are always the first rows.
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
    for first in range(0, len(order), CHUNK):
        rows = order[first : first + CHUNK]
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
        probabilities[rows] = softmax(logits)
    return probabilities


def ngram_logistic(weights: Weights, names: list[str], card: dict[str, Any]) -> np.ndarray:
    """(names, languages): logistic regression on tf-idf of character n-grams, as `baselines.py`."""
    vocabulary = bytes(weights["vocabulary"]).decode().split("\n")
    index = {ngram: k for k, ngram in enumerate(vocabulary)}
    longest = max(map(len, vocabulary))
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
            values = times * weights["idf"][columns].astype(np.float64)
            values /= np.sqrt((values**2).sum())
            scores[row] += values @ weights["weight"][columns].astype(np.float64)
    each = 1 / (1 + np.exp(-scores))
    return each / each.sum(axis=1, keepdims=True)


def majority(weights: Weights, names: list[str], card: dict[str, Any]) -> np.ndarray:
    """(names, languages): the shares in training, whatever the name."""
    return np.tile(weights["shares"], (len(names), 1))


SCORERS = {"elman": elman, "ngram_logistic": ngram_logistic, "majority": majority}


class OriginModel(PythonModel):
    """Which language a surname comes from."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the weights and the card that `tracking.model_card` wrote."""
        text = Path(context.artifacts["card"]).read_text(encoding="utf-8")
        self.card: dict[str, Any] = json.loads(text)
        self.weights = load_file(context.artifacts["weights"])

    def predict(
        self,
        context: PythonModelContext,
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """One row for each name: `language`, its `probability`, and that of each of the 18.

        The signature turns a list, a series or a column into a frame of one column before it comes
        here. A name with no letter left gets an empty language and no probabilities. Raises
        ValueError for a frame whose first column is not `name`: it would be scored without a word.
        """
        column = model_input.columns[0]
        if column not in (0, "name"):
            raise ValueError(
                f"expected a list of names or a frame with a column 'name'; got {column!r}"
            )
        languages = self.card["languages"]
        names = [
            cleaned(text, self.card["letters"], self.card["spelled_out"])
            for text in model_input[column]
        ]
        answered = [row for row, name in enumerate(names) if name]
        probabilities = np.full((len(names), len(languages)), np.nan)
        said = np.full(len(names), "", dtype=object)
        if answered:
            score = SCORERS[self.card["kind"]]
            found = score(self.weights, [names[row] for row in answered], self.card)
            probabilities[answered] = found
            said[answered] = [languages[k] for k in found.argmax(axis=1)]
        answer = pd.DataFrame(probabilities, columns=languages, index=model_input.index)
        answer.insert(0, "language", said)
        answer.insert(1, "probability", probabilities.max(axis=1, initial=-np.inf))
        if SERVING in os.environ:  # which would write NaN, and that is no JSON
            answer = answer.astype(object).where(answer.notna(), None)
        return answer


mlflow.models.set_model(OriginModel())
