"""Put the MLflow store right: publish again what is wrong in it, or all where it is unusable."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from surnames.core.errors import StudyError
from surnames.tracking import registry, verify
from surnames.tracking.faults import Damaged, explain
from surnames.tracking.publish import code_tags, publish, unregistrable
from surnames.tracking.runs import published_runs
from surnames.tracking.session import publishing_lock
from surnames.tracking.sqlite_file import former_location, query, schema
from surnames.tracking.store import FINGERPRINT, STORE_ARTIFACTS, Store
from surnames.tracking.subjects import Snapshot

if TYPE_CHECKING:
    from mlflow import MlflowClient


def set_aside(store: Store, *faults: type[StudyError]) -> Path | None:
    """Move a SQLite store that is damaged, or was moved or copied, out of the way; where to.

    So is one that has one of the `faults`. None where the store can be used. Database and artifacts
    come into one folder, named after the database's last change: if this is interrupted, the next
    call moves the rest to the same place.
    """
    database = store.database
    if database is None or not database.is_file():
        return None
    try:
        with publishing_lock(store):
            if _sound(store, (Damaged, *faults)):
                return None
            changed = datetime.fromtimestamp(database.stat().st_mtime, UTC)
            folder = database.with_name(f"{changed:before-%Y%m%dT%H%M%S.%f}")
            folder.mkdir(exist_ok=True)
            journals = database.parent.glob(f"{database.name}-*")
            # the database last: as long as it is there, the next call comes here
            for path in (database.with_name(STORE_ARTIFACTS.name), *journals, database):
                if path.exists():
                    path.rename(folder / path.name)
    except OSError as error:
        raise explain(store, error) from None
    return folder


def _sound(store: Store, faults: tuple[type[StudyError], ...]) -> bool:
    """Whether a SQLite store can be used where it is."""
    try:
        schema(store)
        return query(store, "pragma quick_check") == [("ok",)] and not former_location(store)
    except faults:
        return False


def repair(client: "MlflowClient", store: Store, study: Snapshot) -> tuple[int, str]:
    """Delete what `verify` finds wrong in a store, and publish that again: what `publish` returns.

    Everything else keeps its ids, and versions stay where none can be registered. If it is
    interrupted, the next `dvc repro`, `surnames verify` or `surnames rebuild` sees what is missing.
    """
    wrong = {one for finding in verify.check(client, store, study) for one in finding.fingerprints}
    registering = not unregistrable(code_tags())
    with publishing_lock(store):
        for one in registry.list_versions(client) if registering else ():
            if one.tags[FINGERPRINT] in wrong:
                registry.delete_version(client, one)
        for run in published_runs(client):
            if run.data.tags[FINGERPRINT] in wrong:
                client.delete_run(run.info.run_id)
    return publish(client, store, study)
