"""Any MLflow store: eight publishers at once on each kind, and what is said when it is down."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from mlflow import MlflowClient
from support.mlflow_store import TRACK, expected_names, runs
from support.projects import Project
from support.servers import free_port, mlflow_server, postgresql

from surnames.core.errors import StudyError
from surnames.tracking import run_record as publication
from surnames.tracking import store as stores


def server(kind: str, folder: Path) -> AbstractContextManager[str]:
    """A store of that kind that nobody has written to."""
    return postgresql() if kind == "PostgreSQL" else mlflow_server(folder)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["PostgreSQL", "HTTP"])
def test_eight_first_publications_at_once(kind: str, study: Project, tmp_path: Path) -> None:
    """From two clones, whose lock files know nothing of each other: none lost, none double."""
    other = study.copy(tmp_path / "other")
    with server(kind, tmp_path) as uri:
        with ThreadPoolExecutor(8) as pool:
            clones = [study, other] * 4
            said = list(pool.map(lambda one: one.run(*TRACK, MLFLOW_TRACKING_URI=uri), clones))
        assert sum("20 runs added" in text for text in said) == 1
        assert sum(" 0 runs added, 20 already there" in text for text in said) == 7
        client = MlflowClient(uri, uri)
        assert sorted(run.info.run_name for run in runs(client)) == sorted(expected_names())
        assert len(client.search_model_versions(f"name = '{stores.MODEL}'")) == 4
        assert not client.search_registered_models(f"name = '{stores.LEASE}'")
        assert "all present" in study.run("surnames", "verify", MLFLOW_TRACKING_URI=uri)


@pytest.mark.slow
@pytest.mark.parametrize("uri", ["http://127.0.0.1:{}", "postgresql://me:secret@127.0.0.1:{}/runs"])
def test_a_store_that_is_down(study: Project, uri: str) -> None:
    """A message within seconds and an exit status; afterwards nothing is trained again."""
    address = uri.format(free_port())
    study.set(study__confidence=0.9)
    began = time.monotonic()
    said = study.run("dvc", "repro", "track", fails=True, MLFLOW_TRACKING_URI=address)
    assert time.monotonic() - began < 30
    assert "does not answer" in said and "Start it, or unset MLFLOW_TRACKING_URI" in said
    assert "Traceback" not in said and "secret" not in said
    again = study.run("dvc", "repro")
    assert "Running stage 'track'" in again
    assert "Running stage 'train" not in again and "Running stage 'compare'" not in again


@pytest.mark.parametrize("uri", ["./mlruns", "file:///tmp/mlruns", "databricks"])
def test_an_address_that_is_no_store(monkeypatch: pytest.MonkeyPatch, uri: str) -> None:
    """The message names what would do."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(StudyError, match=r"postgresql://.*http://"):
        stores.store()


def test_a_password_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither by `track` nor by `verify`: both print the store."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://me:secret@host/runs")
    assert str(stores.store()) == "postgresql://me:***@host/runs"


LEASED = """
import sys, time
from surnames.tracking import store as stores
place = stores.store()
with stores.opened(place) as client, stores.alone(place, client):
    print("mine", flush=True)
    time.sleep(float(sys.argv[1]))
"""


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> stores.Store:
    """A tracking server's store."""
    with mlflow_server(tmp_path) as uri:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        yield stores.store()


def holder(seconds: float) -> "subprocess.Popen[str]":
    """Another process that holds the lease."""
    command = [sys.executable, "-c", LEASED, str(seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ.copy())
    assert process.stdout is not None
    assert process.stdout.readline() == "mine\n"
    return process


@pytest.mark.slow
def test_a_lease_is_kept_while_its_holder_lives(
    served: stores.Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also for longer than the patience of who waits: it gives signs of life."""
    monkeypatch.setattr(stores, "PATIENCE", 5.0)
    process = holder(12)
    began = time.monotonic()
    with stores.opened(served) as client, stores.alone(served, client):
        assert time.monotonic() - began > 9
    assert process.wait(10) == 0


@pytest.mark.slow
def test_a_dead_holders_lease_is_taken_over(
    served: stores.Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in the middle, it leaves its lease behind."""
    monkeypatch.setattr(stores, "PATIENCE", 4.0)
    process = holder(60)
    process.send_signal(signal.SIGKILL)
    process.wait()
    began = time.monotonic()
    with stores.opened(served) as client, stores.alone(served, client):
        assert 3 < time.monotonic() - began < 20
    assert not client.search_registered_models(f"name = '{stores.LEASE}'")


def test_dvc_lock_is_never_read_by_halves(study: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """DVC writes it piece by piece under its own lock: who reads waits for the end of it."""
    from dvc.lock import make_lock

    monkeypatch.chdir(study.folder)
    path = study.folder / "dvc.lock"
    whole, stages = path.read_text(), Counter(publication.lock()["stages"])
    held, go = threading.Event(), threading.Event()

    def write() -> None:
        with make_lock(".dvc/tmp/lock"):
            path.write_text(whole[: len(whole) // 2])
            held.set()
            go.wait(10)
            path.write_text(whole)

    writer = threading.Thread(target=write)
    writer.start()
    held.wait(10)
    threading.Timer(1, go.set).start()
    assert Counter(publication.lock()["stages"]) == stages
    writer.join()
