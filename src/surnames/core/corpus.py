"""The names: as 18 files, as lines, as clean distinct names, and as splits of either."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from surnames.core import alphabet, files
from surnames.core.errors import DataError

LANGUAGES = (
    "Arabic", "Chinese", "Czech", "Dutch", "English", "French", "German", "Greek", "Irish",
    "Italian", "Japanese", "Korean", "Polish", "Portuguese", "Russian", "Scottish", "Spanish",
    "Vietnamese",
)  # fmt: skip
TRAIN, TEST, BOTH = "train", "test", "both"


def file_name(language: str) -> str:
    """A language's file, in the archive and in data/raw."""
    return f"{language}.txt"


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


def identity(contents: dict[str, bytes]) -> str:
    """SHA-256 over the lines `<sha256>  <Language>.txt`, sorted by name, each with a newline."""
    lines = [
        f"{hashlib.sha256(content).hexdigest()}  {name}\n"
        for name, content in sorted(contents.items())
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def read_lines(folder: Path) -> list[Line]:
    """Every line of the 18 files, language by language, as the tutorial reads them.

    Raises DataError for a missing file or one that is not UTF-8.
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
            reasons.append(f"the tutorial drops {' '.join(map(_visible, lost))}")
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
    return _corpus(published), _corpus(list(cleaned)), changes


def _visible(letter: str) -> str:
    return letter if letter.isprintable() and not letter.isspace() else f"U+{ord(letter):04X}"


def _corpus(pairs: list[tuple[str, str]]) -> Corpus:
    index = {language: k for k, language in enumerate(LANGUAGES)}
    unknown = sorted({str(language) for _, language in pairs} - index.keys())
    if unknown:
        raise DataError(f"unknown languages: {', '.join(map(repr, unknown))}; the study knows 18")
    languages = np.array([index[language] for _, language in pairs], np.int64)
    return Corpus([name for name, _ in pairs], languages)


def starter_names(folder: Path) -> Corpus:
    """The starter corpus in its clean form."""
    return normalize(read_lines(folder), [])[1]


def ceilings(corpus: Corpus) -> dict[str, float]:
    """The best accuracy and macro recall that any function of the name can reach.

    A name that stands under several languages can be right for one of them only. For accuracy the
    best answer is its most frequent language, for macro recall the one with the largest share.
    """
    strings, row = np.unique(corpus.names, return_inverse=True)
    counts = np.zeros((len(strings), len(LANGUAGES)))
    np.add.at(counts, (row, corpus.languages), 1)
    shares = counts / np.maximum(counts.sum(axis=0), 1)
    present = int((counts.sum(axis=0) > 0).sum())
    return {
        "accuracy": float(counts.max(axis=1).sum() / counts.sum()),
        "macro_recall": float(shares.max(axis=1).sum() / present),
    }


def card(lines: list[Line], every: Corpus, clean: Corpus, changes: list[Change]) -> dict[str, Any]:
    """The data card: what these names are, in numbers."""
    spoken: dict[str, set[int]] = {}
    for name, language in zip(every.names, every.languages, strict=True):
        spoken.setdefault(name, set()).add(int(language))
    letters: dict[str, int] = {}
    for line in lines:
        for letter in alphabet.lost_letters(line.text):
            letters[_visible(letter)] = letters.get(_visible(letter), 0) + 1
    kinds: dict[str, int] = {}
    for change in changes:
        for reason in change.reasons:
            kind = "repeated" if reason.startswith("repeats") else reason
            kind = "letters lost" if reason.startswith("the tutorial drops") else kind
            kinds[kind] = kinds.get(kind, 0) + 1
    pairs = set(zip(every.names, every.languages.tolist(), strict=True))
    return {
        "lines": len(lines),
        "distinct_names": len(spoken),
        "distinct_pairs": len(pairs),
        "clean_names": len(clean.names),
        "names_under_several_languages": sum(len(under) > 1 for under in spoken.values()),
        "most_languages_of_one_name": max(len(under) for under in spoken.values()),
        "changes": dict(sorted(kinds.items())),
        "letters_lost": dict(sorted(letters.items(), key=lambda item: (-item[1], item[0]))),
        "ceilings": {"lines": ceilings(every), "names": ceilings(clean)},
        "languages": {
            language: {
                "lines": int((every.languages == k).sum()),
                "distinct": sum(language_index == k for _, language_index in pairs),
                "clean": int((clean.languages == k).sum()),
            }
            for k, language in enumerate(LANGUAGES)
        },
    }


def split_published(corpus: Corpus, replicates: int) -> Split:
    """Every line trains and every line is scored, in every replicate."""
    return Split(corpus, np.full((len(corpus.names), replicates), BOTH))


def split_held_out(corpus: Corpus, replicates: int, folds: int, seed: int) -> Split:
    """Stratified folds of the distinct names; replicate r holds out fold r mod folds.

    All rows of a name go where the name goes. One that several languages share counts, for
    stratifying, as a name of the rarest of them. After each `folds` replicates the folds are drawn
    anew, so that no two replicates hold out the same names: repeated cross-validation.
    """
    from sklearn.model_selection import StratifiedKFold

    groups = [name.casefold() for name in corpus.names]
    counts = np.bincount(corpus.languages)
    rarest = sorted(
        zip(groups, corpus.languages.tolist(), strict=True), key=lambda row: -counts[row[1]]
    )
    stratum = dict(rarest)  # of each distinct name; the last, rarest language stays
    names = np.array(sorted(stratum))
    place = np.searchsorted(names, groups)
    roles = np.full((len(groups), replicates), TRAIN, dtype="<U5")
    for repetition in range(-(-replicates // folds)):
        state = int(np.random.default_rng((seed, repetition)).integers(2**31))
        splitter = StratifiedKFold(folds, shuffle=True, random_state=state)
        for fold, (_, held_out) in enumerate(splitter.split(names, [stratum[n] for n in names])):
            replicate = repetition * folds + fold
            if replicate < replicates:
                roles[np.isin(place, held_out), replicate] = TEST
    return Split(corpus, roles)


def split_random(corpus: Corpus, replicates: int, share: float, seed: int) -> Split:
    """The usual split: this share of all lines, drawn anew for each replicate, is held out."""
    count = len(corpus.names)
    roles = np.full((count, replicates), TRAIN, dtype="<U5")
    for replicate in range(replicates):
        order = np.random.default_rng((seed, replicate)).permutation(count)
        roles[order[: round(share * count)], replicate] = TEST
    return Split(corpus, roles)


def save(corpus: Corpus, path: Path) -> None:
    """A table of names and languages."""
    names = zip(corpus.names, corpus.languages, strict=True)
    files.write_table(["name", "language"], ((n, LANGUAGES[k]) for n, k in names), path)


def load(path: Path) -> Corpus:
    """A table written by `save`."""
    return _corpus([(row["name"], row["language"]) for row in files.read_table(path)])


def save_changes(changes: list[Change], path: Path) -> None:
    """The record of every line that was changed or dropped."""
    header = ["language", "line", "text", "published", "cleaned", "reasons"]
    rows = (
        (c.line.language, c.line.number, c.line.text, c.published, c.cleaned, "; ".join(c.reasons))
        for c in changes
    )
    files.write_table(header, rows, path)


def save_split(split: Split, path: Path) -> None:
    """A table of names, languages and one column of roles for each replicate."""
    header = ["name", "language", *(f"replicate_{r}" for r in range(split.roles.shape[1]))]
    languages = (LANGUAGES[k] for k in split.corpus.languages)
    rows = zip(split.corpus.names, languages, split.roles.tolist(), strict=True)
    files.write_table(header, ((name, k, *roles) for name, k, roles in rows), path)


def load_split(path: Path) -> Split:
    """A table written by `save_split`."""
    rows = [list(row.values()) for row in files.read_table(path)]
    corpus = _corpus([(row[0], row[1]) for row in rows])
    return Split(corpus, np.array([row[2:] for row in rows]))


def without(corpus: Corpus, other: Corpus) -> Corpus:
    """The names of a corpus that the other does not hold, in any language and any case."""
    held = {name.casefold() for name in other.names}
    rows = [row for row, name in enumerate(corpus.names) if name.casefold() not in held]
    return corpus.take(np.array(rows, np.int64))
