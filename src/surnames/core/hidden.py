"""Characters that show nothing, or that change how the text around them is shown."""

import re
import unicodedata

# marks and letters that are printable by their category, and show nothing
INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U0001d159\U000e0100-\U000e01ef]"
)


def is_hidden(letter: str) -> bool:
    """Whether a reader cannot see it: controls, line ends, marks that turn text around, fillers."""
    return (
        unicodedata.category(letter) in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")
        or INVISIBLE.match(letter) is not None
    )


def visible(text: str) -> str:
    """The text with the number of each such character in its place, as U+202E."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(f"U+{ord(one):04X}" if is_hidden(one) else one for one in text)
