"""A small finished study, made once for all tests, the real names and a browser."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from filelock import FileLock
from playwright.sync_api import Browser
from support.browser import chromium
from support.projects import Project, clone, commit

from surnames.workflow import smoke

# a shell that runs the tests in the background has them, and all they start, ignore Ctrl-C
signal.signal(signal.SIGINT, signal.default_int_handler)
hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A committed small study, its pipeline run to the end. Read it; change only a `study`."""
    shared = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent  # the same for all workers
    shared /= "finished"
    project = Project(shared / "surnames")
    with FileLock(f"{shared}.lock"):
        if not (shared / "done").exists():
            shutil.rmtree(shared, ignore_errors=True)
            project.folder.mkdir(parents=True)
            project = clone(project.folder)
            smoke.shrink(project.folder)
            commit(project, "A small study")
            project.run("surnames", "repro")
            commit(project, "Its results")
            (shared / "done").touch()
    return project


@pytest.fixture
def study(finished: Project, tmp_path: Path) -> Project:
    """A small finished study of one's own."""
    return finished.copy(tmp_path / "surnames")


@pytest.fixture(scope="session")
def names() -> Path:
    """The real names: they are not the project's to carry."""
    folder = os.environ.get("SURNAMES_DATA")
    if not folder:
        pytest.skip("the real names are not here; SURNAMES_DATA=<folder> names them")
    return Path(folder).resolve()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium without a window; skipped where there is none, but never in CI."""
    with chromium() as running:
        yield running
