"""The one environment of templates: those of every room, named by their path in src/surnames."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape


def environment(**filters: Callable[..., Any]) -> Environment:
    """What is put into HTML and SVG is escaped; markdown and plain text are taken as they are."""
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parents[1]),
        autoescape=select_autoescape(["html", "svg"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= filters
    return made
