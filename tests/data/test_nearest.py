"""How near unseen names are to training names, against the definition written out."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from surnames.core.corpus import TEST, TRAIN, Corpus, Split
from surnames.data import nearest

NAMES = st.lists(st.text(st.sampled_from("abAB"), min_size=1, max_size=5), min_size=2, max_size=12)


def edits(one: str, other: str) -> int:
    """Levenshtein's distance by its recurrence."""
    if not one or not other:
        return len(one) + len(other)
    same = edits(one[1:], other[1:]) + (one[0] != other[0])
    return min(same, edits(one[1:], other) + 1, edits(one, other[1:]) + 1)


@given(NAMES, st.integers(0, 2**32 - 1))
def test_edits_to_the_nearest_training_name(names: list[str], seed: int) -> None:
    """Of the same language, ignoring case, three or more as three; nothing for training names."""
    rng = np.random.default_rng(seed)
    languages = rng.integers(0, 3, len(names))
    roles = rng.choice([TRAIN, TEST], (len(names), 2))
    found = nearest.nearest(Split(Corpus(names, languages), roles))
    for row, name in enumerate(names):
        for replicate in range(2):
            trained = [
                edits(name.lower(), other.lower())
                for other, language, role in zip(names, languages, roles[:, replicate], strict=True)
                if role == TRAIN and language == languages[row]
            ]
            wanted = 0 if roles[row, replicate] == TRAIN else min([*trained, 3])
            assert found[row, replicate] == wanted


def test_the_table_is_read_as_it_was_written(tmp_path) -> None:
    """Names that look like numbers or hold a comma, too."""
    split = Split(Corpus(["Li", "O'Neil, Sr."], np.array([1, 8])), np.array([[TRAIN, TEST]] * 2))
    table = np.array([[0, 3], [1, 2]], np.uint8)
    nearest.save(split, table, tmp_path / "nearest.csv")
    assert_array_equal(nearest.load(tmp_path / "nearest.csv"), table)
