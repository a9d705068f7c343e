"""Names from anywhere: the same answers, constant memory, and clear errors for wrong files."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest
from support.predict_command import COMMAND, made_up_names, predict, run
from support.projects import Project

from surnames.prediction.names_in import opened


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
    words = ("--file", "-", "--kind", "csv", "--format", "csv")
    assert predict(finished, *words, given=table)[0] == expected


def wrong_files(folder: Path) -> dict[str, str]:
    """By the name of a file in the folder what must be said of it."""
    texts = {
        "ragged.csv": b"name,language\nSatoshi,Japanese\nKim\n",
        "quote.csv": b'name\n"Satoshi\n',
        "column.csv": b"surname,language\nSatoshi,Japanese\n",
        "empty.csv": b"",
        "latin.csv": "name\nMüller\n".encode("latin-1"),
        "latin.txt": "Satoshi\nMüller\n".encode("latin-1"),
        "text.parquet": b"name\nSatoshi\n",
        "twice.csv": b"name,name\nSatoshi,Kim\n",
        "languages.csv": b"name,language,language\nSatoshi,Japanese,Korean\n",
        "cell.csv": b"name\n" + b"a" * 20_000 + b"\n",
        "row.csv": b'name,more\nKim,"' + b"a\n" * 6_000_000 + b'"\n',
        "rows.csv": b"name,more\n" + b'"a\n",' * 3_500_000,
        "line.txt": b"Kim\n" + b"a" * 20_000_000,
    }
    for name, content in texts.items():
        (folder / name).write_bytes(content)
    pa.parquet.write_table(pa.table({"surname": ["Kim"]}), folder / "column.parquet")
    pa.parquet.write_table(pa.table({"name": [7]}), folder / "numbers.parquet")
    twice = pa.Table.from_arrays([pa.array(["Kim"])] * 2, names=["name", "name"])
    pa.parquet.write_table(twice, folder / "twice.parquet")
    pa.parquet.write_table(pa.table({"name": ["a" * 20_000]}), folder / "cell.parquet")
    bomb = pa.table({"name": pa.array(["a" * 10**6] * 1000)})  # 1 GB of text in a few kB
    pa.parquet.write_table(bomb, folder / "bomb.parquet", compression="gzip")
    whole = folder / "whole.parquet"
    pa.parquet.write_table(pa.table({"name": ["Kim"] * 10000}), whole)
    torn = bytearray(whole.read_bytes())
    torn[4:60] = b"\xff" * 56
    (folder / "torn.parquet").write_bytes(torn)
    return {
        "ragged.csv": "line 3: expected 2 cells as in the header, got 1",
        "quote.csv": "line 2: not valid CSV: unexpected end of data",
        "column.csv": "no column 'name'; it has 'surname', 'language'",
        "empty.csv": "no column 'name'; it has none",
        "latin.csv": "is not UTF-8 (byte 0xfc); save it as UTF-8",
        "latin.txt": "is not UTF-8 (byte 0xfc); save it as UTF-8",
        "text.parquet": "cannot be read as Parquet",
        "torn.parquet": "cannot be read as Parquet",
        "column.parquet": "no column 'name'; it has 'surname'",
        "numbers.parquet": "expected text in column 'name', got int64",
        "twice.csv": "more than one column 'name'",
        "twice.parquet": "more than one column 'name'",
        "languages.csv": "more than one column 'language'",
        "cell.csv": "a name or language of more than 10,000 characters",
        "cell.parquet": "a name or language of more than 10,000 characters",
        "bomb.parquet": "a name or language of more than 10,000 characters",
        "row.csv": "more than 10,000,000 characters",
        "rows.csv": "more than 10,000,000 characters",
        "line.txt": "line 2: more than 10,000 characters",
        "missing.csv": "cannot be read: No such file",
        "missing.parquet": "cannot be read: No such file",
        ".": "cannot be read: Is a directory",
    }


@pytest.mark.slow
def test_wrong_files_are_clear_errors(finished: Project, tmp_path: Path) -> None:
    """Exit status 1 and what to do; no traceback, and no half of an output."""
    output = tmp_path / "answers.csv"
    for name, words in wrong_files(tmp_path).items():
        done = run(finished, "--file", str(tmp_path / name), "--output", str(output))
        printed = done.stderr.decode()
        assert done.returncode == 1, name
        assert words in printed, name
        assert "Traceback" not in printed
        assert not output.exists()
    assert not list(tmp_path.glob(".answers*"))


def test_a_large_cell_of_another_column_is_read(tmp_path: Path) -> None:
    """It is no name, and nothing of it is kept."""
    path = tmp_path / "notes.csv"
    path.write_text(f"name,notes\nKim,{'a' * 200_000}\n\nSatoshi,b\n")
    with opened(path) as source:
        assert [one.names for one in source.chunks] == [["Kim", "Satoshi"]]


def memory(finished: Project, path: Path, output: Path) -> int:
    """Resident memory at its peak while a file is answered, in the platform's unit.

    A process starts with the peak of the one that started it: a small one in between.
    """
    code = (
        "import resource, subprocess, sys; subprocess.check_call(sys.argv[1:]);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    words = ["--file", str(path), "--format", "csv", "--output", str(output)]
    command = [sys.executable, "-c", code, *COMMAND, *words]
    environment = os.environ | finished.code
    return int(subprocess.check_output(command, cwd=finished.folder, env=environment))


@pytest.mark.slow
def test_a_million_names_take_no_more_memory_than_a_tenth(
    finished: Project, tmp_path: Path
) -> None:
    """CSV and Parquet are streams, and so is what is written; each name has its line."""
    output = tmp_path / "answers.csv"
    tenth, whole = (made_up_names(tmp_path, count) for count in (100_000, 1_000_000))
    for few, all_of_them in zip(tenth, whole, strict=True):
        small = memory(finished, few, output)
        assert memory(finished, all_of_them, output) < 1.2 * small
        with open(output) as lines:
            assert sum(1 for _ in lines) == 1_000_001
