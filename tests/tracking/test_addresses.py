"""The address of a store names one place, whatever the folder is called, and hides its password."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from surnames.core.errors import InputError
from surnames.tracking import publish
from surnames.tracking.faults import Damaged, OtherSchema, explain
from surnames.tracking.session import opened
from surnames.tracking.sqlite_file import expected_schema, query, schema
from surnames.tracking.store import Store, configured_store

FOLDERS = ["plain", "my%20study", "a b", "q?x=1#y", "100%", "страна 語 é", "a@b:c", "it's"]
NO_STORE = [
    "./mlruns",
    "file:///tmp/mlruns",
    "databricks",
    "sqlite://",
    "sqlite:///",
    "sqlite:///:memory:",
    "sqlite://host/x.db",
    "sqlite:////tmp",
    "sqlite:////tmp/a?b/x.db",
    "sqlite+aiosqlite:///x.db",
    "http://",
    "http://host:port",
    "http://host:99999",
    "http://[::1",
    "http://host\n",
    "postgresql://",
    "postgres://me@host/runs",
]


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_of_any_name(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow writes the store of this folder and of no other, and makes no folder beside it."""
    project = tmp_path / name
    project.mkdir()
    monkeypatch.chdir(project)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    store = configured_store()
    assert store.database == project / "mlflow/mlflow.db"
    assert make_url(store.uri).database == str(store.database)
    if name in ("my%20study", "q?x=1#y"):
        with opened(store) as client:
            client.create_experiment("surnames", store.artifacts)
        assert schema(store)
        assert [path.name for path in tmp_path.iterdir()] == [name]


def test_an_address_with_two_meanings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is written it is this folder, as SQLAlchemy reads it the neighbour's."""
    (tmp_path / "my%20study").mkdir()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/my%20study/mlflow.db")
    with pytest.raises(InputError, match="%25"):
        configured_store()


@pytest.mark.parametrize("uri", NO_STORE)
def test_an_address_that_is_no_store(monkeypatch: pytest.MonkeyPatch, uri: str) -> None:
    """The message names what would do, and the exit status is that of wrong input."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(InputError, match=r"postgresql://.*http://") as raised:
        configured_store()
    assert raised.value.status == 2


@pytest.mark.parametrize(
    "uri", ["postgresql://me:se:c@ret@host/runs", "postgresql:///runs?host=/tmp&password=secret"]
)
def test_no_password_is_shown(monkeypatch: pytest.MonkeyPatch, uri: str) -> None:
    """Neither in the store's name nor in what a driver says of it."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    store = configured_store()
    shown = f"{store} {explain(store, OSError(f'no answer from {uri}'))}"
    assert "***" in shown and "c@ret" not in shown and "secret" not in shown


def test_the_schema_is_the_one_that_mlflow_expects(tmp_path: Path) -> None:
    """Read from its migrations without an import; what it creates has the same."""
    store = Store(f"sqlite:///{tmp_path}/mlflow.db", tmp_path)
    assert schema(store) == ""
    with opened(store):
        pass
    assert schema(store) == expected_schema() != ""
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        database.execute("update alembic_version set version_num = 'ffffffffffff'")
    with pytest.raises(OtherSchema, match=r"ffffffffffff.*surnames rebuild"), opened(store):
        pass
    (tmp_path / "mlflow.db").write_bytes(b"garbage" * 100)
    with pytest.raises(Damaged, match="surnames rebuild"), opened(store):
        pass


def test_reading_takes_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store on a read-only disk can be read; a client there makes no file."""
    store = Store(f"sqlite:///{tmp_path}/mlflow.db", tmp_path)
    with opened(store):
        pass
    Path(f"{store.database}.lock").unlink(missing_ok=True)
    with opened(store) as client:
        client.search_registered_models()
    assert [path.name for path in tmp_path.iterdir()] == ["mlflow.db"]


REFUSALS = {
    "FATAL: password authentication failed for user": "correct MLFLOW_TRACKING_URI",
    "FATAL: sorry, too many clients already": "end other programs",
    "FATAL: remaining connection slots are reserved": "end other programs",
    "QueuePool limit of size 5 overflow 10 reached": "end other programs",
    "No module named 'MySQLdb'": "install it",
    "[Errno 28] No space left on device": "make room",
    "attempt to write a readonly database": "change its permissions",
    "API request to http://h:1/x failed with Connection refused": "start it",
}


@pytest.mark.parametrize("said", REFUSALS)
def test_what_refuses_is_named_with_what_mends_it(said: str, tmp_path: Path) -> None:
    """In one line, with the words that came."""
    text = str(explain(Store("postgresql://host/runs", tmp_path), RuntimeError(said)))
    assert said in text and REFUSALS[said] in text and len(text.splitlines()) == 1


def test_a_missing_result_is_not_the_stores_fault(tmp_path: Path) -> None:
    """Only files of the store itself are explained as such."""
    store = Store(f"sqlite:///{tmp_path}/mlflow/mlflow.db", tmp_path)
    other = FileNotFoundError(2, "No such file", str(tmp_path / "results/scores.csv"))
    assert explain(store, other) is other


def test_query_of_another_database(tmp_path: Path) -> None:
    """Without MLflow's tables there are no rows."""
    sqlite3.connect(tmp_path / "x.db").close()
    assert query(Store(f"sqlite:///{tmp_path}/x.db", tmp_path), "select * from runs") == []


@pytest.mark.parametrize(
    ("code", "environment", "words"),
    [
        ({}, {}, "not in git"),
        ({"commit": "c", "dirty": "true"}, {}, "not committed"),
        ({"commit": "c", "dirty": "false"}, {"DVC_EXP_BASELINE_REV": "c"}, "experiment"),
        ({"commit": "c", "dirty": "false"}, {"DVC_ROOT": "/"}, "experiment"),
        ({"commit": "c", "dirty": "false"}, {"DVC_EXP_AUTO_PUSH": "1"}, ""),
    ],
)
def test_what_registers_nothing(
    code: dict[str, str],
    environment: dict[str, str],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Dirty trees and experiments, but not a setting of DVC's that only sounds like one."""
    monkeypatch.chdir(tmp_path)
    for name in ("DVC_ROOT", "DVC_EXP_BASELINE_REV"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    reason = publish.unregistrable(code)
    assert words in reason and bool(reason) == bool(words)
