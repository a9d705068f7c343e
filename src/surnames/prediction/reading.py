"""How a written name is read: normalized as in training, and what was dropped on the way."""

import re
import string
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from surnames.core import alphabet

# What is said of a name, here and on the report's page.
EMPTY = "the name is empty"
NOTHING_LEFT = "no letter of this name is in the alphabet"
LEFT_OUT = "left out: {}"
LONGEST = 1000  # characters of a name: the engine's buffers grow with the longest
TOO_LONG = f"the name is longer than {LONGEST} characters"

KEPT = re.escape("".join(letter for letter in alphabet.LETTERS if letter not in " ,;"))
PLAIN = re.compile(rf"[{string.ascii_letters}][{KEPT}]*(?: [{KEPT}]+)*")  # cleaning changes nothing


@dataclass(frozen=True)
class Reading:
    """A name as a network reads it, or "" where it cannot; and what is to be said of that."""

    read_as: str
    note: str = ""
    left_out: tuple[str, ...] = ()  # the characters that are not in the alphabet, each once


def plain(name: str) -> bool:
    """Whether it is read as it is written, which most names are."""
    return len(name) <= LONGEST and PLAIN.fullmatch(name) is not None


def read(name: str) -> Reading:
    """A name normalized as in training, and what was dropped on the way."""
    return _read(name) if len(name) <= LONGEST else Reading("", TOO_LONG)


@lru_cache(1 << 14)
def _read(name: str) -> Reading:
    if not name.strip():
        return Reading("", EMPTY)
    left_out = tuple(map(alphabet.visible, _left_out(name)))
    read_as = alphabet.cleaned_form(name)
    if not read_as:
        return Reading("", NOTHING_LEFT, left_out)
    return Reading(read_as, LEFT_OUT.format(", ".join(left_out)) if left_out else "", left_out)


def _left_out(name: str) -> list[str]:
    """Characters of which nothing is left, in order, each once; all that stands behind a slash."""
    before, slash, behind = unicodedata.normalize("NFC", name).partition("/")
    gone = [character for character in before if not _has_letter(character)]
    return [*dict.fromkeys([*gone, slash, *behind])] if slash else [*dict.fromkeys(gone)]


@lru_cache(1 << 14)
def _has_letter(character: str) -> bool:
    """Whether something stands for it in the alphabet; marks and white space are no loss."""
    bare = alphabet.without_marks(character)
    spelled_out = bare.translate(alphabet.TRANSLITERATIONS)
    return not bare.strip() or any(c in alphabet.INDEX and c not in ",;" for c in spelled_out)
