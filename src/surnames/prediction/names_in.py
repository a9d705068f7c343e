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

from surnames.core.errors import InputError

CHUNK = 8192  # names read and scored at once; input of a whole chunk is worth the engine's import
LONGEST = 10_000  # characters of a name in a file; one of more than 1,000 has no answer
RECORD = 10_000_000  # of a row of CSV
TOO_LONG = f"a name or language of more than {LONGEST:,} characters; is this a file of names?"
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
    called `language`. Raises InputError, also later on, for what cannot be read.
    """
    kind = kind or path.suffix.lower().removeprefix(".")
    stdin = path == STANDARD_INPUT
    if kind == "parquet" and stdin:
        raise InputError("Parquet is not read from standard input; give the file by --file")
    try:
        with nullcontext(sys.stdin.buffer) if stdin else open(path, "rb") as file:
            yield (_parquet if kind == "parquet" else _text)(file, path, column, kind)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is not UTF-8 (byte {error.object[error.start]:#04x}); save it as UTF-8, for "
            "instance by `iconv -f LATIN1 -t UTF-8`"
        ) from None
    except OSError as error:
        if error.filename != str(path):
            raise
        raise InputError(f"{path} cannot be read: {error.strerror}") from None


def _text(file: IO[bytes], path: Path, column: str, kind: str) -> Source:
    """The names of a text file, by bytes where its size is known."""
    text = io.TextIOWrapper(file, "utf-8-sig", newline="" if kind == "csv" else None)
    chunks = _csv(text, path, column) if kind == "csv" else _lines(text, path)
    if not file.seekable():
        return Source(chunks)
    return Source(chunks, os.fstat(file.fileno()).st_size, "B", file.tell)


def _lines(text: IO[str], path: Path) -> Iterator[Chunk]:
    lines = _bounded(text, path, LONGEST)
    while some := list(islice(lines, CHUNK)):
        yield Chunk([line.rstrip("\n") for line in some])


def _bounded(text: IO[str], path: Path, most: int, rows: Sequence[Any] = ()) -> Iterator[str]:
    """The lines; InputError above `most` characters while `rows`, if given, stay as many."""
    number, taken, row = 0, 0, 0
    while line := text.readline(most + 2):
        number += 1
        taken = taken + len(line) if rows and rows[0] == row else len(line)
        row = rows[0] if rows else 0
        if taken > most + 1:
            raise InputError(
                f"{path}, line {number}: more than {most:,} characters; is this a file of names?"
            )
        yield line


def _csv(text: IO[str], path: Path, column: str) -> Iterator[Chunk]:
    csv.field_size_limit(RECORD)
    rows = [0]  # read so far
    reader = csv.reader(_bounded(text, path, RECORD, rows), strict=True)
    try:
        header = next(reader, [])
        name, language = _columns(header, column, path)
        cells = _cells(reader, len(header), (name, name if language is None else language), rows)
        while some := list(islice(cells, CHUNK)):
            names, languages = map(list, zip(*some, strict=True))
            yield Chunk(names, None if language is None else languages)
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: not valid CSV: {error}") from None
    except Width as error:
        raise InputError(f"{path}, line {reader.line_num}: {error}") from None


class Width(ValueError):
    """A row or a cell is not as wide as it must be."""


def _cells(
    reader: Iterator[list[str]], width: int, columns: tuple[int, int], rows: list[int]
) -> Iterator[tuple[str, str]]:
    """These columns of each row that is not empty; counts the rows. Raises Width."""
    first, second = columns
    for row in reader:
        rows[0] += 1
        if len(row) == width:
            cells = row[first], row[second]
            if len(cells[0]) > LONGEST or len(cells[1]) > LONGEST:
                raise Width(TOO_LONG)
            yield cells
        elif row:
            raise Width(f"expected {width} cells as in the header, got {len(row)}")


def _columns(header: Sequence[str], column: str, path: Path) -> tuple[int, int | None]:
    """The places of the names and of the languages, if there are any."""
    if column not in header:
        known = ", ".join(map("{!r:.50}".format, header[:20])) or "none"
        raise InputError(f"{path} has no column {column!r}; it has {known}; name one by --column")
    for title in (column, LANGUAGE):
        if list(header).count(title) > 1:
            raise InputError(f"{path} has more than one column {title!r}; rename all but one")
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
            raise InputError(f"{path}: expected text in column {title!r}, got {text}")
    with _parquet_errors(path):  # a text that stands there once for a million rows stays one
        table = ParquetFile(file, pre_buffer=False, buffer_size=1 << 20, read_dictionary=titles)
    return Source(_batches(table, titles, path), table.metadata.num_rows)


def _batches(table: Any, titles: list[str], path: Path) -> Iterator[Chunk]:
    """The names, and the languages if they are the second of the columns; empty if missing."""
    from pyarrow import compute as pc

    batches = table.iter_batches(CHUNK, columns=titles)
    while True:
        with _parquet_errors(path):
            batch = next(batches, None)
        if batch is None:
            return
        columns = [batch.column(title) for title in titles]
        for column in columns:
            if (pc.max(pc.binary_length(column.dictionary)).as_py() or 0) > LONGEST:
                raise InputError(f"{path}: {TOO_LONG}")
        texts = [column.dictionary_decode().to_pylist() for column in columns]
        yield Chunk(*([text or "" for text in column] for column in texts))


@contextmanager
def _parquet_errors(path: Path) -> Iterator[None]:
    """pyarrow's errors as InputError; some of a damaged file's are plain OSErrors."""
    from pyarrow import ArrowException

    try:
        yield
    except (ArrowException, OSError) as error:
        raise InputError(f"{path} cannot be read as Parquet: {error}") from None
