"""What we take from DVC as a library, against its own behaviour."""

import threading
from pathlib import Path

import pytest
from dvc.lock import make_lock
from support.projects import Project

from surnames import dvc_repo
from surnames.core import digests
from surnames.core.errors import StudyError
from surnames.workflow.rerun import compare


def test_digests_are_dvcs(finished: Project) -> None:
    """Of every file and folder that the small study wrote, against DVC's own lock."""
    lock = dvc_repo.parse_lock((finished.folder / "dvc.lock").read_text())
    outputs = compare.outputs(lock["stages"])
    assert {path: digests.digest(finished.folder / path) for path in outputs} == outputs
    assert any(digest.endswith(".dir") for digest in outputs.values())


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
