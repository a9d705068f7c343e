"""Lines of names as the tutorial reads them, and as clean, distinct names."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from surnames.core import alphabet, tables
from surnames.core.corpus import LANGUAGES, Corpus, corpus_of, file_name, refuse_long
from surnames.core.errors import DataError


@dataclass(frozen=True)
class Line:
    """A line of a language's file, as it stands there; `number` counts from 1."""

    language: str
    number: int
    text: str


@dataclass(frozen=True)
class Change:
    """A line that normalization changed or dropped.

    `published` is the tutorial's form of it, `cleaned` ours ("" where the line was dropped).
    """

    line: Line
    published: str
    cleaned: str
    reasons: tuple[str, ...]


def read_lines(folder: Path) -> list[Line]:
    """Every line of the 18 files, language by language, as the tutorial reads them.

    Raises DataError for a missing file, one that is not UTF-8, and a line that is no name.
    """
    lines = []
    for language in LANGUAGES:
        path = folder / file_name(language)
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise DataError(f"{path} is missing; run `dvc repro fetch`") from None
        except UnicodeDecodeError as error:
            raise DataError(f"{path} is not UTF-8: {error}") from None
        texts = text.strip().split("\n")
        refuse_long(texts, str(path))
        lines += [Line(language, number, text) for number, text in enumerate(texts, 1)]
    return lines


def normalize(lines: list[Line], not_names: list[str]) -> tuple[Corpus, Corpus, list[Change]]:
    """All lines in the tutorial's form; clean names, no (name, language) twice; what changed."""
    published: list[tuple[str, str]] = []
    cleaned: dict[tuple[str, str], Line] = {}
    changes = []
    junk = {" ".join(text.split()) for text in not_names}
    for line in lines:
        form = alphabet.published_form(line.text)
        clean = alphabet.cleaned_form(line.text)
        reasons = []
        lost = alphabet.lost_letters(line.text)
        if lost:
            reasons.append(f"the tutorial drops {' '.join(map(alphabet.visible, lost))}")
        if alphabet.without_marks(line.text) != line.text:
            reasons.append("marks removed")
        if " ".join(line.text.split()) in junk:
            clean = ""
            reasons.append("not a name")
        elif not clean:
            reasons.append("no letter left")
        elif clean != form:
            reasons.append("cleaned")
        if clean:
            first = cleaned.setdefault((clean, line.language), line)
            if first is not line:
                reasons.append(f"repeats line {first.number}")
                clean = ""
        published.append((form, line.language))
        if reasons:
            changes.append(Change(line, form, clean, tuple(reasons)))
    return corpus_of(published), corpus_of(list(cleaned)), changes


def starter_names(folder: Path) -> Corpus:
    """The starter corpus in its clean form."""
    return normalize(read_lines(folder), [])[1]


def without(corpus: Corpus, other: Corpus) -> Corpus:
    """The names of a corpus that the other does not hold, in any language and any case."""
    held = {name.casefold() for name in other.names}
    rows = [row for row, name in enumerate(corpus.names) if name.casefold() not in held]
    return corpus.take(np.array(rows, np.int64))


def save_changes(changes: list[Change], path: Path) -> None:
    """The record of every line that was changed or dropped."""
    header = ["language", "line", "text", "published", "cleaned", "reasons"]
    rows = (
        (c.line.language, c.line.number, c.line.text, c.published, c.cleaned, "; ".join(c.reasons))
        for c in changes
    )
    tables.write_table(header, rows, path)
