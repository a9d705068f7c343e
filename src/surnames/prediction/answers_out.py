"""Answers as a table for people, as JSON lines or as CSV."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from surnames.core import alphabet, tables
from surnames.core.corpus import LANGUAGES
from surnames.core.errors import DataError
from surnames.prediction.model import Answers, Model
from surnames.prediction.names_in import LANGUAGE, NAME

DECIMALS = 4  # of a probability in CSV
SHARES = [f"{k / 10**DECIMALS:.{DECIMALS}f}" for k in range(10**DECIMALS + 1)] + [""]


def csv_header(top: int, by_letter: bool) -> list[str]:
    """The columns: `letters` is the start of the name so far, where this is asked for."""
    ranks = [f"{key}_{k}" for k in range(1, top + 1) for key in (LANGUAGE, "probability")]
    return [NAME, "read_as", *(["letters"] if by_letter else []), *ranks, "note"]


def _csv_lines(answers: Answers) -> Iterator[str]:
    """A line for each name: joined, not by csv.writer, because a plain name needs no quotes."""
    names, ends = list(answers.names), ["\n"] * len(answers.names)
    for row, reading in answers.odd.items():
        names[row], ends[row] = _quoted(names[row]), f"{_quoted(reading.note)}\n"
    columns = [names, answers.read_as]
    whole = np.nan_to_num(answers.probabilities * 10**DECIMALS, nan=len(SHARES) - 1)
    for best, shares in zip(answers.languages.T, np.rint(whole).astype(int).T, strict=True):
        columns.append([LANGUAGES[k] if k >= 0 else "" for k in best.tolist()])
        columns.append([SHARES[k] for k in shares.tolist()])
    return map(",".join, zip(*columns, ends, strict=True))


def _quoted(text: str) -> str:
    """A cell of CSV, in quotes where it needs them; csv.writer looks for its own line's end."""
    cell = io.StringIO(newline="")
    csv.writer(cell, lineterminator="\r\n").writerow([text, ""])
    return cell.getvalue().removesuffix(",\r\n")


def _csv_lines_by_letter(answers: list[dict[str, Any]], top: int) -> Iterator[str]:
    """A line for each letter of each name, and one for a name of which no letter was read."""
    for one in answers:
        beliefs = one["by_letter"] or [{"answers": [{LANGUAGE: "", "probability": np.nan}] * top}]
        for k, belief in enumerate(beliefs, 1):
            cells = [one["name"], one["read_as"], one["read_as"][:k]]
            for answer in belief["answers"]:
                share = f"{answer['probability']:.{DECIMALS}f}"
                cells += [answer[LANGUAGE], share if answer[LANGUAGE] else ""]
            yield ",".join(map(_quoted, [*cells, one["note"]])) + "\n"


def _json_lines(answers: list[dict[str, Any]], top: int) -> Iterator[str]:
    """An object for each name."""
    return (f"{json.dumps(one, ensure_ascii=False)}\n" for one in answers)


def _table_lines(answers: list[dict[str, Any]], top: int) -> Iterator[str]:
    """A line for each name, and one for each of its letters; the labels are equally wide."""
    rows: list[tuple[str, dict[str, Any]]] = []
    for one in answers:
        rows.append((_label(one), one))
        for k, belief in enumerate(one.get("by_letter", ()), 1):
            rows.append((f"  {one['read_as'][:k]}", belief))
    width = min(max((len(label) for label, _ in rows), default=0), 40)
    for label, row in rows:
        cells = [f"{one['language']:<10} {one['probability']:>6.1%}" for one in row["answers"]]
        note = [row["note"]] if row.get("note") else []
        yield "  ".join([f"{label:<{width}}", *cells, *note]) + "\n"


def _label(answer: dict[str, Any]) -> str:
    name = "".join(c if c == " " else alphabet.visible(c) for c in answer["name"])
    return name if answer["read_as"] in (name, "") else f"{name} (as {answer['read_as']})"


LINES: dict[str, Callable[[list[dict[str, Any]], int], Iterator[str]]] = {
    "table": _table_lines,
    "json": _json_lines,
    "csv": _csv_lines_by_letter,
}


@dataclass(frozen=True)
class Writer:
    """Answers as text: `table` for people, `json` (an object a line) or `csv`."""

    stream: TextIO
    form: str
    top: int
    by_letter: bool

    def start(self) -> None:
        """Write what stands above the first answer."""
        if self.form == "csv":
            self.stream.write(",".join(csv_header(self.top, self.by_letter)) + "\n")

    def write(self, model: Model, answers: Answers, many: bool) -> None:
        """Write one chunk of answers; `many` as for the model."""
        if self.form == "csv" and not self.by_letter:
            self.stream.write("".join(_csv_lines(answers)))
        elif self.by_letter:  # one at a time: a name of a thousand letters has a thousand starts
            for one in answers.as_dicts():
                letters = model.with_letters(one, self.top, many=many)
                self.stream.writelines(LINES[self.form]([letters], self.top))
        else:
            self.stream.writelines(LINES[self.form](answers.as_dicts(), self.top))


@contextmanager
def written(path: Path) -> Iterator[TextIO]:
    """A text file that appears whole or not at all; a pipe or a device is written into."""
    if path.is_dir():
        raise DataError(f"{path} is a folder; name a file for the output")
    special = path.exists() and not path.is_file()
    with ExitStack() as stack:
        try:
            output = path.open("w", encoding="utf-8") if special else tables.replacing(path)
            stream = stack.enter_context(output)
        except OSError as error:
            raise DataError(f"{path} cannot be written: {error.strerror}") from None
        yield stream
