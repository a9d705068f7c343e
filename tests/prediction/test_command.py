"""`surnames predict`, as a user calls it."""

import csv
import io
import json
import os
import pty
import random
import string
import subprocess
import sys
import termios
import threading
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.projects import ROOT, Project
from support.strategies import NAMELIKE
from support.untrained import SMALL

from surnames.core import alphabet, files
from surnames.core.corpus import LANGUAGES
from surnames.data.names import starter_names
from surnames.prediction import command, names_in
from surnames.prediction.answers_out import Writer
from surnames.prediction.choose import load
from surnames.prediction.names_in import CHUNK
from surnames.prediction.tally import Tally

LATIN = st.text(alphabet.LETTERS)
ANYTHING = st.text(st.characters()) | NAMELIKE | LATIN


def predict(finished: Project, *words: str, given: str = "", cwd: str = ".") -> tuple[str, str]:
    """What `surnames predict` writes to standard output, and what to standard error."""
    done = run(finished, *words, given=given.encode(), cwd=cwd)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode(), done.stderr.decode()


def run(
    finished: Project, *words: str, given: bytes = b"", cwd: str = "."
) -> "subprocess.CompletedProcess[bytes]":
    """The command in the finished study, both streams apart."""
    return subprocess.run(
        [sys.executable, "-c", "from surnames.cli import main; main()", "predict", *words],
        cwd=finished.folder / cwd,
        env=os.environ | finished.code | {"LC_ALL": "C", "COLUMNS": "100"},
        input=given,
        capture_output=True,
        check=False,
    )


def test_one_name_from_a_cold_start(finished: Project) -> None:
    """Nothing heavy is imported, which would take seconds."""
    heavy = (
        "torch",
        "mlflow",
        "sklearn",
        "pandas",
        "numba",
        "scipy",
        "pyarrow",
        "pydantic",
        "yaml",
    )
    code = (
        "import sys; from surnames.cli import main;"
        "main(['predict', 'Satoshi', '--by-letter'], standalone_mode=False);"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=finished.folder,
        env=os.environ | finished.code,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_name_as_json(finished: Project, inside: Path) -> None:
    """An object a line, the same as from Python; remarks do not mix with it."""
    said, remarks = predict(finished, "Satoshi", "李", "--format", "json", "--by-letter")
    found = [json.loads(line) for line in said.splitlines()]
    assert found == load("fixed").answers(["Satoshi", "李"], by_letter=True)
    assert list(found[0]) == ["name", "read_as", "answers", "note", "by_letter"]
    assert len(found[0]["answers"]) == 3
    assert len(remarks.splitlines()) == 2  # what was left out, and the stand-in corpus


def test_a_name_for_people(finished: Project) -> None:
    """A line each, with what is to be said of it; nothing that commands a terminal."""
    said, _ = predict(finished, "Groß", "李", "a\x1b[1m")
    gross, li, odd = said.splitlines()
    assert gross.startswith("Groß (as Gross)")
    assert gross.count("%") == 3
    assert li.endswith("no letter of this name is in the alphabet")
    assert "\x1b" not in odd
    said, _ = predict(finished, "Kim", "--by-letter", "--top", "18")
    assert [line.split()[0] for line in said.splitlines()] == ["Kim", "K", "Ki", "Kim"]
    assert said.count("%") == 4 * 18


@given(st.lists(ANYTHING.filter(lambda name: not any("\ud800" <= c <= "\udfff" for c in name))))
def test_csv_is_read_back_as_it_was_meant(names: list[str]) -> None:
    """Whatever is in a name."""
    text = io.TextIOWrapper(io.BytesIO(), "utf-8", newline="")
    writer = Writer(text, "csv", 2, False)
    command.answer(SMALL, names_in.given(names), writer, lambda place: None)
    text.seek(0)
    rows = list(csv.DictReader(text, strict=True))
    for row, one in zip(rows, SMALL.answers(names, top=2), strict=True):
        for key in ("name", "read_as", "note"):
            assert row[key] == one[key]
        for k, best in enumerate(one["answers"], 1):
            assert row[f"language_{k}"] == best["language"]
            assert float(row[f"probability_{k}"]) == pytest.approx(best["probability"], abs=1e-4)
        if not one["answers"]:
            assert {row["language_1"], row["probability_1"]} == {""}


def test_csv_by_letter_has_a_row_for_each_letter(finished: Project) -> None:
    """And one for a name that has none."""
    said, _ = predict(finished, "Kim", "李", "--format", "csv", "--by-letter", "--top", "1")
    rows = list(csv.DictReader(io.StringIO(said)))
    assert [row["letters"] for row in rows] == ["K", "Ki", "Kim", ""]
    assert [bool(row["language_1"]) for row in rows] == [True, True, True, False]


def test_all_ways_in_give_the_same(finished: Project, tmp_path: Path) -> None:
    """Arguments, lines, CSV, Parquet, standard input; an answer for each name, in order."""
    names = ["Satoshi", "Ślusàrski", "Kim, the second", "", "O'Neal", 'say "A"']
    (tmp_path / "a.txt").write_text("\n".join(names), encoding="utf-8-sig")
    with open(tmp_path / "a.csv", "w", newline="") as file:
        csv.writer(file).writerows([["id", "name"], *([str(k), n] for k, n in enumerate(names))])
    table = pa.table({"id": range(6), "name": [name or None for name in names]})
    pa.parquet.write_table(table, tmp_path / "a.parquet")
    expected, _ = predict(finished, *names, "--format", "csv")
    assert len(expected.splitlines()) == 7
    for ending in ("txt", "csv", "parquet"):
        path = str(tmp_path / f"a.{ending}")
        assert predict(finished, "--file", path, "--format", "csv")[0] == expected
    lines = "\r\n".join(names)
    assert predict(finished, "--format", "csv", given=lines)[0] == expected
    table = (tmp_path / "a.csv").read_text()
    said, _ = predict(finished, "--file", "-", "--kind", "csv", "--format", "csv", given=table)
    assert said == expected


def test_paths_are_where_the_user_stands(finished: Project, tmp_path: Path) -> None:
    """The command itself works in the project's folder."""
    folder = finished.folder / "docs"
    (tmp_path / "names.txt").write_text("Satoshi\n")
    near = os.path.relpath(tmp_path, folder)
    words = ("--file", f"{near}/names.txt", "--output", f"{near}/said.csv", "--format", "csv")
    assert (
        predict(finished, *words, "--model", "../results/runs/held_out/fixed", cwd="docs")[0] == ""
    )
    assert (tmp_path / "said.csv").read_text().splitlines()[1].startswith('"Satoshi","Satoshi",')


def test_one_warning_counts_what_was_left_out(finished: Project) -> None:
    """However many names it was left out of."""
    _, remarks = predict(finished, given="Li李\n李\nKim1李\nGroß\n")
    [warning] = [line for line in remarks.splitlines() if "stand-in" not in line]
    assert warning == (
        "warning: characters that are not in the alphabet were left out of 3 of 4 names: "
        "李 (3), 1 (1); no answer for 1 of 4 names"
    )
    _, remarks = predict(finished, "Groß", "Ślusàrski")
    assert "alphabet" not in remarks


def test_the_starter_corpus_is_said(finished: Project) -> None:
    """An answer learned from made-up names does not pass for one."""
    assert "stand-in corpus" in predict(finished, "Satoshi")[1]


def test_known_languages_are_scored(finished: Project, inside: Path, tmp_path: Path) -> None:
    """Accuracy and macro recall are those of scoring; other languages are counted apart."""
    from surnames.evaluation import scoring

    known = starter_names(inside / files.STARTER)
    rows = [[name, LANGUAGES[k]] for name, k in zip(known.names, known.languages, strict=True)]
    rows += [["Quux", "Klingon"], ["Worf", "Klingon"], ["Spock", ""]]
    with open(tmp_path / "names.csv", "w", newline="") as file:
        csv.writer(file).writerows([["name", "language"], *rows])
    model = load("fixed")
    probabilities = model.probabilities(known.names)
    expected = scoring.metrics(scoring.predict(probabilities, known.languages))
    _, remarks = predict(finished, "--file", str(tmp_path / "names.csv"))
    assert f"accuracy {expected['accuracy']:.1%}, macro recall {expected['macro_recall']:.1%}" in (
        remarks
    )
    assert f"over {len(known.names):,} names of 18 languages" in remarks
    assert "not scored: 3 names of unknown languages ('', 'Klingon')" in remarks


def test_a_name_without_an_answer_is_wrong() -> None:
    """It does not raise the accuracy by being left out."""
    tally = Tally()
    tally.add(SMALL.ask(["李", "123"], 1), ["Chinese", "Arabic"])
    assert "accuracy 0.0%" in tally.scores()
    assert "over 2 names of 2 languages" in tally.scores()


# Mistakes


def wrong_files(folder: Path) -> dict[str, tuple[str, str]]:
    """By what is wrong: the file and what must be said of it."""
    texts = {
        "ragged.csv": b"name,language\nSatoshi,Japanese\nKim\n",
        "quote.csv": b'name\n"Satoshi\n',
        "column.csv": b"surname,language\nSatoshi,Japanese\n",
        "empty.csv": b"",
        "latin.csv": "name\nMüller\n".encode("latin-1"),
        "latin.txt": "Satoshi\nMüller\n".encode("latin-1"),
        "text.parquet": b"name\nSatoshi\n",
    }
    for name, content in texts.items():
        (folder / name).write_bytes(content)
    pa.parquet.write_table(pa.table({"surname": ["Kim"]}), folder / "column.parquet")
    pa.parquet.write_table(pa.table({"name": [7]}), folder / "numbers.parquet")
    whole = folder / "whole.parquet"
    pa.parquet.write_table(pa.table({"name": ["Kim"] * 10000}), whole)
    torn = bytearray(whole.read_bytes())
    torn[4:60] = b"\xff" * 56
    (folder / "torn.parquet").write_bytes(torn)
    return {
        "ragged.csv": ("ragged.csv", "line 3: expected 2 cells as in the header, got 1"),
        "quote.csv": ("quote.csv", "no CSV: unexpected end of data"),
        "column.csv": ("column.csv", "no column 'name'; it has 'surname', 'language'"),
        "empty.csv": ("empty.csv", "no column 'name'; it has none"),
        "latin.csv": ("latin.csv", "is not UTF-8 (byte 0xfc); save it as UTF-8"),
        "latin.txt": ("latin.txt", "is not UTF-8 (byte 0xfc); save it as UTF-8"),
        "text.parquet": ("text.parquet", "cannot be read as Parquet"),
        "torn.parquet": ("torn.parquet", "cannot be read as Parquet"),
        "column.parquet": ("column.parquet", "no column 'name'; it has 'surname'"),
        "numbers.parquet": ("numbers.parquet", "expected text in column 'name', got int64"),
        "missing.csv": ("missing.csv", "cannot be read: No such file"),
        "missing.parquet": ("missing.parquet", "cannot be read: No such file"),
        "a folder": (".", "cannot be read: Is a directory"),
    }


@pytest.mark.slow
def test_wrong_files_are_clear_errors(finished: Project, tmp_path: Path) -> None:
    """Exit status 1 and what to do; no traceback, and no half of an output."""
    for name, words in wrong_files(tmp_path).values():
        output = tmp_path / "said.csv"
        done = run(finished, "--file", str(tmp_path / name), "--output", str(output))
        said = done.stderr.decode()
        assert done.returncode == 1, name
        assert words in said, name
        assert "Traceback" not in said
        assert not output.exists()
    assert not list(tmp_path.glob(".said*"))


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("Kim", "--file", "x"), 2, "mutually exclusive"),
        (("Kim", "--top", "0"), 2, "not in the range"),
        (("Kim", "--output", "/nowhere/x"), 1, "/nowhere/x cannot be written"),
        (("Kim", "--output", "."), 1, "is a folder"),
        (("Kim", "--model", "fixd"), 1, "no model 'fixd'"),
        (("--file", "-", "--kind", "parquet"), 1, "give the file by --file"),
        ((b"\xff",), 1, "is not UTF-8"),
    ],
)
def test_wrong_words_are_clear_errors(
    finished: Project, words: tuple[Any, ...], status: int, said: str
) -> None:
    """The same for what stands on the command line."""
    done = run(finished, *words)
    assert done.returncode == status
    assert said in done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_an_output_that_is_no_file_is_written_into(finished: Project, tmp_path: Path) -> None:
    """Putting a file in the place of a pipe, or of /dev/null, would be no service."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    predict(finished, "Satoshi", "--output", str(pipe))
    reader.join(10)
    assert read[0].startswith("Satoshi")
    assert pipe.is_fifo()


# A million names


def many(folder: Path, count: int) -> tuple[Path, Path]:
    """Distinct made-up names with a language each, as CSV and as Parquet."""
    chance = random.Random(1)
    names = [
        "".join(chance.choices(string.ascii_lowercase, k=chance.randint(4, 9))).title()
        for _ in range(count)
    ]
    languages = chance.choices(LANGUAGES, k=count)
    as_csv, as_parquet = folder / f"{count}.csv", folder / f"{count}.parquet"
    with open(as_csv, "w", newline="") as file:
        csv.writer(file).writerows([("name", "language"), *zip(names, languages, strict=True)])
    pa.parquet.write_table(pa.table({"name": names, "language": languages}), as_parquet)
    return as_csv, as_parquet


def spent(finished: Project, path: Path, output: Path) -> tuple[float, float]:
    """Seconds of the processor and megabytes at the peak of answering a file."""
    code = "from surnames.cli import main; main()"
    words = ["predict", "--file", str(path), "--format", "csv", "--output", str(output)]
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, "-c", f"import os; os.chdir({str(finished.folder)!r}); {code}", *words],
        os.environ | finished.code,
    )
    _, status, usage = os.wait4(pid, 0)
    assert status == 0
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


@pytest.mark.slow
def test_a_million_names_take_no_more_memory_than_a_tenth(
    finished: Project, tmp_path: Path
) -> None:
    """CSV and Parquet are streams, and so is what is written; each name has its line."""
    for few, all_of_them in zip(many(tmp_path, 100_000), many(tmp_path, 1_000_000), strict=True):
        output = tmp_path / "said.csv"
        _, small = spent(finished, few, output)
        seconds, large = spent(finished, all_of_them, output)
        assert large < small + 30
        assert seconds < 10  # of the small study's networks; the rate is in docs/predict.md
        with open(output) as lines:
            assert sum(1 for _ in lines) == 1_000_001


@pytest.mark.slow
def test_a_terminal_shows_how_far_it_has_come(finished: Project, tmp_path: Path) -> None:
    """In percent of the file; never in a log."""
    path, _ = many(tmp_path, 1_000_000)
    command = [
        sys.executable,
        "-c",
        "from surnames.cli import main; main()",
        "predict",
        "--file",
        str(path),
        "--output",
        os.devnull,
        "--format",
        "csv",
    ]
    terminal, end = pty.openpty()
    termios.tcsetwinsize(end, (24, 80))
    done = subprocess.Popen(
        command, cwd=finished.folder, env=os.environ | finished.code, stderr=end
    )
    os.close(end)
    shown = b""
    while True:
        try:
            shown += os.read(terminal, 4096)
        except OSError:  # its other end is closed
            break
    assert done.wait() == 0
    assert b"100%|" in shown


def test_enough_names_for_the_engine_are_answered_alike(finished: Project, tmp_path: Path) -> None:
    """NumPy's and the engine's lines are the same but for the last digit."""
    path, _ = many(tmp_path, CHUNK + 10)
    lines = path.read_text().splitlines()
    (tmp_path / "few.csv").write_text("\n".join(lines[:101]))
    said, _ = predict(finished, "--file", str(path), "--format", "csv")
    few, _ = predict(finished, "--file", str(tmp_path / "few.csv"), "--format", "csv")
    both = zip(csv.DictReader(io.StringIO(said)), csv.DictReader(io.StringIO(few)), strict=False)
    for left, right in both:
        assert left["name"] == right["name"]
        assert left["language_1"] == right["language_1"]
        difference = float(left["probability_1"]) - float(right["probability_1"])
        assert abs(difference) < 2e-4
    assert len(said.splitlines()) == len(lines)


def test_the_page_says_what_is_there() -> None:
    """The options of docs/predict.md are the command's own."""
    from surnames.cli import predict as command

    page = (ROOT / "docs/predict.md").read_text()
    for parameter in command.params:
        for option in parameter.opts:
            assert option in page or option == "names"
