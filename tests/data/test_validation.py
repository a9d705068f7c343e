"""The gate before training: what it refuses is named, and nothing trains behind it."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from support.projects import ROOT, Project

from surnames.core import streams
from surnames.core.corpus import BOTH, LANGUAGES, TEST, TRAIN, Corpus, Split
from surnames.core.errors import DataError
from surnames.data import facts, validation
from surnames.data.names import starter_names
from surnames.data.splits import split_held_out, split_published, split_random

NAMES = starter_names(ROOT / "data" / "starter")


def splits() -> dict[str, Split]:
    """An honest split for each protocol."""
    return {
        "published": split_published(NAMES, 2),
        "held_out": split_held_out(NAMES, 5, 1, 1),
        "random_split": split_random(NAMES, 2, 0.15, 1),
    }


def renamed(split: Split, row: int, name: str) -> Split:
    """The same split with another name in one row."""
    names = [*split.corpus.names]
    names[row] = name
    return replace(split, corpus=Corpus(names, split.corpus.languages))


@pytest.mark.parametrize("protocol", streams.PROTOCOLS)
def test_honest_split_passes_and_is_told(protocol: str) -> None:
    """The share of scored names that stand in training, counted anew; none of them held out."""
    split = splits()[protocol]
    found = validation.check(split, protocol)
    folded = [name.casefold() for name in NAMES.names]
    seen, scored = np.zeros(18), np.zeros(18)
    for replicate in range(2):
        training = {folded[row] for row in split.training_rows(replicate)}
        for row in split.scored_rows(replicate):
            scored[NAMES.languages[row]] += 1
            seen[NAMES.languages[row]] += folded[row] in training
    assert found["names"] == len(NAMES.names)
    assert_allclose(found["scored_names_that_stand_in_training"], seen.sum() / scored.sum())
    assert_allclose(list(found["by_language"].values()), seen / scored)
    if protocol == "held_out":
        assert seen.sum() == 0


@pytest.mark.parametrize("spelled", [str, str.upper])
def test_leak_is_found_and_named(spelled: "type[str]") -> None:
    """One held-out name that also stands in training, in another language and perhaps case."""
    split = splits()["held_out"]
    test, training = split.scored_rows(1)[3], split.training_rows(1)[5]
    leaking = renamed(split, training, spelled(NAMES.names[test]))
    with pytest.raises(DataError, match="leak") as refused:
        validation.check(leaking, "held_out")
    assert NAMES.names[test].casefold() in str(refused.value).casefold()
    validation.check(replace(leaking, roles=np.full_like(split.roles, BOTH)), "published")


def test_many_leaks_are_counted() -> None:
    """The first few by name, and how many there are."""
    names = Corpus([*NAMES.names, *NAMES.names], np.tile(NAMES.languages, 2))
    roles = np.repeat([[TRAIN], [TEST]], len(NAMES.names), axis=0)
    with pytest.raises(DataError, match=rf"{len(NAMES.names)} held-out names .*, \.\.\.; split by"):
        validation.check(Split(names, roles), "held_out")


@pytest.mark.parametrize("name", ["Müller", "Ou-Yang", "Smith\n", "Ta\u00a0", "7", "[A]", "A\\Z"])
def test_foreign_letter_is_refused_by_name(name: str) -> None:
    """Anything beside the 57 letters would stop training with a KeyError."""
    with pytest.raises(DataError) as refused:
        validation.check(renamed(splits()["held_out"], 10, name), "held_out")
    assert repr(name) in str(refused.value)
    assert "row 10" in str(refused.value)


def test_empty_name_is_refused() -> None:
    """A network has nothing to read in it."""
    with pytest.raises(DataError, match=r"name '' \(row 10\) is not a name"):
        validation.check(renamed(splits()["published"], 10, ""), "published")


def test_missing_language_is_refused_by_name() -> None:
    """A class that no name has: macro recall would be a mean over fewer languages."""
    rows = np.flatnonzero(~np.isin(NAMES.languages, [7, 9]))
    split = Split(NAMES.take(rows), np.full((len(rows), 1), BOTH))
    with pytest.raises(DataError, match=f"no name is {LANGUAGES[7]} or {LANGUAGES[9]}"):
        validation.check(split, "published")


@pytest.mark.parametrize(
    ("protocol", "role"),
    [
        ("published", TEST),
        ("published", ""),
        ("held_out", BOTH),
        ("held_out", "tset"),
        ("random_split", BOTH),
        ("random_split", ""),
    ],
)
def test_wrong_role_is_refused(protocol: str, role: str) -> None:
    """Roles are the protocol's own: a name on both sides is no random split."""
    split = splits()[protocol]
    split.roles[20, 1] = role
    with pytest.raises(DataError, match=r"replicate_1 .*\(row 20\) is not one of") as refused:
        validation.check(split, protocol)
    assert repr(role) in str(refused.value)


@pytest.mark.parametrize("role", [TRAIN, TEST])
def test_split_without_one_side_is_refused(role: str) -> None:
    """Nothing to train on, or nothing to score."""
    roles = np.full((len(NAMES.names), 2), role)
    with pytest.raises(DataError, match="replicate 0 lacks one of its sides"):
        validation.check(Split(NAMES, roles), "random_split")


def test_faults_are_shown_in_reasonable_number() -> None:
    """A thousand foreign letters make a message that can be read."""
    names = Corpus([f"{name}ß" for name in NAMES.names], NAMES.languages)
    with pytest.raises(DataError) as refused:
        validation.check(Split(names, np.full((len(NAMES.names), 1), BOTH)), "published")
    assert str(refused.value).count("ß") == validation.SHOWN


def test_leak_stops_the_pipeline_before_training(study: Project) -> None:
    """A split that forgets to group by name: `dvc repro` fails, names it, and trains nothing."""
    module = study.folder / "src/surnames/data/splits.py"
    written = module.read_text(encoding="utf-8")
    by_name = "groups = [name.casefold() for name in corpus.names]"
    assert by_name in written
    leaking = written.replace(by_name, "groups = list(range(len(corpus.names)))")
    module.write_text(leaking, encoding="utf-8")
    weights = {path: path.read_bytes() for path in study.folder.glob("results/runs/*/*/weights*")}
    assert weights
    # one training stage alone: it must ask for the check itself, not just come after it
    target = "train@held_out-fixed"
    said = study.run("dvc", "repro", target, fails=True)
    assert "leak: " in said
    assert "failed to reproduce 'check'" in said
    assert "Running stage 'train" not in said
    assert "Traceback" not in said
    assert {path: path.read_bytes() for path in weights} == weights


def test_one_long_name_takes_no_room_for_all() -> None:
    """As an array of text these would take 160 MB; counted and checked in a tenth of it."""
    count = 40_000
    letters = str.maketrans("0123456789", "abcdefghij")
    names = ["k" * 1000, *(str(k).translate(letters) for k in range(1, count))]
    corpus = Corpus(names, np.arange(count) % len(LANGUAGES))
    tracemalloc.start()
    try:
        facts.ceilings(corpus)
        validation.check(split_held_out(corpus, 2, 1, 1), "held_out")
        assert tracemalloc.get_traced_memory()[1] < 80_000_000
    finally:
        tracemalloc.stop()
