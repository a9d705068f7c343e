"""Make the MLflow store again: the project's own from nothing, a shared one where it is wrong."""

import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from surnames.core.errors import StudyError
from surnames.tracking import registry, verify
from surnames.tracking.publish import publish
from surnames.tracking.registry import CHAMPION, DECISION, REASON
from surnames.tracking.runs import published_runs
from surnames.tracking.session import opened, publishing_lock
from surnames.tracking.store import FINGERPRINT, MODEL, Store
from surnames.tracking.subjects import Snapshot

if TYPE_CHECKING:
    from mlflow import MlflowClient

Champion = tuple[dict[str, str], str]  # the tags of its version, the latest decision


def rebuild(store: Store, study: Snapshot) -> tuple[int, Path | None]:
    """Build a SQLite store beside the present one and replace that; (runs, the former database).

    If it is interrupted, the present store stays as it was. A database that also held other
    studies, which dvc.lock knows nothing about, is kept under another name, with its artifacts.
    """
    assert store.database is not None
    database = store.database
    new = replace(store, uri=f"sqlite:///{database.with_name('.rebuilding.db')}")
    assert new.database is not None
    with publishing_lock(store):
        new.database.unlink(missing_ok=True)
        others, champion = _contents(store, {one.fingerprint for one in study.subjects})
        with opened(new) as client:
            added = publish(client, new, study)
            if champion is not None:
                _restore_champion(client, champion)
            kept = {run.info.run_id for run in published_runs(client)}
            kept |= {registry.model_id(one) for one in registry.list_versions(client)}
        former = None
        if others:
            former = database.with_name(f"{datetime.now(UTC):before-%Y%m%dT%H%M%S}.db")
            os.link(database, former)
        os.replace(new.database, database)
        Path(f"{new.database}.lock").unlink(missing_ok=True)
        if not list(database.parent.glob("before-*.db")):
            _delete_artifacts(Path(store.artifacts or ""), kept)
    return added, former


def _contents(store: Store, ours: set[str]) -> tuple[bool, Champion | None]:
    """Whether a store holds more than these runs, and its champion; a broken one may hold more."""
    from sqlalchemy.exc import SQLAlchemyError

    if store.database is None or not store.database.is_file():
        return False, None
    try:
        with opened(store) as client:
            present = {run.data.tags[FINGERPRINT] for run in published_runs(client)}
            model = registry.registered_model(client)
            number = model.aliases.get(CHAMPION) if model else None
            if model is None or number is None:
                return not present <= ours, None
            champion = client.get_model_version(MODEL, str(number)).tags
            return not present <= ours, (champion, model.tags.get(DECISION, ""))
    except (SQLAlchemyError, StudyError):
        return True, None


def _restore_champion(client: "MlflowClient", champion: Champion) -> None:
    """Make the same network the champion as in the former store, if this one has it."""
    tags, decision = champion
    for one in registry.list_versions(client):
        if one.tags[FINGERPRINT] == tags.get(FINGERPRINT):
            client.set_model_version_tag(MODEL, one.version, REASON, tags.get(REASON, ""))
            client.set_registered_model_alias(MODEL, CHAMPION, one.version)
            client.set_registered_model_tag(MODEL, DECISION, decision)


def _delete_artifacts(artifacts: Path, kept: set[str]) -> None:
    """Delete the folders of all runs and logged models but these."""
    for folder in [*artifacts.glob("*"), *artifacts.glob("models/*")]:
        if folder.name not in kept | {"models"}:
            shutil.rmtree(folder)


def repair(client: "MlflowClient", store: Store, study: Snapshot) -> int:
    """Delete what `verify` finds wrong in a shared store, and publish that again; how many runs.

    Everything else keeps its ids. If it is interrupted, the next `dvc repro`, `surnames verify` or
    `surnames rebuild` sees what is missing.
    """
    findings = verify.check(client, store, study)
    wrong = {fingerprint for finding in findings for fingerprint in finding.fingerprints}
    with publishing_lock(store):
        for one in registry.list_versions(client) if registry.registered_model(client) else []:
            if one.tags[FINGERPRINT] in wrong:
                registry.delete_version(client, one)
        for run in published_runs(client):
            if run.data.tags[FINGERPRINT] in wrong:
                client.delete_run(run.info.run_id)
    return publish(client, store, study)
