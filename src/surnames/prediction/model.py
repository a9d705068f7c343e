"""Names in, languages out: a trained network of the study put to use.

From Python, in the project's folder:

    from surnames.prediction import model as prediction
    prediction.load("fixed").answers(["Satoshi"])

A few names are scored with NumPy, so that one name from a cold start takes a fraction of a second;
many (`stream.py`) by the engine of their architecture. Neither torch, mlflow nor numba is imported
for the former.
"""

import re
import string
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from surnames.architectures.elman import Elman
from surnames.core import alphabet, files, tables
from surnames.core.corpus import LANGUAGES
from surnames.core.errors import StudyError
from surnames.evaluation import scoring
from surnames.networks.lookup import architectures
from surnames.networks.network import Architecture, Weights
from surnames.study.paths import SUMMARY

# What is said of a name; the report's page uses the very same words.
EMPTY = "the name is empty"
NOTHING_LEFT = "no letter of this name is in the alphabet"
LEFT_OUT = "left out: {}"
LONGEST = 1000  # characters of a name; the engine's room grows with the longest
TOO_LONG = f"the name is longer than {LONGEST} characters"

NAMED = {"tutorial": "tutorial_2017"}  # as the registry's alias
CHAMPION = "models:/surname-origin@champion"
REGISTERED = "models:/"

KEPT = re.escape("".join(letter for letter in alphabet.LETTERS if letter not in " ,;"))
PLAIN = re.compile(rf"[{string.ascii_letters}][{KEPT}]*(?: [{KEPT}]+)*")  # cleaning changes nothing

ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "linear": lambda values: values,
    "tanh": np.tanh,
    "relu": lambda values: np.maximum(values, 0.0),
}


@dataclass(frozen=True)
class Reading:
    """A name as a network reads it, or "" where it cannot; and what is to be said of that."""

    read_as: str
    note: str = ""
    left_out: tuple[str, ...] = ()  # the characters that are not in the alphabet, each once


def plain(name: str) -> bool:
    """Whether it is read as it is written, which most names are."""
    return len(name) <= LONGEST and PLAIN.fullmatch(name) is not None


def read(name: str) -> Reading:
    """A name normalized as in training, and what was dropped on the way."""
    return _read(name) if len(name) <= LONGEST else Reading("", TOO_LONG)


@lru_cache(1 << 14)
def _read(name: str) -> Reading:
    if not name.strip():
        return Reading("", EMPTY)
    left_out = tuple(map(visible, _left_out(name)))
    read_as = alphabet.cleaned_form(name)
    if not read_as:
        return Reading("", NOTHING_LEFT, left_out)
    return Reading(read_as, LEFT_OUT.format(", ".join(left_out)) if left_out else "", left_out)


def _left_out(name: str) -> list[str]:
    """Characters of which nothing is left, in order, each once; all that stands behind a slash."""
    before, slash, behind = unicodedata.normalize("NFC", name).partition("/")
    gone = [character for character in before if not _has_letter(character)]
    return [*dict.fromkeys([*gone, slash, *behind])] if slash else [*dict.fromkeys(gone)]


@lru_cache(1 << 14)
def _has_letter(character: str) -> bool:
    """Whether something stands for it in the alphabet; marks and white space are no loss."""
    bare = alphabet.without_marks(character)
    spelled_out = bare.translate(alphabet.TRANSLITERATIONS)
    return not bare.strip() or any(c in alphabet.INDEX and c not in ",;" for c in spelled_out)


def visible(character: str) -> str:
    """Itself, or its code point where it could not be seen or would command a terminal."""
    if character.isprintable() and not character.isspace():
        return character
    return f"U+{ord(character):04X}"


@dataclass(frozen=True)
class Model:
    """A trained network. `name` says which one, `data_set` what it learned from, where known."""

    name: str
    architecture: Architecture
    weights: Weights
    data_set: str = ""

    def probabilities(self, names: list[str], *, many: bool = False) -> np.ndarray:
        """(names, languages) float64 for names in their normalized form, each with a letter.

        Of the Elman networks a few names are scored with NumPy in float64, and `many` by the
        compiled engine in float32: the same within 1e-5. Raises StudyError where the network gives
        no numbers.
        """
        if isinstance(self.architecture, Elman) and not many:
            found = elman(self.architecture, self.weights, names)
        else:
            found = self.architecture.probabilities(self.weights, names)
        if not np.isfinite(found).all():
            raise StudyError(f"{self.name} answers with what is no number; its training diverged")
        return found

    def ask(self, names: list[str], top: int, *, many: bool = False) -> "Answers":
        """What it says of each name, as arrays; names as they were written."""
        odd = {row: read(name) for row, name in enumerate(names) if not plain(name)}
        read_as = list(names)
        for row, reading in odd.items():
            read_as[row] = reading.read_as
        known = [name for name in read_as if name]
        languages, probabilities = self._best(known, top, many=many)
        if len(known) < len(names):
            rows = [row for row, name in enumerate(read_as) if name]
            languages = _spread(languages, rows, len(names), -1)
            probabilities = _spread(probabilities, rows, len(names), np.nan)
        return Answers(names, read_as, odd, languages, probabilities)

    def _best(self, read_as: list[str], top: int, *, many: bool) -> tuple[np.ndarray, np.ndarray]:
        """The most probable languages, the first where equal, and their probabilities."""
        if not read_as:
            return np.empty((0, top), np.int64), np.empty((0, top))
        found = self.probabilities(read_as, many=many)
        best = np.argsort(-found, axis=1, kind="stable")[:, :top]
        return best, np.take_along_axis(found, best, axis=1)

    def answers(
        self, names: Iterable[str], top: int = 3, *, by_letter: bool = False
    ) -> list[dict[str, Any]]:
        """What `surnames predict --format json` prints: one dict for each name, in their order.

        `name`, `read_as` (normalized as in training), `answers` (the `top` most probable languages
        as `language` and `probability`; none for a name with no letter left), `note` (what was left
        out, or why there is no answer) and, where asked for, `by_letter`: the `answers` after each
        `letter`. Raises TypeError for what is no text.
        """
        names = list(names)
        for name in names:
            if not isinstance(name, str):
                raise TypeError(f"expected names as text, got {name!r}")
        found = self.ask(names, top).as_dicts()
        return [self.with_letters(one, top) for one in found] if by_letter else found

    def with_letters(
        self, answer: dict[str, Any], top: int, *, many: bool = False
    ) -> dict[str, Any]:
        """The answer to a name with `by_letter`: the answers after each letter that was read."""
        read_as = answer["read_as"]
        starts = [read_as[: k + 1] for k in range(len(read_as))]
        beliefs = as_answers(*self._best(starts, top, many=many))
        return answer | {
            "by_letter": [
                {"letter": letter, "answers": belief}
                for letter, belief in zip(read_as, beliefs, strict=True)
            ]
        }


def _spread(values: np.ndarray, rows: list[int], names: int, nothing: float) -> np.ndarray:
    """(names, top): the values in these rows, and nothing in the others."""
    spread = np.full((names, values.shape[1]), nothing, values.dtype)
    spread[rows] = values
    return spread


def as_answers(languages: np.ndarray, probabilities: np.ndarray) -> list[list[dict[str, Any]]]:
    """For each row its languages and probabilities; none where the language is -1.

    Six decimals: beyond them `exp` differs between processors.
    """
    rounded = np.round(probabilities, 6).tolist()
    return [
        [
            {"language": LANGUAGES[k], "probability": share}
            for k, share in zip(order, shares, strict=True)
            if k >= 0
        ]
        for order, shares in zip(languages.tolist(), rounded, strict=True)
    ]


@dataclass(frozen=True)
class Answers:
    """What a network says of some names; of a name with no letter left, -1 and not-a-number."""

    names: list[str]  # as they were written
    read_as: list[str]  # as the network read them, "" where it could not
    odd: dict[int, Reading]  # what was not plain, by its place
    languages: np.ndarray  # (names, top) int64, indices into LANGUAGES, the most probable first
    probabilities: np.ndarray  # (names, top) float64

    def note(self, row: int) -> str:
        """What is to be said of that name, mostly nothing."""
        return self.odd[row].note if row in self.odd else ""

    def as_dicts(self) -> list[dict[str, Any]]:
        """See `Model.answers`."""
        return [
            {"name": name, "read_as": read_as, "answers": answers, "note": self.note(row)}
            for row, (name, read_as, answers) in enumerate(
                zip(
                    self.names,
                    self.read_as,
                    as_answers(self.languages, self.probabilities),
                    strict=True,
                )
            )
        ]


def elman(row: Elman, weights: Weights, names: list[str]) -> np.ndarray:
    """(names, languages): h_t = f(V[x_t] + U h_(t-1) + c), read after the last letter.

    The arithmetic of `networks/online.py` in float64, on all names of one length at a time. A
    combined readout looks at the last letter beside the state *before* it. `origin_model.py`, which
    must stand alone, has it too; `tests/test_predict.py` holds all three together.
    """
    wide = {key: array.astype(np.float64) for key, array in weights.items()}
    cell, readout = wide["cell.weight"], wide["readout.weight"]
    hidden = len(cell)
    V, U = cell[:, :-hidden].T, cell[:, -hidden:].T  # (letters, hidden), (hidden, hidden)
    S, W = readout[:, :-hidden].T, readout[:, -hidden:].T  # S has no rows where hidden
    activate = ACTIVATIONS[row.activation]
    lengths = np.array([len(name) for name in names])
    logits = np.empty((len(names), len(readout)))
    for length in np.unique(lengths):
        same = np.flatnonzero(lengths == length)
        letters = alphabet.encode([names[k] for k in same])[0].reshape(-1, length)
        state = np.zeros((len(same), hidden))
        for t in range(length - (len(S) > 0)):
            state = activate(V[letters[:, t]] + state @ U + wide["cell.bias"])
        logits[same] = state @ W + wide["readout.bias"]
        if len(S):
            logits[same] += S[letters[:, -1]]
    each = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(each / each.sum(axis=1, keepdims=True))


# Which network


def load(model: str = "fixed", here: Path = Path()) -> Model:
    """The network of that name.

    - `fixed`, `tutorial` or another architecture: its network with the median macro recall on
      held-out names (as the registry's), or as published where the study holds nothing out;
    - `champion`, `models:/...`: that of MLflow's registry;
    - a path from `here`: a run's folder or its weights.safetensors, or a logged model's folder.

    Raises StudyError that says what there is.
    """
    if model == "champion":
        return _registered(CHAMPION)
    if model.startswith(REGISTERED):
        return _registered(model)
    architecture = NAMED.get(model, model)
    if architecture in architectures():
        return _of_study(architecture)
    path = here / model
    if not path.exists():
        known = ", ".join(("champion", *NAMED, *architectures()))
        raise StudyError(
            f"no model {model!r}; choose from {known}, a path to weights.safetensors, the folder "
            "of a logged model, or models:/<name>/<version>"
        )
    folder = path if path.is_dir() else path.parent
    cards = (folder / "card.json", folder / "artifacts/card.json")
    for card in cards:
        if card.is_file():
            return logged(card.parent, model)
    return _of_run(folder, folder / "weights.safetensors" if path.is_dir() else path)


def _of_study(architecture: str) -> Model:
    """The network that stands for an architecture of this study."""
    if not SUMMARY.is_file():
        raise StudyError(f"{SUMMARY} is not here; run `make repro` in the project's folder")
    runs = {
        (row["protocol"], row["architecture"]): row["data_set"]
        for row in tables.read_table(SUMMARY)
    }
    for protocol in ("held_out", "published"):
        if (protocol, architecture) in runs:
            path = files.weights(protocol, architecture)
            return _of_run(path.parent, path, runs[protocol, architecture])
    known = ", ".join(dict.fromkeys(name for _, name in runs))
    raise StudyError(f"{SUMMARY} has no run of {architecture}; it has {known}")


def _of_run(folder: Path, path: Path, data_set: str = "") -> Model:
    """The median network of a run's folder; its first one where no scores are beside it."""
    folder = folder.resolve()
    architecture = architectures().get(folder.name)
    if architecture is None:
        known = ", ".join(architectures())
        raise StudyError(
            f"{path}: its folder says which architecture it is, and {folder.name!r} is "
            f"none; move it into one of {known}"
        )
    table = folder / "evaluation" / "scores.csv"
    replicate = median(scoring.load_columns(table)["macro_recall"]) if table.is_file() else 0
    name = f"{folder.parent.name}-{folder.name}-{replicate}"
    return Model(name, architecture, _weights(path, f"{replicate}."), data_set)


def median(scores: np.ndarray) -> int:
    """The replicate with the median score, the lower one of two: `publication.median_replicate`.

    That costs 0.2 s to import; a test holds the two together.
    """
    order = sorted((score, k) for k, score in enumerate(scores.tolist()) if isfinite(score))
    if not order:
        raise StudyError("all networks of this run diverged; lower the learning rate")
    return int(order[(len(order) - 1) // 2][1])


def _weights(path: Path, prefix: str) -> Weights:
    """The arrays of a safetensors file whose names begin so, without that beginning."""
    try:
        with safe_open(path, "numpy") as file:
            keys = [key for key in file.keys() if key.startswith(prefix)]  # noqa: SIM118
            found = {key.removeprefix(prefix): file.get_tensor(key) for key in keys}
    except FileNotFoundError:
        raise StudyError(f"{path} is not here; run `make repro`, or `dvc pull`") from None
    except (OSError, SafetensorError) as error:
        raise StudyError(f"{path} is no safetensors file: {error}") from None
    if not found:
        raise StudyError(f"{path} holds no network; expected arrays named `{prefix or '0.'}...`")
    return found


def logged(folder: Path, name: str) -> Model:
    """The model of `weights.safetensors` and `card.json`, as `tracking` logs them.

    Raises StudyError where it reads or answers otherwise than this project does.
    """
    if not (folder / "card.json").is_file():
        raise StudyError(f"{name} holds no card.json; it is no model that this project logged")
    card = tables.read_json(folder / "card.json")
    ours = {
        "languages": list(LANGUAGES),
        "letters": alphabet.LETTERS,
        "spelled_out": {chr(code): text for code, text in alphabet.TRANSLITERATIONS.items()},
    }
    for key, value in ours.items():
        if card.get(key) != value:
            raise StudyError(
                f"{name} was logged with other {key}; load it by mlflow.pyfunc.load_model"
            )
    weights = _weights(folder / "weights.safetensors", "")
    if card["kind"] != "elman":
        return Model(name, architectures()[card["kind"]], weights)
    beside = weights["readout.weight"].shape[1] > len(weights["cell.weight"])
    row = Elman(card["activation"], "combined" if beside else "hidden")
    return Model(name, row, weights)


def _registered(uri: str) -> Model:
    from surnames.tracking import registry

    with registry.registered(uri) as folder:
        return logged(folder / "artifacts", uri)
