"""The tutorial's 57 letters, and the two ways in which a written name is reduced to them."""

import string
import unicodedata

import numpy as np

LETTERS = string.ascii_letters + " .,;'"
INDEX = {letter: index for index, letter in enumerate(LETTERS)}
FOREIGN = 255
CODES = np.full(128, FOREIGN, np.uint8)  # ASCII code -> index
CODES[[ord(letter) for letter in LETTERS]] = np.arange(len(LETTERS))

# Letters that Unicode does not take apart into a base letter and a mark.
TRANSLITERATIONS = str.maketrans(
    {
        "ß": "ss", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ø": "o", "Ø": "O", "æ": "ae",
        "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ı": "i",
        "-": " ", "\u2010": " ", "\u2011": " ", "\u2013": " ", "\u2019": "'", "\u02bc": "'",
        "`": "'", "\u00a0": " ",
    }
)  # fmt: skip


def without_marks(text: str) -> str:
    """Canonical decomposition (NFD) without its combining marks: `Ślusàrski` -> `Slusarski`."""
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(letter for letter in decomposed if unicodedata.category(letter) != "Mn")


def published_form(line: str) -> str:
    """A line as the tutorial reads it: marks removed, every other foreign character dropped.

    Source: `unicodeToAscii` of the PyTorch tutorial "NLP From Scratch: Classifying Names with a
    Character-Level RNN". `Groß` becomes `Gro`, `Ou-Yang` `OuYang`; a space at the end stays.
    """
    return "".join(letter for letter in without_marks(line) if letter in INDEX)


def cleaned_form(line: str) -> str:
    """A line as a careful reader would take it; empty where no letter is left.

    What stands behind a slash goes, `ß`, `ł` and such are spelled out, a hyphen becomes a space,
    digits and stray punctuation go, white space is trimmed and folded: `Groß` -> `Gross`,
    `Maxa/B` -> `Maxa`, `Rafaj1` -> `Rafaj`, `Ou-Yang` -> `Ou Yang`.
    """
    spelled_out = without_marks(line).split("/", maxsplit=1)[0].translate(TRANSLITERATIONS)
    spaced = " ".join(spelled_out.split())
    kept = "".join(letter for letter in spaced if letter in INDEX and letter not in ",;")
    kept = " ".join(kept.split())
    return kept if any(letter.isalpha() for letter in kept) else ""


def lost_letters(line: str) -> str:
    """The characters of a line that the tutorial's normalization drops silently."""
    return "".join(letter for letter in without_marks(line) if letter not in INDEX)


def encode(names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Names as letter indices, one after another.

    Returns `letters` (total letters,) uint8 and `offsets` (names + 1,) int64: name i is
    `letters[offsets[i]:offsets[i + 1]]`. Every letter must be one of the 57: ValueError.
    """
    offsets = np.zeros(len(names) + 1, np.int64)
    np.cumsum([len(name) for name in names], out=offsets[1:])
    letters = CODES[np.frombuffer("".join(names).encode("ascii"), np.uint8)]
    if (letters == FOREIGN).any():
        raise ValueError("a name holds what is none of the 57 letters")
    return letters, offsets


def visible(character: str) -> str:
    """Itself, or its code point where it could not be seen or would command a terminal."""
    if character.isprintable() and not character.isspace():
        return character
    return f"U+{ord(character):04X}"
