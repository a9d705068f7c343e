"""Whole files, written at once or not at all: text, folders, JSON, and tables as CSV.

Floats are written with six significant digits: beyond them `exp` and `log` of NumPy differ between
processors.
"""

import csv
import glob
import io
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, TextIO

import psutil

from surnames.core.errors import DataError

Row = dict[str, Any]  # a cell for each column
JSON_BYTES = 10_000_000  # the most that is read; ours are a thousandth of it
DAMAGE = (ValueError, LookupError, TypeError, AttributeError, RecursionError, csv.Error)


def rounded(value: Any) -> Any:
    """Floats to six significant digits, those not finite to None, inside lists and dicts too."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    value = value.item() if hasattr(value, "item") else value  # one of NumPy's numbers
    if isinstance(value, bool | int | str) or value is None:
        return value
    number = float(value)
    return float(f"{number:.6g}") if number - number == 0 else None


def _beside(path: Path) -> dict[str, Any]:
    """Where to put a temporary file or folder; removes those of processes that are gone."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        if not psutil.pid_exists(int(left.name.split(".")[-3])):
            shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
    return {"dir": path.parent, "prefix": f".{path.name}.{os.getpid()}.", "suffix": ".tmp"}


@contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    """A text file to write, which takes the place of `path` at the end, or never."""
    handle, temporary = tempfile.mkstemp(**_beside(path))
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            yield stream
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException as error:
        os.unlink(temporary)
        if isinstance(error, OSError) and not error.filename:
            error.filename = str(path)  # a full disk does not say which file it had no room for
        raise


def replace_text(path: Path, text: str) -> None:
    """Write a whole text file or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as stream:
        stream.write(text)


def replace_bytes(path: Path, content: bytes) -> None:
    """Write a whole binary file or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as stream:
        stream.buffer.write(content)


def replace_folder(path: Path, fill: Callable[[Path], None]) -> None:
    """Let `fill` write a new folder, then put it in the place of the old one; all or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(**_beside(path)))
    fresh, old = work / "fresh", work / "old"
    try:
        fresh.mkdir()
        fill(fresh)
        if path.exists():
            path.rename(old)
        fresh.rename(path)
    finally:
        if old.exists() and not path.exists():  # interrupted between the two
            old.rename(path)
        shutil.rmtree(work, ignore_errors=True)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Let what a damaged file causes end as a DataError that names the file and what mends it."""
    try:
        yield
    except DataError as error:  # of what stands in it
        raise DataError(f"{path}: {error}") from None
    except DAMAGE as error:
        what = f"no {error}" if isinstance(error, KeyError) else str(error) or type(error).__name__
        raise DataError(f"{path} is damaged ({what:.200}); `make repro` makes it again") from None


def write_json(value: Any, path: Path) -> None:
    """A JSON file, rounded, keys as given."""
    replace_text(path, json.dumps(rounded(value), indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """A JSON file's value; DataError for one that is damaged, or larger than any of ours."""
    with open(path, encoding="utf-8") as stream, reading(path):
        text = stream.read(JSON_BYTES + 1)
        if len(text) > JSON_BYTES:
            raise ValueError(f"more than {JSON_BYTES:,} characters")
        return json.loads(text)


def write_rows(rows: Iterable[Row], path: Path, columns: Sequence[str] = ()) -> None:
    """A CSV file of dicts with the same keys; `columns` is its header where there is no row."""
    every = list(rows)
    write_table(list(every[0]) if every else columns, (list(row.values()) for row in every), path)


def write_table(header: Sequence[str], rows: Iterable[Sequence[Any]], path: Path) -> None:
    """A CSV file, floats rounded; None and not-a-number become empty cells."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([rounded(cell) for cell in row])
    replace_text(path, stream.getvalue())


class Cells(dict[str, str]):
    """A row that was read, by column name; DataError for a column that the file does not have."""

    __slots__ = ("path",)

    def __init__(self, cells: Iterable[tuple[str, str]], path: Path) -> None:
        super().__init__(cells)
        self.path = path

    def __missing__(self, column: str) -> NoReturn:
        with reading(self.path):
            raise ValueError(f"no column {column!r}")


def read_table(path: Path) -> list[dict[str, str]]:
    """A CSV file's rows by column name; DataError where one is not as wide as the header."""
    with open(path, encoding="utf-8", newline="") as stream, reading(path):
        reader = csv.reader(stream, strict=True)
        header = next(reader, None)
        if header is None or not all(map(str.isprintable, header)):
            raise ValueError("it has no header")
        rows = list(reader)
        if wrong := next((k for k, row in enumerate(rows, 2) if len(row) != len(header)), 0):
            raise ValueError(f"row {wrong} is not as wide as the header")
        return [Cells(zip(header, row, strict=True), path) for row in rows]
