"""What the report's page is made of: sections with paragraphs, figures and tables."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

# DVC keeps the page by its digest, so what differs from copy to copy is put here by `stamp`.
UNSTAMPED = Markup(
    "<span>Not in this file: its commit, its date and the digest of <code>dvc.lock</code>. DVC "
    "keeps the file by its own digest, so it must be the same on every machine; the copy that "
    "<code>make report</code> opens has them here.</span>"
)


@dataclass(frozen=True)
class Table:
    """A table with a caption; `folded` ones open on demand."""

    caption: str
    head: Sequence[str | Markup]
    rows: Sequence[Sequence[str | Markup]]
    folded: bool = False


@dataclass(frozen=True)
class Figure:
    """A picture, what it shows for those who do not see it, and what stands beneath.

    An `inline` one tells its cells' titles to a pointer, which a picture in a picture cannot.
    """

    svg: str
    alt: str
    caption: str
    inline: bool = False

    @property
    def address(self) -> str:
        """The picture as a data URI, so that the page needs no other file."""
        return "data:image/svg+xml;base64," + base64.b64encode(self.svg.encode()).decode()

    @property
    def drawing(self) -> Markup:
        """The picture as part of the page; it is of our own making, from escaped labels."""
        return Markup(self.svg)


@dataclass(frozen=True)
class Section:
    """A part of the page."""

    key: str
    title: str
    paragraphs: Sequence[str | Markup] = ()
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    items: Sequence[str | Markup] = ()


def environment(templates: Path, *, escape: bool) -> Environment:
    """The templates of a room: `escape` for HTML, not for markdown."""
    return Environment(
        loader=FileSystemLoader(templates),
        autoescape=escape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def code(text: str, words: str = "") -> Markup:
    """A name of the project's, with what it means beneath."""
    meaning = Markup(' <span class="words">{}</span>').format(words) if words else ""
    return Markup("<code>{}</code>{}").format(text, meaning)
