"""Answers as a table, as JSON and as CSV: complete, and read back as they were meant."""

import csv
import io
import json
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.predict_command import predict
from support.projects import Project
from support.strategies import ANYTHING
from support.untrained import SMALL

from surnames.core.corpus import LANGUAGES
from surnames.prediction import command, names_in
from surnames.prediction.answers_out import Writer
from surnames.prediction.choose import load

TEXT = ANYTHING.filter(lambda name: not any("\ud800" <= c <= "\udfff" for c in name))


def written(names: list[str], form: str, top: int, *, by_letter: bool = False) -> str:
    """What the command writes for these names."""
    text = io.StringIO(newline="")
    writer = Writer(text, form, top, by_letter)
    command.answer(SMALL, names_in.given(names), writer, lambda place: None)
    return text.getvalue()


def test_a_name_as_json(finished: Project, inside: Path) -> None:
    """An object a line, the same as from Python; remarks do not mix with it."""
    printed, remarks = predict(finished, "Satoshi", "李", "--format", "json", "--by-letter")
    answers = [json.loads(line) for line in printed.splitlines()]
    assert answers == load("fixed").answers(["Satoshi", "李"], by_letter=True)
    assert list(answers[0]) == ["name", "read_as", "answers", "note", "by_letter"]
    assert len(answers[0]["answers"]) == 3
    assert len(remarks.splitlines()) == 2  # what was left out, and the stand-in corpus


def test_a_name_for_people() -> None:
    """A line each, with its note; nothing that commands a terminal."""
    gross, li, odd = written(["Groß", "李", "a\x1b[1m"], "table", 3).splitlines()
    assert gross.startswith("Groß (as Gross)")
    assert gross.count("%") == 3
    assert li.endswith("no letter of this name is in the alphabet")
    assert "\x1b" not in odd
    printed = written(["Kim"], "table", 18, by_letter=True)
    assert [line.split()[0] for line in printed.splitlines()] == ["Kim", "K", "Ki", "Kim"]
    assert printed.count("%") == 4 * 18


@given(st.lists(TEXT))
def test_csv_is_read_back_as_it_was_meant(names: list[str]) -> None:
    """Whatever is in a name: most lines are joined without looking for what needs quotes."""
    rows = list(csv.DictReader(io.StringIO(written(names, "csv", 2), newline=""), strict=True))
    for row, one in zip(rows, SMALL.answers(names, top=2), strict=True):
        for key in ("name", "read_as", "note"):
            assert row[key] == one[key]
        for k, best in enumerate(one["answers"], 1):
            assert row[f"language_{k}"] == best["language"]
            assert float(row[f"probability_{k}"]) == pytest.approx(best["probability"], abs=1e-4)
        if not one["answers"]:
            assert {row["language_1"], row["probability_1"]} == {""}


@given(st.lists(TEXT))
def test_csv_by_letter_is_read_back_as_it_was_meant(names: list[str]) -> None:
    """A row for each letter with the name so far, and one for a name that has none."""
    text = io.StringIO(written(names, "csv", 1, by_letter=True), newline="")
    rows = list(csv.DictReader(text, strict=True))
    expected = [
        (one["name"], one["read_as"], one["read_as"][:k], one["note"])
        for one in SMALL.answers(names, top=1)
        for k in range(1, max(1, len(one["read_as"])) + 1)
    ]
    assert [(row["name"], row["read_as"], row["letters"], row["note"]) for row in rows] == expected


def test_plain_names_have_no_quotes() -> None:
    """So that `cut -d,` and the like do for most files; shares have four decimals."""
    header, kim, li = written(["Kim", "Li, 李"], "csv", 1).splitlines()
    assert header == "name,read_as,language_1,probability_1,note"
    name, read_as, language, share, note = kim.split(",")
    assert (name, read_as, note) == ("Kim", "Kim", "")
    assert language in LANGUAGES
    assert len(share) == len("0.1234")
    assert li.startswith('"Li, 李",Li,')
    assert li.endswith(',"left out: ,, 李"')


def test_an_output_that_is_no_file_is_written_into(finished: Project, tmp_path: Path) -> None:
    """A pipe, or /dev/null, is not replaced by a file."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    predict(finished, "Satoshi", "--output", str(pipe))
    reader.join(10)
    assert read[0].startswith("Satoshi")
    assert pipe.is_fifo()
