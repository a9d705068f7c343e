"""A registered model over HTTP: MLflow's scoring protocol, within limits that are stated.

MLflow's own server takes bodies of any size, names of any kind and length and any Host header, and
answers a wrong request with a stack trace. No name is written to a log here.
"""

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from mlflow.pyfunc import PyFuncModel

Rows = Callable[[list[str]], list[dict[str, Any]]]  # names -> `language`, `probability` and so on
BODY, NAMES, LETTERS = 8_000_000, 100_000, 1000  # bytes, names a request, characters a name
CHUNK = 512  # names scored and sent at once
FORMS = "{'inputs': ['Satoshi', ...]}".replace("'", '"')


class Refused(Exception):
    """A wrong request: its status, and a sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def application(rows: Rows, version: str, hosts: tuple[str, ...]) -> Starlette:
    """The ASGI application; `hosts` are the names under which it may be asked."""

    async def answer(request: Request) -> Response:
        try:
            names = names_of(parsed(await body(request)))
        except Refused as refusal:
            return JSONResponse({"error": str(refusal)}, refusal.status)
        if len(names) <= CHUNK:
            return Response("".join(lines(rows, names)), media_type="application/json")
        return StreamingResponse(lines(rows, names), media_type="application/json")

    def pong(request: Request) -> Response:
        return PlainTextResponse("\n")

    def said(request: Request) -> Response:
        return PlainTextResponse(version)

    routes = [Route("/invocations", answer, methods=["POST"]), Route("/version", said)]
    routes += [Route(path, pong) for path in ("/ping", "/health")]
    return Starlette(
        routes=routes,
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))],
    )


def rows_of(model: "PyFuncModel") -> Rows:
    """How a registered model answers some names; one of an older version makes a frame of them."""
    own: Any = model.unwrap_python_model()  # type: ignore[no-untyped-call]
    if hasattr(own, "rows"):
        return own.rows

    def rows(names: list[str]) -> list[dict[str, Any]]:
        frame: Any = model.predict(names)
        frame = frame.astype(object)
        return frame.where(frame.notna(), None).to_dict("records")

    return rows


async def body(request: Request) -> bytes:
    """The body of JSON, refused once it is larger than its limit."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refused(415, f"expected Content-Type: application/json, got {kind[:60] or 'none'}")
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > BODY:
            raise Refused(413, f"the body is larger than {BODY:,} bytes; send fewer names at once")
    return bytes(content)


def parsed(content: bytes) -> Any:
    """The value of JSON text; Refused for what is none, or too deep."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"the body is no JSON: {str(error)[:100]}; expected {FORMS}") from None


def names_of(value: Any) -> list[str]:
    """The names of a request in one of MLflow's forms; Refused for everything else."""
    if not isinstance(value, dict):
        raise Refused(400, f"expected {FORMS}, got {shown(value)}")
    names: Any = value.get("inputs", value.get("instances"))
    if isinstance(names, dict) and [*names] == ["name"]:
        names = names["name"]
    if isinstance(rows := value.get("dataframe_records"), list):
        names = [
            row["name"] if isinstance(row, dict) and [*row] == ["name"] else row for row in rows
        ]
    if isinstance(frame := value.get("dataframe_split"), dict) and frame.get("columns") == ["name"]:
        rows = frame["data"] if isinstance(frame.get("data"), list) else []
        names = [row[0] if isinstance(row, list) and len(row) == 1 else row for row in rows]
    if not isinstance(names, list):
        raise Refused(400, f"expected {FORMS}, or a frame whose one column is called name")
    if len(names) > NAMES:
        raise Refused(413, f"{len(names):,} names are more than {NAMES:,}; send fewer at once")
    for place, name in enumerate(names):
        if not isinstance(name, str):
            raise Refused(400, f"name {place} must be text, got {shown(name)}")
        if len(name) > LETTERS:
            raise Refused(400, f"name {place} is longer than {LETTERS} characters")
        if any("\ud800" <= letter <= "\udfff" for letter in name):
            raise Refused(400, f"name {place} has half of a character (a lone surrogate)")
    return names


def shown(value: Any) -> str:
    """What kind of value it is, in JSON's words."""
    kinds = {dict: "an object", list: "a list", str: "text", bool: "true or false"}
    return "null" if value is None else kinds.get(type(value), "a number")


def lines(rows: Rows, names: list[str]) -> Iterator[str]:
    """The answer as text, some names at a time."""
    yield '{"predictions": ['
    for first in range(0, len(names), CHUNK):
        some = [json.dumps(row) for row in rows(names[first : first + CHUNK])]
        yield (", " if first else "") + ", ".join(some)
    yield "]}"
