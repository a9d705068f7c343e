"""What we take from DVC as a library, against its own behaviour."""

import json
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from dvc.lock import make_lock
from support.projects import Project

from surnames import dvc_repo
from surnames.core.digests import digest
from surnames.core.errors import StudyError
from surnames.workflow.rerun import compare


def test_digests_are_dvcs(finished: Project) -> None:
    """Of every file and folder that the small study wrote, against DVC's own lock."""
    lock = dvc_repo.parse_lock((finished.folder / "dvc.lock").read_text())
    outputs = compare.outputs(lock["stages"])
    assert {path: digest(finished.folder / path) for path in outputs} == outputs
    assert any(one.endswith(".dir") for one in outputs.values())


def test_a_failure_names_its_causes(study: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """DVC's message alone says which stage failed, and not why; and it logs nothing itself."""
    monkeypatch.chdir(study.folder)
    (study.folder / "pipeline/check.py").unlink()
    with pytest.raises(StudyError, match=r"^DVC: failed to reproduce 'check': .*check.py"):
        dvc_repo.repro("check")


@pytest.mark.slow
def test_another_process_is_waited_for(study: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """DVC gives up after three seconds, and several runs at once share one lock."""
    monkeypatch.chdir(study.folder)
    (study.folder / "data/checked/published.json").unlink()
    lock = make_lock(".dvc/tmp/lock", tmp_dir=".dvc/tmp")
    lock.lock()
    threading.Timer(5, lock.unlock).start()
    dvc_repo.repro("check")
    assert Path("data/checked/published.json").exists()


def test_locks_of_processes_that_are_gone_are_released(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DVC blocks a clone for good where another process has got the number of a killed one."""
    monkeypatch.chdir(tmp_path)
    path = Path(".dvc/tmp/rwlock")
    path.parent.mkdir(parents=True)
    dvc = subprocess.Popen([sys.executable, "-c", "input()", "dvc"], stdin=subprocess.PIPE)
    other = subprocess.Popen(["sleep", "60"])
    reused = {"pid": other.pid, "cmd": "dvc repro"}
    held, gone = {"pid": dvc.pid, "cmd": "dvc repro"}, {"pid": 2**22 + 1, "cmd": "dvc repro"}
    try:
        lists = {"write": {"a": held, "b": reused, "c": gone}, "read": {"d": [gone, held]}}
        path.write_text(json.dumps(lists))
        dvc_repo.release_locks()
    finally:
        dvc.communicate(b"\n")
        other.kill()
        other.wait()
    assert json.loads(path.read_text()) == {"write": {"a": held}, "read": {"d": [held]}}


@pytest.mark.parametrize("text", ["", '{"write": {"a": {"pi', "[]", '{"write": {"a": {}}}'])
def test_a_broken_list_of_locks_is_emptied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """DVC refuses to work with one, and a process killed while it writes leaves one."""
    monkeypatch.chdir(tmp_path)
    path = Path(".dvc/tmp/rwlock")
    path.parent.mkdir(parents=True)
    path.write_text(text)
    dvc_repo.release_locks()
    assert not any(json.loads(path.read_text()).values())


def test_the_order_of_dvc_lock_is_that_of_names(
    study: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever order the stages ended in, the same content has the same bytes."""
    monkeypatch.chdir(study.folder)
    lock = study.folder / "dvc.lock"
    before = lock.read_text()
    head, *entries = re.split(r"^(?=  [a-z]\S*:$)", before, flags=re.MULTILINE)
    lock.write_text("".join([head, *reversed(entries)]))
    assert lock.read_text() != before
    dvc_repo.sort_lock()
    assert lock.read_text() == before


def test_damaged_files_are_removed_before_they_are_used(
    study: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A byte of the cache changed and laid out from there: DVC sees nothing of it."""
    monkeypatch.chdir(study.folder)
    assert dvc_repo.damaged() == {}
    weights = Path("results/runs/held_out/fixed/weights.safetensors")
    kept = dvc_repo.cached(digest(weights))
    content = bytearray(kept.read_bytes())
    content[-1] ^= 1
    kept.chmod(0o644)
    kept.write_bytes(content)
    kept.chmod(0o444)
    weights.unlink()
    study.run("dvc", "checkout", "-q", str(weights))
    assert weights.read_bytes() == content
    found = {str(weights): "train@held_out-fixed"}
    assert dvc_repo.damaged() == found
    said = study.run("surnames", "verify", fails=True)
    assert f"{weights}: not what dvc.lock says" in said
    said = study.run("surnames", "predict", "Satoshi", fails=True)
    assert f"{weights} is not what dvc.lock says" in said and "make repro" in said
    said = study.run("surnames", "repro")  # although DVC has nothing to do
    assert f"so made again: {weights}" in said
    assert digest(weights) == digest(kept) == kept.parent.name + kept.name
    assert "all present" in study.run("surnames", "verify")


BROKEN = {
    "conflict": "<<<<<<< HEAD\nschema: '2.0'\n=======\nschema: '2.0'\n>>>>>>> other\n",
    "empty": "",
    "list": "- 1\n",
    "no text": "\udcff\udcfe",
    "NUL": "a: \0",
    "another schema": "schema: '9.0'\n",
    "stages of another kind": "schema: '2.0'\nstages: 5\n",
    "half": "schema: '2.0'\nstages:\n  fetch:\n    deps: [",
    "deep": "a: " + "[" * 5000,
    "aliases": "a: &a [x, x]\n" + "".join(f"b{n}: &a [*a, *a, *a]\n" for n in range(30)),
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_broken_lock_is_named_with_what_mends_it(text: str) -> None:
    """In one line, for what is here; of another commit's lock it says whose it is."""
    with pytest.raises(StudyError) as refused:
        dvc_repo.parse_lock(text)
    said = str(refused.value)
    assert said.startswith("dvc.lock") and "`git checkout HEAD -- dvc.lock`" in said
    assert "\n" not in said and len(said) < 400
    with pytest.raises(StudyError, match=r"^commit 1: dvc\.lock"):
        dvc_repo.parse_lock(text, "commit 1")


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    ["verify", "rebuild", "repro", "stale", "diff HEAD", "report --to page.html"],
)
def test_every_command_says_that_the_lock_is_broken(study: Project, command: str) -> None:
    """And what it says to do works."""
    (study.folder / "dvc.lock").write_text(BROKEN["conflict"])
    said = study.run("surnames", *command.split(), fails=True)
    assert "a merge conflict is not resolved" in said and "Traceback" not in said
    study.run("git", "checkout", "HEAD", "--", "dvc.lock")
    study.run("surnames", "stale")
