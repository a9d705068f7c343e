"""Any MLflow store: several publishers at once on each kind, and the message when it is down."""

import re
import socket
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import psutil
import psycopg
import pytest
from mlflow import MlflowClient
from support.loopback import Server
from support.mlflow_store import TRACK, expected_names, runs
from support.projects import Project
from support.servers import free_port, mlflow_server, postgresql

from surnames.dvc_repo import read_lock
from surnames.tracking.store import EXPERIMENT, FINGERPRINT, MODEL


def server(kind: str, folder: Path) -> AbstractContextManager[str]:
    """A store of that kind that nobody has written to."""
    return postgresql() if kind == "PostgreSQL" else mlflow_server(folder)


def end_server(uri: str) -> None:
    """Kill the processes of a server, as a machine that loses its power."""
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        place = uri.partition("host=")[2] or uri.rpartition(":")[2]
        if place in words and ("mlflow" in words or words[0].endswith("postgres")):
            for one in (*process.children(recursive=True), process):
                with suppress(psutil.NoSuchProcess):
                    one.kill()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["PostgreSQL", "HTTP"])
def test_first_publications_at_once(kind: str, study: Project, tmp_path: Path) -> None:
    """From two clones, whose lock files know nothing of each other: none lost, none twice.

    Over HTTP nobody waits, so several create what only one of them keeps.
    """
    other = study.copy(tmp_path / "other")
    with server(kind, tmp_path) as uri:
        with ThreadPoolExecutor(8) as pool:
            clones = [study, other] * (4 if kind == "PostgreSQL" else 2)
            said = list(pool.map(lambda one: one.run(*TRACK, MLFLOW_TRACKING_URI=uri), clones))
        added = [int(re.search(r"MLflow: (\d+) runs added", text)[1]) for text in said]
        assert sorted(added) == [0] * 7 + [20] if kind == "PostgreSQL" else sum(added) >= 20
        client = MlflowClient(uri, uri)
        assert sorted(run.info.run_name for run in runs(client)) == sorted(expected_names())
        assert len(client.search_model_versions(f"name = '{MODEL}'")) == 4
        fingerprints = Counter(run.data.tags[FINGERPRINT] for run in runs(client))
        assert set(fingerprints.values()) == {1}
        assert "all present" in study.run("surnames", "verify", MLFLOW_TRACKING_URI=uri)


def test_a_server_that_hangs_up_is_asked_three_times(study: Project) -> None:
    """MLflow's own settings would ask it eight times, for minutes."""
    server, question = Server(), "/api/2.0/mlflow/experiments/get-by-name?experiment_name=surnames"
    server.answers[question] = lambda request: request.connection.shutdown(socket.SHUT_RDWR)
    with server.running():
        address = f"http://127.0.0.1:{server.port}"
        said = study.run(*TRACK, fails=True, MLFLOW_TRACKING_URI=address)
    assert "does not answer" in said
    assert server.asked == [question] * 3


@pytest.mark.slow
@pytest.mark.parametrize("uri", ["http://127.0.0.1:{}", "postgresql://me:secret@127.0.0.1:{}/runs"])
def test_a_store_that_is_down(study: Project, uri: str) -> None:
    """A message and an exit status; afterwards nothing is trained again."""
    address = uri.format(free_port())
    study.set(study__confidence=0.9)
    said = study.run("dvc", "repro", "track", fails=True, MLFLOW_TRACKING_URI=address)
    assert "does not answer" in said and "start it, or unset MLFLOW_TRACKING_URI" in said
    assert "Traceback" not in said and "secret" not in said
    again = study.run("dvc", "repro")
    assert "Running stage 'track'" in again
    assert "Running stage 'train" not in again and "Running stage 'compare'" not in again


@pytest.mark.slow
def test_what_postgresql_refuses_is_said(study: Project) -> None:
    """No connection left, no right, no role, no database: one line, and nothing is trained."""
    with postgresql() as uri:
        host = uri.partition("host=")[2]
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute("create role full_up login connection limit 0")
            connection.execute("create role reader login")
        for user, database, words in (
            ("full_up", "mlflow", "has no connection left"),
            ("reader", "mlflow", "cannot be opened or written"),
            ("missing", "mlflow", "does not let you in"),
            ("surnames", "missing", "does not let you in"),
        ):
            address = f"postgresql://{user}@/{database}?host={host}"
            said = study.run("surnames", "verify", fails=True, MLFLOW_TRACKING_URI=address)
            assert words in said and "Traceback" not in said
            assert len(said.strip().splitlines()) == 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["PostgreSQL", "HTTP"])
def test_a_store_that_dies_while_it_is_written(kind: str, study: Project, tmp_path: Path) -> None:
    """One line; and another one, empty, gets the whole study."""
    with server(kind, tmp_path) as uri, ThreadPoolExecutor(1) as pool:
        said = pool.submit(study.run, *TRACK, fails=True, MLFLOW_TRACKING_URI=uri)
        client = MlflowClient(uri, uri)
        while not said.done():
            experiment = client.get_experiment_by_name(EXPERIMENT)
            if experiment and len(client.search_runs([experiment.experiment_id])) > 2:
                end_server(uri)
                break
        assert "does not answer as it must" in said.result()
        assert "Traceback" not in said.result()
    (tmp_path / "again").mkdir()
    with server(kind, tmp_path / "again") as uri:
        assert "MLflow: 20 runs added" in study.run(*TRACK, MLFLOW_TRACKING_URI=uri)


def test_half_of_dvc_lock_is_never_read(study: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """DVC writes it piece by piece under its own lock, for which the reader waits."""
    from dvc.lock import make_lock

    monkeypatch.chdir(study.folder)
    path = study.folder / "dvc.lock"
    whole, stages = path.read_text(), Counter(read_lock()["stages"])
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
    # the reader asks for DVC's lock first, and only then is the file completed
    monkeypatch.setattr("dvc.lock.make_lock", lambda *a, **k: (go.set(), make_lock(*a, **k))[1])
    assert Counter(read_lock()["stages"]) == stages
    writer.join()
