"""Names from arguments, files and standard input, by the chunk: constant memory for any number."""

import csv
import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple

from surnames.core.errors import DataError

CHUNK = 8192  # names read and scored at once; input of a whole chunk is worth the engine's import
STANDARD_INPUT = Path("-")
NAME, LANGUAGE = "name", "language"  # columns


class Chunk(NamedTuple):
    """Some names, and their languages where these are known."""

    names: list[str]
    languages: list[str] | None = None


@dataclass(frozen=True)
class Source:
    """Where names come from: how many of a unit, and how many it has given, if not of names."""

    chunks: Iterator[Chunk]
    size: int | None = None
    unit: str = "names"
    place: Callable[[], int] | None = None


def given(names: Sequence[str]) -> Source:
    """Names from the command line."""
    return Source(iter([Chunk(list(names))]), len(names))


@contextmanager
def opened(path: Path, column: str = NAME, kind: str | None = None) -> Iterator[Source]:
    """A file's names, or those on standard input ("-"), one a line: while the context is open.

    `.csv` and `.parquet` files (or another one, by `kind`) have a column of names, and may have one
    called `language`. Raises DataError, also later on, for what cannot be read.
    """
    kind = kind or path.suffix.lower().removeprefix(".")
    stdin = path == STANDARD_INPUT
    if kind == "parquet" and stdin:
        raise DataError("Parquet is not read from standard input; give the file by --file")
    try:
        with nullcontext(sys.stdin.buffer) if stdin else open(path, "rb") as file:
            yield (_parquet if kind == "parquet" else _text)(file, path, column, kind)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not UTF-8 (byte {error.object[error.start]:#04x}); save it as UTF-8, for "
            "instance by `iconv -f LATIN1 -t UTF-8`"
        ) from None
    except OSError as error:
        if error.filename != str(path):
            raise
        raise DataError(f"{path} cannot be read: {error.strerror}") from None


def _text(file: IO[bytes], path: Path, column: str, kind: str) -> Source:
    """The names of a text file, by bytes where its size is known."""
    text = io.TextIOWrapper(file, "utf-8-sig", newline="" if kind == "csv" else None)
    chunks = _csv(text, path, column) if kind == "csv" else _lines(text)
    if not file.seekable():
        return Source(chunks)
    return Source(chunks, os.fstat(file.fileno()).st_size, "B", file.tell)


def _lines(text: Iterator[str]) -> Iterator[Chunk]:
    while lines := list(islice(text, CHUNK)):
        yield Chunk([line.rstrip("\n") for line in lines])


def _csv(text: Iterator[str], path: Path, column: str) -> Iterator[Chunk]:
    reader = csv.reader(text, strict=True)
    try:
        header = next(reader, [])
        name, language = _columns(header, column, path)
        rows = _checked(reader, len(header), path)
        while some := list(islice(rows, CHUNK)):
            languages = None if language is None else [row[language] for row in some]
            yield Chunk([row[name] for row in some], languages)
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: not valid CSV: {error}") from None


def _checked(reader: Any, width: int, path: Path) -> Iterator[list[str]]:
    """The rows without empty lines; DataError for one that is not as wide as the header."""
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
    languages = header.index(LANGUAGE) if LANGUAGE in header and column != LANGUAGE else None
    return header.index(column), languages


def _parquet(file: IO[bytes], path: Path, column: str, kind: str) -> Source:
    """The names of a Parquet file."""
    from pyarrow import types
    from pyarrow.parquet import ParquetFile

    with _parquet_errors(path):
        # without these two a whole row group, often the whole file, would be in memory
        table = ParquetFile(file, pre_buffer=False, buffer_size=1 << 20)
    schema = table.schema_arrow
    _, language = _columns(schema.names, column, path)
    titles = [column] if language is None else [column, LANGUAGE]
    for title in titles:
        text = schema.field(title).type
        values = text.value_type if types.is_dictionary(text) else text
        if not (types.is_string(values) or types.is_large_string(values)):
            raise DataError(f"{path}: expected text in column {title!r}, got {text}")
    return Source(_batches(table, titles, path), table.metadata.num_rows)


def _batches(table: Any, titles: list[str], path: Path) -> Iterator[Chunk]:
    """The names, and the languages if they are the second of the columns; empty if missing."""
    batches = table.iter_batches(CHUNK, columns=titles)
    while True:
        with _parquet_errors(path):
            batch = next(batches, None)
        if batch is None:
            return
        columns = [[text or "" for text in batch.column(title).to_pylist()] for title in titles]
        yield Chunk(*columns)


@contextmanager
def _parquet_errors(path: Path) -> Iterator[None]:
    """pyarrow's errors as DataError; some of a damaged file's are plain OSErrors."""
    from pyarrow import ArrowException

    try:
        yield
    except (ArrowException, OSError) as error:
        raise DataError(f"{path} cannot be read as Parquet: {error}") from None
