"""The finished study, worked in."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.projects import Project


@pytest.fixture
def inside(finished: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The finished study as the working folder, without the environment's own store."""
    monkeypatch.chdir(finished.folder)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    yield finished.folder
