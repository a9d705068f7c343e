"""A trained network put to use: names as they were written in, languages out.

A few names are scored with NumPy, so that one name from a cold start takes a fraction of a second;
many by the engine of their architecture.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from surnames.core.corpus import LANGUAGES
from surnames.core.errors import StudyError
from surnames.networks.network import Architecture, Weights
from surnames.prediction.reading import Reading, plain, read
from surnames.tracking import portable_scorer
from surnames.tracking.model_card import model_card


@dataclass(frozen=True)
class Model:
    """A trained network. `name` says which one, `data_set` what it learned from, where known."""

    name: str
    architecture: Architecture
    weights: Weights
    data_set: str = ""

    def probabilities(self, names: list[str], *, many: bool = False) -> np.ndarray:
        """(names, languages) float64 for names in their normalized form, each with a letter.

        A few names are scored with NumPy in float64, and `many` by the architecture's own engine:
        the same within 1e-5. Raises StudyError where the network gives no numbers.
        """
        card = None if many else model_card(self.architecture)
        if card is None:
            found = self.architecture.probabilities(self.weights, names)
        else:
            found = portable_scorer.probabilities(self.weights, names, card)
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
