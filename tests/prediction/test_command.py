"""`surnames predict`, as a user calls it."""

import csv
import io
import os
import pty
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import pytest
from support.predict_command import COMMAND, made_up_names, predict, run
from support.projects import ROOT, Project

from surnames.prediction.names_in import CHUNK

HEAVY = {"torch", "mlflow", "sklearn", "pandas", "numba", "scipy", "pyarrow", "pydantic", "yaml"}


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_one_name_from_a_cold_start_imports_nothing_heavy(finished: Project, form: str) -> None:
    """Each of these costs more than the whole answer."""
    code = (
        "import sys; from surnames.cli import main;"
        f"main(['predict', 'Satoshi', '--by-letter', '--format', {form!r}], standalone_mode=False);"
        f"print(sorted({HEAVY} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code]
    environment = os.environ | finished.code
    printed = subprocess.check_output(command, cwd=finished.folder, env=environment, text=True)
    assert printed.splitlines()[-1] == "[]"


def test_paths_are_where_the_user_stands(finished: Project, tmp_path: Path) -> None:
    """The command itself works in the project's folder."""
    (tmp_path / "names.txt").write_text("Satoshi\n")
    near = os.path.relpath(tmp_path, finished.folder / "docs")
    words = ("--file", f"{near}/names.txt", "--output", f"{near}/answers.csv", "--format", "csv")
    model = ("--model", "../results/runs/held_out/fixed")
    assert predict(finished, *words, *model, cwd="docs")[0] == ""
    assert (tmp_path / "answers.csv").read_text().splitlines()[1].startswith("Satoshi,Satoshi,")


def test_remarks_stand_apart_from_the_answers(finished: Project) -> None:
    """One warning of what was left out, and that the network learned from made-up names."""
    printed, remarks = predict(finished, given="Li李\n李\n")
    assert len(printed.splitlines()) == 2
    starter, left_out = remarks.splitlines()
    assert "stand-in corpus" in starter
    assert left_out.startswith(
        "warning: characters that are not in the alphabet were left out of 2"
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("Kim", "--file", "x"), "NAMES and --file are mutually exclusive"),
        (("Kim", "--top", "0"), "not in the range"),
        (("Kim", "--output", "/nowhere/x"), "/nowhere/x cannot be written"),
        (("Kim", "--output", "."), "is a folder"),
        (("Kim", "--model", "fixd"), "no model 'fixd'"),
        (("--file", "-", "--kind", "parquet"), "give the file by --file"),
        ((b"\xff",), "is not UTF-8"),
    ],
)
def test_wrong_words_are_clear_errors(
    finished: Project, words: tuple[Any, ...], message: str
) -> None:
    """What is wrong on the command line, without a traceback."""
    done = run(finished, *words)
    assert done.returncode == 2
    assert message in done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_enough_names_for_the_engine_are_answered_alike(finished: Project, tmp_path: Path) -> None:
    """NumPy's and the engine's lines are the same but for the last digit."""
    path, _ = made_up_names(tmp_path, CHUNK + 10)
    lines = path.read_text().splitlines()
    (tmp_path / "few.csv").write_text("\n".join(lines[:101]))
    many, few = (
        list(csv.DictReader(io.StringIO(predict(finished, "--file", str(file), *words)[0])))
        for words in [("--format", "csv")]
        for file in (path, tmp_path / "few.csv")
    )
    assert len(many) == len(lines) - 1
    for left, right in zip(many, few, strict=False):
        assert (left["name"], left["language_1"]) == (right["name"], right["language_1"])
        assert abs(float(left["probability_1"]) - float(right["probability_1"])) < 2e-4


@pytest.mark.slow
def test_a_terminal_shows_how_far_it_has_come(finished: Project, tmp_path: Path) -> None:
    """In percent of the file; never in a log."""
    path, _ = made_up_names(tmp_path, 1_000_000)
    words = ["--file", str(path), "--output", os.devnull, "--format", "csv"]
    terminal, end = pty.openpty()
    termios.tcsetwinsize(end, (24, 80))
    environment = os.environ | finished.code
    done = subprocess.Popen([*COMMAND, *words], cwd=finished.folder, env=environment, stderr=end)
    os.close(end)
    shown = b""
    while True:
        try:
            shown += os.read(terminal, 4096)
        except OSError:  # its other end is closed
            break
    assert done.wait() == 0
    assert b"100%|" in shown


def test_the_page_lists_the_options() -> None:
    """The options of docs/predict.md are the command's own."""
    from surnames.cli import predict as command

    page = (ROOT / "docs/predict.md").read_text()
    for parameter in command.params:
        for option in parameter.opts:
            assert option in page or option == "names"
