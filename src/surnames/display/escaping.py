"""What people wrote, escaped for where it stands: one function for each kind of place.

Templates call them by themselves (`rendering`): by the ending of a template's name, every value is
escaped that is not `Markup` already.
"""

import re
from typing import Any
from urllib.parse import quote

from markupsafe import Markup, escape

from surnames.core.hidden import visible

# What markdown takes for markup, a link, a mention, a formula or the end of a table's cell;
# underscores within a word are none, and signs that begin a block do so only there.
_MARKUP = re.compile(
    r"[\\`*\[\]<>|&@~$]|(?<![^\W_])_|_(?![^\W_])|:(?=//)|(?<=www)\."
    r"|^ ?[-+=#](?=[-+=#]*(?: |$))|^ ?\d{1,9}[.)](?= |$)"
)


def markdown(text: Any) -> Markup:
    """Markdown that shows the text as it is, on one line and without any effect."""
    if isinstance(text, Markup):
        return text
    line = visible(re.sub(r"\s+", " ", str(text)))
    return Markup(_MARKUP.sub(lambda mark: f"{mark[0][:-1]}&#{ord(mark[0][-1])};", line))


def code(text: str) -> Markup:
    """A name of the project's, in markdown; no back quotes in it end it."""
    line = visible(" ".join(text.split())).replace("|", "\\|")
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    space = " " if "`" in line else ""
    return Markup(f"{fence}{space}{line}{space}{fence}")


def link(address: str) -> Markup:
    """An address between the round brackets of a link in markdown, none of which it can close."""
    return Markup(quote(address, safe=":/?#@!$&'*+,;=%"))


def html(text: Any) -> Markup:
    """HTML that shows the text as it is."""
    if hasattr(text, "__html__"):
        return Markup(text)
    return escape("\n".join(map(visible, str(text).split("\n"))))


def terminal(text: Any) -> str:
    """A line that has no effect on a terminal."""
    return visible(str(text))
