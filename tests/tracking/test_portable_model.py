"""The registered model beside others: it brings its own scorer."""

import shutil
from pathlib import Path

import mlflow
import pytest
from support.projects import Project

SCORER = "portable_scorer.py"


@pytest.fixture(scope="module")
def logged(finished: Project) -> Path:
    """The folder of a logged model."""
    return next((finished.folder / "mlflow/artifacts").rglob("MLmodel")).parent


def test_versions_loaded_at_once_have_their_own_scorers(logged: Path, tmp_path: Path) -> None:
    """As somebody does who compares today's champion with that of an older commit."""
    other = tmp_path / "other"
    shutil.copytree(logged, other)
    [scorer] = other.rglob(SCORER)
    scorer.write_text(f"{scorer.read_text()}\n\ndef cleaned(text, card):\n    return ''\n")
    one, changed = (mlflow.pyfunc.load_model(str(folder)) for folder in (logged, other))
    assert list(changed.predict(["Satoshi"])["language"]) == [""]
    assert list(one.predict(["Satoshi"])["language"]) != [""]
