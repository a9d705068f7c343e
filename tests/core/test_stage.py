"""What a stage's script does around its work: small stages of their own, run as DVC runs them."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from support.projects import ROOT

from surnames.core.digests import digest

SCRIPT = """
import signal, sys, time
from pathlib import Path
import own
from surnames.core import stage, tables

stage.PATIENCE = 0

def main(edited="", text="", wait=""):
    Path("data/in/names.csv").read_text()
    Path("params.yaml").read_text()
    import later
    if edited:
        with open(edited, "a") as stream:
            stream.write(text)
    if wait:
        with tables.replacing(Path("data/out.csv")) as stream:
            stream.write("half")
            print("waits", flush=True)
            time.sleep(600)
    tables.replace_text(Path("data/out.csv"), "whole")

if __name__ == "__main__":
    stage.run(main)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a script, two modules, parameters and an input that dvc.lock knows."""
    for name, text in {
        "pipeline/small.py": SCRIPT,
        "src/own.py": "ONE = 1\n",
        "src/later.py": "TWO = 2\n",
        "src/other.py": "",
        "params.yaml": "a: 1\n",
        "data/in/names.csv": "Smith\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "dvc.lock").write_text(f"md5: {digest(tmp_path / 'data/in/names.csv')}\n")
    return tmp_path


def start(project: Path, *words: str, **environment: str) -> "subprocess.Popen[str]":
    path = f"{project / 'src'}{os.pathsep}{ROOT / 'src'}"
    return subprocess.Popen(
        [sys.executable, "pipeline/small.py", *words],
        cwd=project,
        env=os.environ | {"DVC_STAGE": "small", "PYTHONPATH": path} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(project: Path, *words: str, **environment: str) -> tuple[int, str]:
    process = start(project, *words, **environment)
    _, printed = process.communicate()
    return process.returncode, printed


def test_what_did_not_change_is_nobodys_concern(project: Path) -> None:
    """Also a file that the stage did not read; its output is whole."""
    assert run(project) == (0, "")
    assert run(project, "src/other.py", "# edited") == (0, "")
    assert (project / "data/out.csv").read_text() == "whole"


@pytest.mark.parametrize(
    "edited", ["data/in/names.csv", "params.yaml", "src/own.py", "src/later.py"]
)
def test_an_input_that_changes_meanwhile_fails_the_stage(project: Path, edited: str) -> None:
    """Data, parameters, a module of the start and one imported later (treeverse/dvc#11058)."""
    status, printed = run(project, edited, "# edited\n")
    assert status == 1
    assert printed.startswith(f"error: {edited} changed while small ran")
    assert "Traceback" not in printed


def test_code_that_changes_while_the_script_begins_is_noticed(project: Path) -> None:
    """Between its import and the first line of `run`, which other modules may take seconds for."""
    script = project / "pipeline/small.py"
    edit = (
        'time.sleep(0.2)\nwith open("src/own.py", "a") as stream:\n    stream.write("# edited")\n'
    )
    script.write_text(SCRIPT.replace("from surnames.core", f"{edit}from surnames.core", 1))
    status, printed = run(project)
    assert (status, printed[:29]) == (1, "error: src/own.py changed whi")


def test_a_file_that_dvc_lock_does_not_know_is_refused(project: Path) -> None:
    """A damaged cache lays out other bytes under the same name; a folder's digest counts, too."""
    (project / "data/in/names.csv").write_text("Smyth\n")
    status, printed = run(project)
    assert status == 1
    assert "data/in/names.csv is not what dvc.lock says" in printed
    (project / "dvc.lock").write_text(f"md5: {digest(project / 'data/in')}\n")
    assert run(project) == (0, "")


def test_by_hand_nothing_is_compared(project: Path) -> None:
    """Without DVC there is no lock that could say anything false."""
    environment = {key: value for key, value in os.environ.items() if key != "DVC_STAGE"}
    path = f"{project / 'src'}{os.pathsep}{ROOT / 'src'}"
    command = [sys.executable, "pipeline/small.py", "params.yaml", "b: 2\n"]
    subprocess.run(command, cwd=project, env=environment | {"PYTHONPATH": path}, check=True)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_without_a_trace(project: Path, number: int, status: int) -> None:
    """No traceback, no half of a file, and of the temporary one nothing."""
    process = start(project, "", "", "wait")
    assert process.stdout and process.stdout.readline() == "waits\n"
    process.send_signal(number)
    _, printed = process.communicate()
    assert process.returncode == status
    assert "Traceback" not in printed
    assert sorted(path.name for path in (project / "data").iterdir()) == ["in"]


def test_what_a_kill_left_goes_with_the_next_run(project: Path) -> None:
    """The temporary file of a process that is gone."""
    process = start(project, "", "", "wait")
    assert process.stdout and process.stdout.readline() == "waits\n"
    process.kill()
    process.communicate()
    assert len(list((project / "data").glob(".out.csv.*.tmp"))) == 1
    assert run(project) == (0, "")
    assert sorted(path.name for path in (project / "data").iterdir()) == ["in", "out.csv"]


def test_it_ends_with_its_parent(project: Path) -> None:
    """DVC was killed: its stage does not go on by itself."""
    child, _ = abandoned(project, "", "waits")
    assert ended(child)


def test_it_does_not_begin_without_its_parent(project: Path) -> None:
    """DVC was killed before the script's first line."""
    child, _ = abandoned(
        project, "import time; print('begins', flush=True); time.sleep(1)", "begins"
    )
    assert ended(child)
    assert not (project / "data/out.csv").exists()
    assert not list((project / "data").glob(".*.tmp"))


def ended(child: psutil.Process) -> bool:
    """Whether it has ended within a minute; it has now."""
    _, left = psutil.wait_procs([child], timeout=60)
    for one in left:
        one.kill()
    return not left


def abandoned(
    project: Path, first: str, said: str
) -> "tuple[psutil.Process, subprocess.Popen[str]]":
    """A stage that runs `first` before all else; its parent was killed when it `said` that.

    The parent comes with it: who drops it closes what the stage writes to.
    """
    (project / "src/sitecustomize.py").write_text(first)
    program = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "pipeline/small.py", "", "", "wait"])
print(child.pid, flush=True)
child.wait()
"""
    path = f"{project / 'src'}{os.pathsep}{ROOT / 'src'}"
    parent = subprocess.Popen(
        [sys.executable, "-S", "-c", program],  # without sitecustomize
        cwd=project,
        env=os.environ | {"DVC_STAGE": "small", "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # as a command in a terminal has its own group
    )
    assert parent.stdout
    child = psutil.Process(int(parent.stdout.readline()))
    assert parent.stdout.readline() == f"{said}\n"
    parent.kill()
    parent.wait()
    return child, parent


def test_no_stage_begins_after_an_interrupt(project: Path) -> None:
    """DVC may be about to begin one when `surnames repro` is interrupted."""
    assert run(project, SURNAMES_STOP="1") == (130, "")
    assert not (project / "data/out.csv").exists()
