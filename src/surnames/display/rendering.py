"""The one environment of templates: those of every room, named by their path in src/surnames."""

from collections.abc import Callable
from pathlib import Path, PurePath
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from surnames.display import escaping

ESCAPES: dict[str, Callable[[Any], Any]] = {
    ".md": escaping.markdown,
    ".html": escaping.html,
    ".svg": escaping.html,
}


def environment(**filters: Callable[..., Any]) -> Environment:
    """What is put into a page is escaped by its kind; text and JSON are taken as they are."""
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parents[1]),
        autoescape=lambda name: PurePath(name or "").suffix in ESCAPES,
        finalize=_escaped,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= filters
    return made


@pass_context
def _escaped(context: Context, value: Any) -> Any:
    """Each value of a template, as it is put there."""
    escape = ESCAPES.get(PurePath(context.name or "").suffix)
    return escape(value) if escape else value
