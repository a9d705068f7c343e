"""Counts over all names: what was dropped, and how many answers are right if that is known."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from surnames.core.corpus import LANGUAGES
from surnames.evaluation import scoring
from surnames.prediction.model import Answers

SHOWN = 10  # kinds of dropped characters, or of unknown languages, that a message lists
INDEX = {language: k for k, language in enumerate(LANGUAGES)}


@dataclass
class Tally:
    """Counts of names with dropped characters, without an answer and, if known, by language."""

    names: int = 0
    unanswered: int = 0
    shortened: int = 0  # names that lost a character
    dropped: Counter[str] = field(default_factory=Counter)  # character -> names
    counts: np.ndarray | None = None  # actual by predicted, or none
    unknown: int = 0  # names of languages that the study does not know
    unknown_languages: list[str] = field(default_factory=list)  # some of these languages

    def add(self, answers: Answers, languages: list[str] | None) -> None:
        """Count a chunk."""
        self.names += len(answers.names)
        for reading in answers.odd.values():
            self.unanswered += not reading.read_as
            self.shortened += bool(reading.left_out)
            self.dropped.update(reading.left_out)
        if languages is None:
            return
        if self.counts is None:
            self.counts = np.zeros((len(LANGUAGES), len(LANGUAGES) + 1), np.int64)
        known = np.array([INDEX.get(language, -1) for language in languages])
        scored = known >= 0
        np.add.at(self.counts, (known[scored], answers.languages[scored, 0]), 1)
        unknown = [languages[row] for row in np.flatnonzero(~scored)]
        self.unknown += len(unknown)
        self.unknown_languages = [*dict.fromkeys(self.unknown_languages + unknown)][:SHOWN]

    def warning(self) -> str:
        """What was dropped, counted; nothing where nothing was."""
        parts = []
        if self.dropped:
            listed = ", ".join(f"{c} ({count:,})" for c, count in self.dropped.most_common(SHOWN))
            more = len(self.dropped) - SHOWN
            listed += f" and {more:,} more" if more > 0 else ""
            parts.append(
                "characters that are not in the alphabet were left out of "
                f"{self.shortened:,} of {self.names:,} names: {listed}"
            )
        if self.unanswered:
            parts.append(f"no answer for {self.unanswered:,} of {self.names:,} names")
        return "; ".join(parts)

    def scores(self) -> str:
        """Accuracy and macro recall; a name without an answer counts as wrong."""
        if self.counts is None:
            return ""
        scored = int(self.counts.sum())
        lines = []
        if scored:
            recalls = scoring.recalls(self.counts)
            present = int(np.isfinite(recalls).sum())
            lines.append(
                f"accuracy {np.diag(self.counts).sum() / scored:.1%}, macro recall "
                f"{np.nanmean(recalls):.1%}, over {scored:,} names of {present} languages"
            )
        if self.unknown:
            some = ", ".join(map(repr, sorted(self.unknown_languages)))
            lines.append(f"not scored: {self.unknown:,} names of unknown languages ({some})")
        return "\n".join(lines)
