"""Put the MLflow store right: publish again what is wrong in it, or all where it is unusable."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from surnames.tracking import registry, verify
from surnames.tracking.publish import publish
from surnames.tracking.runs import former_location, published_runs, query
from surnames.tracking.session import publishing_lock
from surnames.tracking.store import FINGERPRINT, STORE_ARTIFACTS, Store
from surnames.tracking.subjects import Snapshot

if TYPE_CHECKING:
    from mlflow import MlflowClient


def set_aside(store: Store, any_schema: bool = True) -> Path | None:
    """Move a SQLite store that is broken, or was moved or copied, out of the way; where to.

    None where the store can be used, or with `any_schema`, could be but for its schema. Database
    and artifacts come into one folder, named after the database's last change: if this is
    interrupted, the next call moves the rest to the same place.
    """
    database = store.database
    with publishing_lock(store):
        if database is None or not database.is_file():
            return None
        sound = query(store, "pragma quick_check") == [("ok",)]
        if not any_schema:
            sound = sound and query(store, "select version_num from alembic_version") == [(head(),)]
        if sound and not former_location(store):
            return None
        changed = datetime.fromtimestamp(database.stat().st_mtime, UTC)
        folder = database.with_name(f"{changed:before-%Y%m%dT%H%M%S.%f}")
        folder.mkdir(exist_ok=True)
        journals = database.parent.glob(f"{database.name}-*")
        # the database last: as long as it is there, the next call comes here
        for path in (database.with_name(STORE_ARTIFACTS.name), *journals, database):
            if path.exists():
                path.rename(folder / path.name)
    return folder


def head() -> str:
    """The version of the tables that this MLflow expects."""
    import mlflow
    from alembic.script import ScriptDirectory

    migrations = Path(mlflow.__file__).parent / "store/db_migrations"
    return str(ScriptDirectory(str(migrations)).get_current_head())


def repair(client: "MlflowClient", store: Store, study: Snapshot) -> int:
    """Delete what `verify` finds wrong in a store, and publish that again; how many runs.

    Everything else keeps its ids. If it is interrupted, the next `dvc repro`, `surnames verify` or
    `surnames rebuild` sees what is missing.
    """
    wrong = {one for finding in verify.check(client, store, study) for one in finding.fingerprints}
    with publishing_lock(store):
        for one in registry.list_versions(client):
            if one.tags[FINGERPRINT] in wrong:
                registry.delete_version(client, one)
        for run in published_runs(client):
            if run.data.tags[FINGERPRINT] in wrong:
                client.delete_run(run.info.run_id)
    return publish(client, store, study)
