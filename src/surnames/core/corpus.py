"""Names with their languages, and splits of them: in memory and as tables."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from surnames.core import alphabet, tables
from surnames.core.errors import DataError

LANGUAGES = (
    "Arabic", "Chinese", "Czech", "Dutch", "English", "French", "German", "Greek", "Irish",
    "Italian", "Japanese", "Korean", "Polish", "Portuguese", "Russian", "Scottish", "Spanish",
    "Vietnamese",
)  # fmt: skip
TRAIN, TEST, BOTH = "train", "test", "both"
LONGEST = 1000  # letters of a line of the data set
STARTER = "starter"  # the name of the small stand-in data set


def is_starter(data_set: str) -> bool:
    """Whether a data set, by its name or label, is the stand-in, which answers no question."""
    return data_set.partition(" ")[0] == STARTER


def file_name(language: str) -> str:
    """A language's file, in the archive and in data/raw."""
    return f"{language}.txt"


@dataclass(frozen=True)
class Corpus:
    """Names in their normalized form and their languages as indices into LANGUAGES."""

    names: list[str]
    languages: np.ndarray  # (names,) int64

    @cached_property
    def encoded(self) -> tuple[np.ndarray, np.ndarray]:
        """`alphabet.encode` of the names."""
        return alphabet.encode(self.names)

    def take(self, rows: np.ndarray) -> "Corpus":
        """The names of these rows, in their order."""
        return Corpus([self.names[row] for row in rows], self.languages[rows])


@dataclass(frozen=True)
class Split:
    """A corpus and the role of each of its names in each replicate."""

    corpus: Corpus
    roles: np.ndarray  # (names, replicates) of TRAIN, TEST, BOTH

    def training_rows(self, replicate: int) -> np.ndarray:
        """The rows that replicate trains on."""
        return np.flatnonzero(self.roles[:, replicate] != TEST)

    def scored_rows(self, replicate: int) -> np.ndarray:
        """The rows that replicate is scored on."""
        return np.flatnonzero(self.roles[:, replicate] != TRAIN)


def corpus_of(pairs: list[tuple[str, str]]) -> Corpus:
    """A corpus of (name, language) pairs; raises DataError for a language that is not known."""
    index = {language: k for k, language in enumerate(LANGUAGES)}
    unknown = sorted({str(language) for _, language in pairs} - index.keys())
    if unknown:
        raise DataError(f"unknown languages: {', '.join(map(repr, unknown))}; the study knows 18")
    languages = np.array([index[language] for _, language in pairs], np.int64)
    return Corpus([name for name, _ in pairs], languages)


def refuse_long(texts: list[str], place: str) -> None:
    """DataError where a line is longer than any name, which memory and time would be wasted on."""
    for number, text in enumerate(texts, 1):
        if len(text) > LONGEST:
            raise DataError(
                f"{place}, line {number}: {len(text):,} letters; a line is one name, of at most "
                f"{LONGEST:,}"
            )


def rows_by_text(texts: list[str]) -> tuple[np.ndarray, int]:
    """(texts,) the place of each among the distinct ones in their order, and how many these are.

    As `numpy.unique`, whose array of text would give each of them the room of the longest.
    """
    index = {text: place for place, text in enumerate(sorted(set(texts)))}
    return np.array([index[text] for text in texts], np.int64), len(index)


def save(corpus: Corpus, path: Path) -> None:
    """A table of names and languages."""
    names = zip(corpus.names, corpus.languages, strict=True)
    tables.write_table(["name", "language"], ((n, LANGUAGES[k]) for n, k in names), path)


def load(path: Path) -> Corpus:
    """A table written by `save`; DataError where it is damaged."""
    rows = tables.read_table(path)
    with tables.reading(path):
        return corpus_of([(row["name"], row["language"]) for row in rows])


def save_split(split: Split, path: Path) -> None:
    """A table of names and languages with a column of roles for each replicate."""
    header = ["name", "language", *(f"replicate_{r}" for r in range(split.roles.shape[1]))]
    languages = (LANGUAGES[k] for k in split.corpus.languages)
    rows = zip(split.corpus.names, languages, split.roles.tolist(), strict=True)
    tables.write_table(header, ((name, k, *roles) for name, k, roles in rows), path)


def load_split(path: Path) -> Split:
    """A table written by `save_split`; DataError where it is damaged."""
    rows = [list(row.values()) for row in tables.read_table(path)]
    with tables.reading(path):
        corpus = corpus_of([(name, language) for name, language, *_ in rows])
        roles = [row[2:] for row in rows]
        if strange := {role for row in roles for role in row} - {TRAIN, TEST, BOTH}:
            raise ValueError(f"{min(strange)!r} is none of {TRAIN}, {TEST}, {BOTH}")
        return Split(corpus, np.array(roles, "<U5").reshape(len(rows), len(roles[0])))
