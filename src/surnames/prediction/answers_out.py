"""Answers as a table for people, as JSON lines or as CSV."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from surnames.core import alphabet, tables
from surnames.core.corpus import LANGUAGES
from surnames.core.errors import InputError
from surnames.prediction.model import Answers, Model
from surnames.prediction.names_in import LANGUAGE, NAME

CELLS = [*LANGUAGES, ""]  # the last one, at -1, is that of no answer
SHARES = [*(f"{k / 10_000:.4f}" for k in range(10_001)), ""]  # the same: by the ten-thousandth
SPECIAL = re.compile('[",\r\n]')  # a cell of CSV that holds one of these stands in quotes


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if SPECIAL.search(cell) else cell


def _csv_lines(answers: Answers) -> Iterator[str]:
    """A line for each name; only one that is not plain may need quotes."""
    names, notes = list(answers.names), answers.notes
    for row in answers.odd:
        names[row], notes[row] = _quoted(names[row]), _quoted(notes[row])
    columns = [names, answers.read_as]
    shares = np.rint(np.nan_to_num(10_000 * answers.probabilities, nan=-1)).astype(int)
    for best, highest in zip(answers.languages.T.tolist(), shares.T.tolist(), strict=True):
        columns.append([CELLS[k] for k in best])
        columns.append([SHARES[k] for k in highest])
    return map(",".join, zip(*columns, [f"{note}\n" for note in notes], strict=True))


def _csv_lines_by_letter(answers: list[dict[str, Any]], top: int) -> Iterator[str]:
    """A line for each letter of each name, and one for a name of which no letter was read."""
    for one in answers:
        for k, belief in enumerate(one["by_letter"] or [{"answers": []}], 1):
            cells = [one["name"], one["read_as"], one["read_as"][:k]]
            for answer in belief["answers"]:
                cells += [answer[LANGUAGE], f"{answer['probability']:.4f}"]
            cells += [""] * (3 + 2 * top - len(cells))
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


LINES = {"table": _table_lines, "json": _json_lines, "csv": _csv_lines_by_letter}


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
            ranks = [f"{key}_{k + 1}" for k in range(self.top) for key in (LANGUAGE, "probability")]
            letters = ["letters"] if self.by_letter else []  # the start of the name so far
            self.stream.write(",".join([NAME, "read_as", *letters, *ranks, "note"]) + "\n")

    def write(self, model: Model, answers: Answers, many: bool) -> None:
        """Write one chunk of answers; `many` as for the model."""
        if self.by_letter:  # one at a time: a name of a thousand letters has a thousand starts
            for one in answers.as_dicts():
                letters = model.with_letters(one, self.top, many=many)
                self.stream.writelines(LINES[self.form]([letters], self.top))
        elif self.form == "csv":
            self.stream.write("".join(_csv_lines(answers)))
        else:
            self.stream.writelines(LINES[self.form](answers.as_dicts(), self.top))


@contextmanager
def written(path: Path) -> Iterator[TextIO]:
    """A text file that appears whole or not at all; a pipe or a device is written into."""
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file for the output")
    special = path.exists() and not path.is_file()
    with ExitStack() as stack:
        try:
            output = path.open("w", encoding="utf-8") if special else tables.replacing(path)
            stream = stack.enter_context(output)
        except OSError as error:
            raise InputError(f"{path} cannot be written: {error.strerror}") from None
        yield stream
