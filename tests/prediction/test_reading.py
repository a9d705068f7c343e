"""What is read of a name, whatever it is."""

import unicodedata

import pytest
from hypothesis import given
from support.strategies import ANYTHING
from support.untrained import SMALL

from surnames.core import alphabet
from surnames.prediction.reading import EMPTY, NOTHING_LEFT, TOO_LONG, plain, read


@given(ANYTHING)
def test_a_plain_name_is_one_that_cleaning_leaves_as_it_is(name: str) -> None:
    """The short cut of most names leads to the same place."""
    if plain(name):
        assert alphabet.cleaned_form(name) == name
    assert read(name).read_as == alphabet.cleaned_form(name)


@given(ANYTHING)
def test_any_text_has_an_answer_or_a_reason(name: str) -> None:
    """Never a crash, and never a made-up language."""
    [found] = SMALL.answers([name], top=18, by_letter=True)
    assert found["read_as"] == alphabet.cleaned_form(name)
    assert len(found["by_letter"]) == len(found["read_as"])
    if found["read_as"]:
        assert sum(one["probability"] for one in found["answers"]) == pytest.approx(1, abs=1e-4)
        assert found["note"] == "" or found["note"].startswith("left out: ")
    else:
        assert found["answers"] == []
        assert found["note"] == (NOTHING_LEFT if name.strip() else EMPTY)


@given(ANYTHING.filter(lambda name: "/" not in name))
def test_what_is_said_to_be_left_out_is_all_that_is(name: str) -> None:
    """Without those characters the name is read alike, and nothing more is left out of it."""
    left_out = read(name).left_out
    if name.strip():
        gone = {chr(int(c[2:], 16)) if len(c) > 1 else c for c in left_out}
        kept = "".join(c for c in unicodedata.normalize("NFC", name) if c not in gone)
        assert read(kept).left_out == ()
        assert alphabet.cleaned_form(kept) == alphabet.cleaned_form(name)


@pytest.mark.parametrize(
    ("name", "read_as", "note"),
    [
        ("Satoshi", "Satoshi", ""),
        ("Ślusàrski", "Slusarski", ""),  # accents, ß, ł and hyphens are only spelled otherwise
        ("Groß-Łukasz", "Gross Lukasz", ""),
        ("", "", "the name is empty"),
        ("  ", "", "the name is empty"),
        ("李", "", "no letter of this name is in the alphabet"),
        ("...", "", "no letter of this name is in the alphabet"),
        ("Li李1李", "Li", "left out: 李, 1"),  # in order, each once
        ("김Kim", "Kim", "left out: 김"),  # a syllable, not the letters that it is composed of
        ("Bab/B", "Bab", "left out: /, B"),
        ("\x1b[1mRed", "mRed", "left out: U+001B, [, 1"),  # commands no terminal
        ("a" * 40, "a" * 40, ""),
        ("a" * 1001, "", TOO_LONG),  # the engine's buffers grow with the longest name
    ],
)
def test_what_is_said_of_a_name(name: str, read_as: str, note: str) -> None:
    """The words that the report's page has as well."""
    [found] = SMALL.answers([name])
    assert (found["read_as"], found["note"]) == (read_as, note)
    assert bool(found["answers"]) == bool(read_as)


def test_only_text_is_a_name() -> None:
    """From Python, anything may come."""
    with pytest.raises(TypeError, match="7"):
        SMALL.answers(["Satoshi", 7])  # type: ignore[list-item]
