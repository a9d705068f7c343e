"""The templates of pages, with the filters that their tables and sentences need."""

import base64
from functools import cache
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from surnames.display.escaping import link
from surnames.display.rendering import environment
from surnames.display.tables import markdown
from surnames.display.wording import estimate, interval, number, percent, points, words


@cache
def _environment() -> Environment:
    filters = (
        *(address, code, estimate, interval, link, markdown),
        *(number, percent, points, words),
    )
    return environment(**{filter.__name__: filter for filter in filters})


def render(template: str, **values: Any) -> Markup:
    """A template filled in, such as `report/templates/index.html`."""
    return Markup(_environment().get_template(template).render(values))


def code(text: str) -> Markup:
    """A name of the project's."""
    return Markup("<code>{}</code>").format(text)


def address(svg: str) -> str:
    """A picture as a data URI, so that the page needs no other file."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
