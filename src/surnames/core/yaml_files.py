"""YAML files that people write: read as DVC reads them, faults reported by place and line."""

import re
import reprlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import CollectionEndEvent, CollectionStartEvent
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from surnames.core.errors import ParameterError

BYTES, LEVELS = 1_000_000, 20  # the most that is read
BYTES_OF_VALUE = 10  # at least: a file may have a tenth as many values, aliases written out
SHOWN = 100  # characters of a place or a value in a message; a number's length at most
TEXT = (":str", ":merge")  # the ends of the tags of keys
NO_KEYS = "must be keys and values (`{{}}` for none); got {input}"
MESSAGES = {
    "dict_type": NO_KEYS,
    "model_type": NO_KEYS,
    "model_attributes_type": NO_KEYS,
    "extra_forbidden": "unknown key; remove it or correct its name",
    "missing": "{key} is missing",
    "union_tag_not_found": "{discriminator} is missing",
}

Place = tuple[str | int, ...]  # the keys and indices that lead to a value
Fault = tuple[Place, str]
Model = TypeVar("Model", bound=BaseModel)


def load(path: Path, model: type[Model], check: Callable[[Model], Iterable[Fault]]) -> Model:
    """The file as that model; raises ParameterError with the line of each fault.

    A fault is what the model or `check` refuses, or what is not plain YAML: a key that is there
    twice or is not text, a tag, or more than can be read in a moment, aliases included.
    """
    values, lines = _parsed(path, _content(path), BYTES)
    try:
        parsed = model.model_validate(values)
        refused = list(check(parsed))
    except ValidationError as error:
        refused = list(faults(error))
    if refused:
        raise _refusal(path, lines, refused)
    return parsed


def values(path: Path, text: str, most: int) -> Any:
    """The values of a YAML file that may be damaged; raises ParameterError for no plain YAML.

    `text` is up to `most` bytes, decoded with `surrogateescape`.
    """
    return _parsed(path, text.encode("utf-8", "surrogateescape"), most)[0]


def _refusal(path: Path, lines: dict[Place, int], refused: Iterable[Fault]) -> ParameterError:
    messages = [f"{path} is invalid:"]
    for steps, message in dict.fromkeys(refused):
        place: Place = ()
        for step in steps:
            if (*place, step) in lines:  # pydantic's steps include the tags of unions
                place += (step,)
        name = ".".join(map(str, place))[:SHOWN]
        messages.append(": ".join(filter(None, [f"line {lines[place]}", name, message])))
    messages[20:] = [f"and {len(messages) - 20} more"] * (len(messages) > 20)
    return ParameterError("\n  ".join(messages))


def faults(error: ValidationError) -> Iterator[Fault]:
    """The place of each fault, as pydantic counts it, with what was expected and what came."""
    for fault in error.errors():
        details = {"key": fault["loc"][-1], "msg": fault["msg"][:200]} | fault.get("ctx", {})
        details["input"] = reprlib.repr(fault["input"])[:SHOWN]
        message = MESSAGES.get(fault["type"], "{msg}; got {input}")
        yield fault["loc"], message.format(**details)


def _content(path: Path) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read(BYTES + 1)
    except OSError as error:
        raise ParameterError(f"{path}: {error.strerror}; is this the project's folder?") from None


def _text(path: Path, content: bytes, most: int) -> str:
    if len(content) > most:
        raise ParameterError(f"{path} is larger than {most:,} bytes")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ParameterError(f"{path}, line {line}: not UTF-8 text") from None
    if conflict := re.search(r"^(<{7}|={7}|>{7})(?!\S)", text, re.MULTILINE):
        line = text.count("\n", 0, conflict.start()) + 1
        raise ParameterError(f"{path}, line {line}: a merge conflict is not resolved")
    return text


def _parsed(path: Path, content: bytes, most: int) -> tuple[Any, dict[Place, int]]:
    """The values of a YAML file and the line of each place in it; raises ParameterError."""
    text = _text(path, content, most)
    yaml = YAML(typ="safe")  # the loader of dvc.utils.serialize
    try:
        depth = 0
        for event in yaml.parse(text):  # the composer, recursive in C, would overflow the stack
            depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
            if depth > LEVELS or getattr(event, "tag", None):
                _refuse(event, f"tags and more than {LEVELS} levels of nesting are not read here")
        root = yaml.compose(text)
        if not isinstance(root, MappingNode):
            raise YAMLError("must be keys and values" if root else "is empty")
        lines = _lines(root, most // BYTES_OF_VALUE)
        return yaml.constructor.construct_document(root), lines
    except MarkedYAMLError as error:
        mark, message = error.problem_mark, error.problem
        begin = f"line {(error.context_mark or mark).line + 1}"
        if text[mark.index : mark.index + 1] == "\t":
            message = "a tab; indent with spaces"
        elif "flow" in str(error.context):
            message = f"a bracket is not closed or lacks a comma (from {begin})"
        elif error.context:
            message = f"{error.context} ({begin}): {message}"
        raise ParameterError(f"{path}, line {mark.line + 1}: {message}") from None
    except (YAMLError, ArithmeticError, LookupError, ValueError) as error:  # e.g. a 30 February
        raise ParameterError(f"{path}: {str(error).splitlines()[0]:.100}") from None


def _lines(root: Node, most: int) -> dict[Place, int]:
    """The line of each place; raises MarkedYAMLError for a key twice, or too much of anything."""
    lines: dict[Place, int] = {}
    nodes: list[tuple[Place, Node, Node]] = [((), root, root)]
    for place, start, node in nodes:  # which grows
        if start is not node and not (str(start.tag).endswith(TEXT) and start.value.isprintable()):
            _refuse(start, "a key must be text; numbers, dates, true and null need quotes")
        if place in lines:
            _refuse(start, f"duplicate key {place[-1]!r:.50}, first on line {lines[place]}")
        if len(nodes) > most or len(place) > LEVELS:
            _refuse(start, f"more than {most:,} values or {LEVELS} levels, aliases written out")
        lines[place] = start.start_mark.line + 1
        if isinstance(node, MappingNode):
            nodes += [((*place, key.value), key, value) for key, value in node.value]
        elif isinstance(node, SequenceNode):
            nodes += [((*place, index), item, item) for index, item in enumerate(node.value)]
        elif not str(node.tag).endswith(TEXT) and len(node.value) > SHOWN:
            _refuse(node, f"a number of more than {SHOWN} digits")
    return lines


def _refuse(start: Any, problem: str) -> NoReturn:
    raise MarkedYAMLError(problem=problem, problem_mark=start.start_mark)
