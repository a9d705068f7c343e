"""A trained network put to use: names as they were written in, languages out."""

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
class Answers:
    """The most probable languages of some names; -1 and NaN for a name with no letter left."""

    names: list[str]  # as they were written
    read_as: list[str]  # as the network read them, "" where it could not
    odd: dict[int, Reading]  # the readings of names that are not plain, by row
    languages: np.ndarray  # (names, top) int64, indices into LANGUAGES, the most probable first
    probabilities: np.ndarray  # (names, top) float64

    @property
    def notes(self) -> list[str]:
        """For each name what was left out, or why there is no answer; mostly nothing."""
        notes = [""] * len(self.names)
        for row, reading in self.odd.items():
            notes[row] = reading.note
        return notes

    def as_dicts(self) -> list[dict[str, Any]]:
        """See `Model.answers`. Six decimals: beyond them `exp` differs between processors."""
        shares = np.round(self.probabilities, 6).tolist()
        columns = (self.names, self.read_as, self.languages.tolist(), shares, self.notes)
        return [
            {
                "name": name,
                "read_as": read_as,
                "answers": [
                    {"language": LANGUAGES[k], "probability": probability}
                    for k, probability in zip(best, highest, strict=True)
                    if k >= 0
                ],
                "note": note,
            }
            for name, read_as, best, highest, note in zip(*columns, strict=True)
        ]


@dataclass(frozen=True)
class Model:
    """A trained network. `name` identifies it, `data_set` is what it learned from, if known."""

    name: str
    architecture: Architecture
    weights: Weights
    data_set: str = ""

    def probabilities(self, names: list[str], *, many: bool = False) -> np.ndarray:
        """(names, languages) float64 for names in their normalized form, each with a letter.

        A few names are scored with NumPy in float64, so that one name from a cold start takes a
        fraction of a second, and `many` by the architecture's own engine: the same within 1e-5.
        Raises StudyError where they are none.
        """
        card = None if many else model_card(self.architecture)
        with np.errstate(all="ignore"):  # what comes of it is looked at
            if card is None:
                probabilities = self.architecture.probabilities(self.weights, names)
            else:
                probabilities = portable_scorer.probabilities(self.weights, names, card)
            right = np.abs(probabilities.sum(axis=1) - 1) < 1e-3
        if not right.all() or probabilities.min(initial=0) < 0:
            raise StudyError(
                f"{self.name} gives no finite probabilities: its training diverged, or its "
                "weights are not what it learned"
            )
        return probabilities

    def ask(self, names: list[str], top: int, *, many: bool = False) -> Answers:
        """The `top` most probable languages of names as they were written."""
        odd = {row: read(name) for row, name in enumerate(names) if not plain(name)}
        read_as = list(names)
        for row, reading in odd.items():
            read_as[row] = reading.read_as
        return Answers(names, read_as, odd, *self._best(read_as, top, many=many))

    def _best(self, read_as: list[str], top: int, *, many: bool) -> tuple[np.ndarray, np.ndarray]:
        """(names, top) each: the languages, the first where equal, and their probabilities."""
        languages, shares = np.full((len(read_as), top), -1), np.full((len(read_as), top), np.nan)
        if known := [name for name in read_as if name]:
            probabilities = self.probabilities(known, many=many)
            best = np.argsort(-probabilities, axis=1, kind="stable")[:, :top]
            highest = np.take_along_axis(probabilities, best, axis=1)
            if len(known) == len(read_as):  # nearly always; copying costs 2 % of a long stream
                return best, highest
            rows = [row for row, name in enumerate(read_as) if name]
            languages[rows], shares[rows] = best, highest
        return languages, shares

    def answers(
        self, names: Iterable[str], top: int = 3, *, by_letter: bool = False
    ) -> list[dict[str, Any]]:
        """What `surnames predict --format json` prints: one dict for each name, in their order.

        `name`, `read_as` (normalized as in training), `answers` (the `top` most probable languages
        as `language` and `probability`; none for a name with no letter left), `note` (what was left
        out, or why there is no answer) and, where asked for, `by_letter`: the `answers` after each
        `letter`. Raises TypeError for a name that is not text.
        """
        names = list(names)
        for name in names:
            if not isinstance(name, str):
                raise TypeError(f"expected names as text, got {name!r}")
        answers = self.ask(names, top).as_dicts()
        return [self.with_letters(one, top) for one in answers] if by_letter else answers

    def with_letters(
        self, answer: dict[str, Any], top: int, *, many: bool = False
    ) -> dict[str, Any]:
        """The answer to a name with `by_letter`: the answers after each letter that was read."""
        starts = [answer["read_as"][: k + 1] for k in range(len(answer["read_as"]))]
        after = Answers(starts, starts, {}, *self._best(starts, top, many=many)).as_dicts()
        letters = [{"letter": one["name"][-1], "answers": one["answers"]} for one in after]
        return answer | {"by_letter": letters}
