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


def save(corpus: Corpus, path: Path) -> None:
    """A table of names and languages."""
    names = zip(corpus.names, corpus.languages, strict=True)
    tables.write_table(["name", "language"], ((n, LANGUAGES[k]) for n, k in names), path)


def load(path: Path) -> Corpus:
    """A table written by `save`."""
    return corpus_of([(row["name"], row["language"]) for row in tables.read_table(path)])


def save_split(split: Split, path: Path) -> None:
    """A table of names and languages with a column of roles for each replicate."""
    header = ["name", "language", *(f"replicate_{r}" for r in range(split.roles.shape[1]))]
    languages = (LANGUAGES[k] for k in split.corpus.languages)
    rows = zip(split.corpus.names, languages, split.roles.tolist(), strict=True)
    tables.write_table(header, ((name, k, *roles) for name, k, roles in rows), path)


def load_split(path: Path) -> Split:
    """A table written by `save_split`."""
    rows = [list(row.values()) for row in tables.read_table(path)]
    corpus = corpus_of([(row[0], row[1]) for row in rows])
    return Split(corpus, np.array([row[2:] for row in rows]))
