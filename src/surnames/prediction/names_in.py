"""Names from arguments, files and standard input, by the chunk: constant memory for any number."""

import csv
import io
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any, TextIO

from surnames.core.errors import DataError

CHUNK = 8192  # names read and scored at once; input of a whole chunk is worth the engine's import
STANDARD_INPUT = Path("-")
NAME, LANGUAGE = "name", "language"  # columns


@dataclass(frozen=True)
class Chunk:
    """Some names, their languages where these are known, and how far into its source it ends."""

    names: list[str]
    languages: list[str] | None
    place: int


@dataclass(frozen=True)
class Source:
    """Where names come from; `size` and the chunks' places are in this unit."""

    chunks: Iterator[Chunk]
    size: int | None = None
    unit: str = "names"


def given(names: Sequence[str]) -> Source:
    """Names that are at hand."""
    chunks = (
        Chunk(list(names[first : first + CHUNK]), None, min(first + CHUNK, len(names)))
        for first in range(0, len(names), CHUNK)
    )
    return Source(chunks, len(names))


@contextmanager
def opened(path: Path, column: str = NAME, kind: str | None = None) -> Iterator[Source]:
    """A file's names, or those on standard input ("-"), one a line: while the context is open.

    `.csv` and `.parquet` files (or whatever `kind` says is one) have a column of names, and may
    have one called `language`. Raises DataError, also later on, for what cannot be read.
    """
    kind = kind or path.suffix.lower().removeprefix(".")
    try:
        if kind == "parquet":
            with _parquet(path, column) as source:
                yield source
            return
        with _binary(path) as handle:
            size = os.fstat(handle.fileno()).st_size if handle.seekable() else None
            text = io.TextIOWrapper(handle, "utf-8-sig", newline="" if kind == "csv" else None)
            pieces = _csv(text, path, column) if kind == "csv" else _lines(text)
            yield Source(_placed(pieces, handle, size), size, "names" if size is None else "B")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not UTF-8 (byte {error.object[error.start]:#04x}); save it as UTF-8, for "
            "instance by `iconv -f LATIN1 -t UTF-8`"
        ) from None
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        if error.filename != str(path):
            raise
        raise DataError(f"{path} cannot be read: {error.strerror}") from None


@contextmanager
def _binary(path: Path) -> Iterator[IO[bytes]]:
    if path == STANDARD_INPUT:
        yield sys.stdin.buffer
    else:
        with open(path, "rb") as handle:
            yield handle


Piece = tuple[list[str], list[str] | None]


def _placed(pieces: Iterator[Piece], handle: IO[bytes], size: int | None) -> Iterator[Chunk]:
    """Each with its place: in the file, or by names where there is no knowing."""
    count = 0
    for names, languages in pieces:
        count += len(names)
        yield Chunk(names, languages, count if size is None else handle.tell())


def _lines(text: TextIO) -> Iterator[Piece]:
    while lines := list(islice(text, CHUNK)):
        yield [line.rstrip("\n") for line in lines], None


def _csv(text: TextIO, path: Path, column: str) -> Iterator[Piece]:
    reader = csv.reader(text, strict=True)
    try:
        header = next(reader, [])
        at, beside = _columns(header, column, path)
        rows = _whole(reader, len(header), path)
        while some := list(islice(rows, CHUNK)):
            languages = None if beside is None else [row[beside] for row in some]
            yield [row[at] for row in some], languages
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: no CSV: {error}") from None


def _whole(reader: Any, width: int, path: Path) -> Iterator[list[str]]:
    """Its rows but empty lines, each as wide as the header."""
    for row in reader:
        if len(row) == width:
            yield row
        elif row:
            raise DataError(
                f"{path}, line {reader.line_num}: expected {width} cells as in the header, "
                f"got {len(row)}"
            )


def _columns(header: Sequence[str], column: str, path: Path) -> tuple[int, int | None]:
    """The places of the names and of the languages, if there are any."""
    if column not in header:
        known = ", ".join(map(repr, header)) or "none"
        raise DataError(f"{path} has no column {column!r}; it has {known}; name one by --column")
    places = {title: k for k, title in reversed(list(enumerate(header)))}
    return places[column], places.get(LANGUAGE) if column != LANGUAGE else None


@contextmanager
def _parquet(path: Path, column: str) -> Iterator[Source]:
    if path == STANDARD_INPUT:
        raise DataError("Parquet is not read from standard input; give the file by --file")
    from pyarrow.parquet import ParquetFile

    with open(path, "rb") as handle, ExitStack() as stack:
        with _as_parquet(path):
            # without these two a whole row group, often the whole file, would be in memory
            file = ParquetFile(handle, pre_buffer=False, buffer_size=1 << 20)
            stack.enter_context(file)
        schema = file.schema_arrow
        _, beside = _columns(schema.names, column, path)
        wanted = [column] if beside is None else [column, LANGUAGE]
        for title in wanted:
            _require_text(schema.field(title).type, title, path)
        yield Source(_batches(file, wanted, path), file.metadata.num_rows)


@contextmanager
def _as_parquet(path: Path) -> Iterator[None]:
    """pyarrow's errors in our words; some of a torn file's are plain OSErrors."""
    from pyarrow import ArrowException

    try:
        yield
    except (ArrowException, OSError) as error:
        raise DataError(f"{path} cannot be read as Parquet: {error}") from None


def _require_text(kind: Any, title: str, path: Path) -> None:
    from pyarrow import types

    values = kind.value_type if types.is_dictionary(kind) else kind
    if not (types.is_string(values) or types.is_large_string(values)):
        raise DataError(f"{path}: expected text in column {title!r}, got {kind}")


def _batches(file: Any, columns: list[str], path: Path) -> Iterator[Chunk]:
    count = 0
    batches = file.iter_batches(CHUNK, columns=columns)
    while True:
        with _as_parquet(path):
            batch = next(batches, None)
        if batch is None:
            return
        names, *rest = (
            [text or "" for text in batch.column(title).to_pylist()] for title in columns
        )
        count += len(names)
        yield Chunk(names, rest[0] if rest else None, count)
