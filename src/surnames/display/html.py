"""The templates of every room, filled in by one environment.

What is put into HTML and SVG is escaped; markdown and plain text are taken as they are.
"""

import base64
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from surnames.display import tables, wording

ROOMS = Path(__file__).parents[1]  # templates are named by their path in src/surnames


@cache
def environment() -> Environment:
    """Templates with the filters that tables and sentences need."""
    made = Environment(
        loader=FileSystemLoader(ROOMS),
        autoescape=select_autoescape(["html", "svg"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    texts = (wording.interval, wording.number, wording.percent, wording.points, wording.words)
    made.filters |= {filter.__name__: filter for filter in (address, code, tables.markdown, *texts)}
    return made


def render(template: str, **values: Any) -> Markup:
    """A template filled in, such as `report/templates/index.html`."""
    return Markup(environment().get_template(template).render(values))


def code(text: str) -> Markup:
    """A name of the project's."""
    return Markup("<code>{}</code>").format(text)


def address(svg: str) -> str:
    """A picture as a data URI, so that the page needs no other file."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
