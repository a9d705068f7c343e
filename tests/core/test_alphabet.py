"""The two reductions of a written name, and the letters as numbers."""

import string
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import NAMELIKE

from surnames.core import alphabet


@given(NAMELIKE)
def test_published_form_is_that_of_the_tutorial(line: str) -> None:
    """The oracle is `unicodeToAscii` as the tutorial prints it."""
    all_letters = string.ascii_letters + " .,;'"

    def unicode_to_ascii(s: str) -> str:
        return "".join(
            c
            for c in unicodedata.normalize("NFD", s)
            if unicodedata.category(c) != "Mn" and c in all_letters
        )

    assert alphabet.published_form(line) == unicode_to_ascii(line)


def test_letters_are_those_of_the_tutorial() -> None:
    """57 of them, in its order: the order is that of the weights' columns."""
    assert string.ascii_letters + " .,;'" == alphabet.LETTERS
    assert len(alphabet.LETTERS) == 57
    assert [alphabet.INDEX[letter] for letter in alphabet.LETTERS] == list(range(57))


@given(NAMELIKE)
def test_cleaned_form_is_clean(line: str) -> None:
    """Letters of the alphabet with single spaces inside, or nothing; and cleaning is done once."""
    cleaned = alphabet.cleaned_form(line)
    assert set(cleaned) <= set(string.ascii_letters + " .'")
    assert cleaned == cleaned.strip()
    assert "  " not in cleaned
    assert cleaned == "" or any(letter in string.ascii_letters for letter in cleaned)
    assert alphabet.cleaned_form(cleaned) == cleaned


@given(NAMELIKE)
def test_cleaned_form_keeps_every_letter_before_a_slash(line: str) -> None:
    """Empty only where no letter is left; no letter that the tutorial keeps is lost."""
    before_slash = unicodedata.normalize("NFD", line).split("/")[0]
    kept = iter(alphabet.cleaned_form(line))
    wanted = [letter for letter in before_slash if letter in string.ascii_letters]
    assert all(letter in kept for letter in wanted)  # in this order: `in` consumes the iterator


@pytest.mark.parametrize(
    ("line", "published", "cleaned"),
    [
        ("Ślusàrski", "Slusarski", "Slusarski"),
        ("O'Néàl", "O'Neal", "O'Neal"),
        ("Groß", "Gro", "Gross"),
        ("Ou-Yang", "OuYang", "Ou Yang"),
        ("Maxa/B", "MaxaB", "Maxa"),
        ("Rafaj1", "Rafaj", "Rafaj"),
        ("Złoty", "Zoty", "Zloty"),
        ("Ǿrsted", "rsted", "Orsted"),
        ("Jevolojnov,", "Jevolojnov,", "Jevolojnov"),
        ("Lu:", "Lu", "Lu"),
        ("Ta ", "Ta ", "Ta"),
        ("Au\u00a0Yong", "AuYong", "Au Yong"),
        ("Au\tYong", "AuYong", "Au Yong"),
        ("St.  John", "St.  John", "St. John"),
        ("D’Arcy", "DArcy", "D'Arcy"),
        ("李", "", ""),
        ("' .", "' .", ""),
        ("/B", "B", ""),
    ],
)
def test_examples(line: str, published: str, cleaned: str) -> None:
    """Cases of the kinds that the real names hold, and of the docstrings."""
    assert alphabet.published_form(line) == published
    assert alphabet.cleaned_form(line) == cleaned


@given(NAMELIKE)
def test_lost_letters_and_published_form_are_the_whole_line(line: str) -> None:
    """What the record of changes names is exactly what the tutorial drops beside marks."""
    both = alphabet.published_form(line) + alphabet.lost_letters(line)
    assert sorted(both) == sorted(alphabet.without_marks(line))


@given(st.lists(st.text(st.sampled_from(alphabet.LETTERS))))
def test_encoding_loses_nothing(names: list[str]) -> None:
    """Name i stands between its two offsets, letter by letter; empty names too."""
    letters, offsets = alphabet.encode(names)
    decoded = [
        "".join(alphabet.LETTERS[k] for k in letters[offsets[i] : offsets[i + 1]])
        for i in range(len(names))
    ]
    assert decoded == names
    assert offsets[-1] == len(letters)


@pytest.mark.parametrize("name", ["Smith7", "Groß", "Ou-Yang", "\n"])
def test_foreign_letter_is_not_encoded_as_another(name: str) -> None:
    """Read as some letter of the alphabet it would give an answer, and a wrong one."""
    with pytest.raises((ValueError, KeyError)):
        alphabet.encode(["Smith", name])
