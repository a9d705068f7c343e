"""The gate: wrong parameters and claims, each a small edit of the study's own files."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.bad_files import BAD, Bad
from support.projects import ROOT, Project

from surnames.core.errors import ParameterError
from surnames.study import gate

LONGEST = 3000  # characters of a message; of aliases in aliases it was 25 MB once


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the gate reads."""
    (tmp_path / "robustness").mkdir()
    for name in ("params.yaml", "claims.yaml", "robustness/params.yaml"):
        shutil.copy(ROOT / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(bad: Bad, folder: Path) -> None:
    text = (ROOT / bad.file).read_text(encoding="utf-8")
    (folder / bad.file).write_bytes(bad.edited(text))


def test_the_study_itself_passes(folder: Path) -> None:
    assert gate.check().runs
    assert len(BAD) >= 120


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_what_cannot_be_run_is_refused(folder: Path, bad: Bad) -> None:
    """In one short message that names the file and the place, whatever stands in it."""
    write(bad, folder)
    with pytest.raises(ParameterError) as refusal:
        gate.check()
    said = str(refusal.value)
    assert said.startswith(bad.file) and len(said) < LONGEST
    assert [word for word in bad.words if word not in said] == []
    assert refusal.value.status == 2


def test_a_script_by_hand_asks_the_gate(folder: Path) -> None:
    """One that reads neither file, too."""
    write(next(bad for bad in BAD if bad.name == "claims: a threshold in points"), folder)
    script = [sys.executable, str(ROOT / "pipeline/check.py")]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "claims.0.more_than" in done.stderr
    assert "Traceback" not in done.stderr and not (folder / "data").exists()


WAYS = (("surnames", "repro"), ("dvc", "repro"), ("python", "pipeline/gate.py"))


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way[0])
@pytest.mark.parametrize("key", ["study__confidence", "recipes__online__hidden_size"])
def test_nothing_is_touched_before_it_has_passed(study: Project, way: str, key: str) -> None:
    """DVC deletes the outputs of a stage whose parameters changed, and only then runs it."""
    study.set(**{key: 95_000})
    before = {path: path.stat().st_mtime_ns for path in results(study)}
    said = study.run(*way, fails=True)
    assert key.rsplit("__", maxsplit=1)[-1] in said and "Traceback" not in said
    assert {path: path.stat().st_mtime_ns for path in results(study)} == before


def results(study: Project) -> list[Path]:
    """Every file that stages wrote, and dvc.lock."""
    folders = [study.folder / name for name in ("data", "results", "reports", "mlflow")]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return [*files, study.folder / "dvc.lock"]
