"""How near the names that a split holds out are to those that it trains on."""

from pathlib import Path

import numpy as np

from surnames.core import tables
from surnames.core.corpus import LANGUAGES, Split

FAR = 3  # edits; so many or more


def nearest(split: Split) -> np.ndarray:
    """(names, replicates) uint8: the edits to the nearest training name of the same language.

    An edit inserts, deletes or replaces a letter (Levenshtein); case is ignored. At most FAR, and 0
    for a name that the replicate is not scored on.
    """
    from rapidfuzz.distance import Levenshtein
    from rapidfuzz.process import cdist

    found = np.zeros(split.roles.shape, np.uint8)
    names = np.array([name.casefold() for name in split.corpus.names], object)
    for language in np.unique(split.corpus.languages):
        own = np.flatnonzero(split.corpus.languages == language)
        some = names[own].tolist()
        edits = cdist(some, some, scorer=Levenshtein.distance, score_cutoff=FAR - 1, dtype=np.uint8)
        for replicate in range(split.roles.shape[1]):
            scored = np.isin(own, split.scored_rows(replicate))
            trained = np.isin(own, split.training_rows(replicate))
            found[own[scored], replicate] = edits[scored][:, trained].min(axis=1, initial=FAR)
    return found


def save(split: Split, edits: np.ndarray, path: Path) -> None:
    """A table of names and languages with a column of edits for each replicate."""
    header = ["name", "language", *(f"replicate_{r}" for r in range(edits.shape[1]))]
    languages = (LANGUAGES[k] for k in split.corpus.languages)
    rows = zip(split.corpus.names, languages, edits.tolist(), strict=True)
    tables.write_table(header, ((name, k, *own) for name, k, own in rows), path)


def load(path: Path) -> np.ndarray:
    """The edits (names, replicates) of a table written by `save`; DataError where it is damaged."""
    rows = tables.read_table(path)
    with tables.reading(path):
        return np.array([[int(edits) for edits in [*row.values()][2:]] for row in rows], np.uint8)
