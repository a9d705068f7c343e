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
LONGEST = 10_000  # characters of a name in a file; one of more than 1,000 has no answer
RECORD = 10_000_000  # of a row of CSV
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
    lines = Lines(text, path, RECORD if kind == "csv" else LONGEST)
    chunks = _csv(lines, path, column) if kind == "csv" else _lines(lines)
    if not file.seekable():
        return Source(chunks)
    return Source(chunks, os.fstat(file.fileno()).st_size, "B", file.tell)


@dataclass
class Lines:
    """A text's lines, of which no more than `most` characters are taken for one name or row."""

    text: IO[str]
    path: Path
    most: int
    number: int = 0
    taken: int = 0  # since its user last began a name or a row

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> str:
        line = self.text.readline(self.most + 2)
        if not line:
            raise StopIteration
        self.number += 1
        self.taken += len(line)
        if self.taken > self.most + 1:
            raise DataError(
                f"{self.path}, line {self.number}: more than {self.most:,} characters; is this a "
                "file of names?"
            )
        return line


def _lines(lines: Lines) -> Iterator[Chunk]:
    def names() -> Iterator[str]:
        for line in lines:
            lines.taken = 0
            yield line.rstrip("\n")

    every = names()
    while some := list(islice(every, CHUNK)):
        yield Chunk(some)


def _csv(lines: Lines, path: Path, column: str) -> Iterator[Chunk]:
    csv.field_size_limit(RECORD)
    reader = csv.reader(lines, strict=True)
    try:
        header = next(reader, [])
        name, language = _columns(header, column, path)
        cells = _cells(reader, len(header), [name] if language is None else [name, language], lines)
        while some := list(islice(cells, CHUNK)):
            yield Chunk(*map(list, zip(*some, strict=True)))
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: not valid CSV: {error}") from None


def _cells(reader: Any, width: int, columns: list[int], lines: Lines) -> Iterator[list[str]]:
    """These columns of the rows that are not empty; DataError for one of another width."""
    for row in reader:
        lines.taken = 0
        if len(row) == width:
            cells = [row[column] for column in columns]
            refuse_long(cells, lines.path)
            yield cells
        elif row:
            raise DataError(
                f"{lines.path}, line {reader.line_num}: expected {width} cells as in the header, "
                f"got {len(row)}"
            )


def refuse_long(texts: Sequence[str], path: Path) -> None:
    """DataError where one is longer than any name; the answers would hold it several times."""
    if max(map(len, texts), default=0) > LONGEST:
        raise DataError(
            f"{path}: a name or language of more than {LONGEST:,} characters; is this a file of "
            "names?"
        )


def _columns(header: Sequence[str], column: str, path: Path) -> tuple[int, int | None]:
    """The places of the names and of the languages, if there are any."""
    if column not in header:
        known = ", ".join(map("{!r:.50}".format, header[:20])) or "none"
        raise DataError(f"{path} has no column {column!r}; it has {known}; name one by --column")
    for title in (column, LANGUAGE):
        if list(header).count(title) > 1:
            raise DataError(f"{path} has more than one column {title!r}; rename all but one")
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
