"""Answers as a table for people, as JSON lines or as CSV."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import numpy as np

from surnames.core import alphabet
from surnames.core.corpus import LANGUAGES
from surnames.core.errors import DataError
from surnames.prediction.model import Answers, Model
from surnames.prediction.names_in import LANGUAGE, NAME

DECIMALS = 4  # of a probability in CSV


def csv_header(top: int, by_letter: bool) -> list[str]:
    """The columns: `letters` is what had been read of the name, where this is asked for."""
    ranks = [f"{key}_{k}" for k in range(1, top + 1) for key in (LANGUAGE, "probability")]
    return [NAME, "read_as", *(["letters"] if by_letter else []), *ranks, "note"]


def _write_csv(stream: TextIOWrapper, columns: dict[str, Any]) -> None:
    """Rows of CSV, texts in quotes."""
    import pyarrow as pa
    from pyarrow import csv

    stream.flush()
    csv.write_csv(pa.table(columns), stream.buffer, csv.WriteOptions(include_header=False))


def _columns(answers: Answers) -> dict[str, Any]:
    """The answers as columns; empty cells for a name without an answer."""
    import pyarrow as pa

    languages = pa.array(LANGUAGES)
    columns: dict[str, Any] = {NAME: answers.names, "read_as": answers.read_as}
    for k, (best, shares) in enumerate(
        zip(answers.languages.T, answers.probabilities.T, strict=True), 1
    ):
        columns[f"{LANGUAGE}_{k}"] = languages.take(pa.array(best, mask=best < 0))
        columns[f"probability_{k}"] = pa.array(np.round(shares, DECIMALS), from_pandas=True)
    notes = [""] * len(answers.names)
    for row, reading in answers.odd.items():
        notes[row] = reading.note
    return columns | {"note": notes}


def _columns_by_letter(found: dict[str, Any], top: int) -> dict[str, Any]:
    """The answers after each letter of one name as columns; one row where no letter was read."""
    read_as = found["read_as"]
    beliefs = found["by_letter"] or [{"answers": [{LANGUAGE: None, "probability": None}] * top}]
    rows = [
        [found["name"], read_as, read_as[:k]]
        + [
            value if key == LANGUAGE or value is None else round(value, DECIMALS)
            for one in belief["answers"]
            for key, value in one.items()
        ]
        + [found["note"]]
        for k, belief in enumerate(beliefs, 1)
    ]
    return dict(zip(csv_header(top, True), zip(*rows, strict=True), strict=True))


def _line(label: str, width: int, found: dict[str, Any]) -> str:
    """A line of the table for people."""
    answers = (f"{one['language']:<10} {one['probability']:>6.1%}" for one in found["answers"])
    return "  ".join([f"{label:<{width}}", *answers, *filter(None, [found.get("note", "")])])


def _write_table(stream: TextIOWrapper, found: list[dict[str, Any]]) -> None:
    lines: list[tuple[str, dict[str, Any]]] = []
    for one in found:
        lines.append((_label(one), one))
        for k, belief in enumerate(one.get("by_letter", ()), 1):
            lines.append((f"  {one['read_as'][:k]}", belief))
    width = min(max((len(label) for label, _ in lines), default=0), 40)
    stream.writelines(f"{_line(label, width, one)}\n" for label, one in lines)


def _label(found: dict[str, Any]) -> str:
    name = "".join(c if c == " " else alphabet.visible(c) for c in found["name"])
    return name if found["read_as"] in (name, "") else f"{name} (as {found['read_as']})"


@dataclass(frozen=True)
class Writer:
    """Answers as text: `table` for people, `json` (an object a line) or `csv`."""

    stream: TextIOWrapper
    form: str
    top: int
    by_letter: bool

    def start(self) -> None:
        """What stands above the first answer."""
        if self.form == "csv":
            header = csv_header(self.top, self.by_letter)
            self.stream.write(",".join(f'"{column}"' for column in header) + "\n")

    def write(self, model: Model, answers: Answers, many: bool) -> None:
        """One chunk of answers; `many` as for the model."""
        if self.form == "csv" and not self.by_letter:
            _write_csv(self.stream, _columns(answers))
            return
        found = answers.as_dicts()
        if self.by_letter:  # one at a time, for a name of a thousand letters has a thousand starts
            for one in found:
                self._write([model.with_letters(one, self.top, many=many)])
        else:
            self._write(found)

    def _write(self, found: list[dict[str, Any]]) -> None:
        if self.form == "table":
            _write_table(self.stream, found)
        elif self.form == "json":
            for one in found:
                self.stream.write(f"{json.dumps(one, ensure_ascii=False)}\n")
        else:
            for one in found:
                _write_csv(self.stream, _columns_by_letter(one, self.top))


@contextmanager
def written(path: Path) -> Iterator[TextIOWrapper]:
    """A text file that appears whole or not at all; what is no file, such as a pipe, as it is."""
    if path.exists() and not path.is_file():
        if path.is_dir():
            raise DataError(f"{path} is a folder; name a file for the output")
        with open(path, "w", encoding="utf-8", newline="\n") as stream:
            yield stream
        return
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}") from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            yield stream
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
