"""The runs that a store holds."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any

from surnames.core.errors import StudyError
from surnames.tracking.session import opened, unanswered
from surnames.tracking.store import EXPERIMENT, FINGERPRINT, Store, existing_store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

PAGE = 10000


def published_runs(client: "MlflowClient") -> "list[Run]":
    """Every run with a fingerprint, by id; none where there is no experiment."""
    from mlflow.utils import get_results_from_paginated_fn

    experiment = client.get_experiment_by_name(EXPERIMENT)
    if experiment is None:
        return []
    where, question = [experiment.experiment_id], f"tags.`{FINGERPRINT}` LIKE '%'"
    search = partial(client.search_runs, where, question)
    runs = get_results_from_paginated_fn(  # type: ignore[no-untyped-call]
        lambda number, token: search(max_results=number, page_token=token), PAGE
    )
    return sorted(runs, key=lambda run: run.info.run_id)


def finished_runs(runs: "Iterable[Run]") -> dict[str, str]:
    """The id of the finished run of each fingerprint; the lowest where there are several."""
    finished = [run for run in runs if run.info.status == "FINISHED"]
    highest_first = sorted(finished, key=lambda run: run.info.run_id, reverse=True)
    return {run.data.tags[FINGERPRINT]: run.info.run_id for run in highest_first}


def holds(store: Store, fingerprints: set[str]) -> bool:
    """Whether a store has a finished run for each of these, and was not moved or copied.

    SQLite is read without MLflow, whose import would take longer than the rest of a
    `surnames repro` with nothing to do.
    """
    if store.database is None:
        with opened(store) as client:
            return fingerprints <= finished_runs(published_runs(client)).keys()
    rows = query(
        store,
        "select value, artifact_location from tags join runs using (run_uuid)"
        " join experiments using (experiment_id) where key = ? and status = 'FINISHED'"
        " and runs.lifecycle_stage = 'active'",
        FINGERPRINT,
    )
    return fingerprints <= {value for value, location in rows if location == store.artifacts}


def former_location(store: Store) -> str | None:
    """Where a SQLite store's artifacts were, if the project was moved or copied since.

    MLflow keeps absolute paths: a copy would go on writing into the folder of the original.
    """
    rows = query(store, "select artifact_location from experiments where name = ?", EXPERIMENT)
    here = (store.artifacts or "").removeprefix("file://")
    locations = [location.removeprefix("file://") for [location] in rows]
    return next((location for location in locations if location != here), None)


def query(store: Store, statement: str, *values: str) -> list[tuple[Any, ...]]:
    """Rows of a SQLite store, read without MLflow; none where it cannot be read, or is no SQLite.

    MLflow would go on using a file that is moved away later.
    """
    if store.database is None or not store.database.is_file():
        return []
    address = f"{store.database.resolve().as_uri()}?mode=rw"  # a killed writer's journal is undone
    with closing(sqlite3.connect(address, uri=True)) as connection:
        try:
            return connection.execute(statement, values).fetchall()
        except sqlite3.OperationalError as error:
            if "no such" in str(error):  # not MLflow's
                return []
            raise StudyError(
                f"the MLflow store {store}: {error}; end the program that uses it, or change the "
                "file's permissions, and repeat the command"
            ) from None
        except sqlite3.DatabaseError:  # no database
            return []


def tags_of(run_id: str) -> dict[str, str]:
    """The tags of a run; StudyError where the store has no run with this id."""
    store = existing_store()
    with opened(store) as client:
        from mlflow.exceptions import MlflowException

        try:
            return dict(client.get_run(run_id).data.tags)
        except MlflowException as error:
            if unanswered(error):
                raise
            raise StudyError(f"{store} has no run {run_id}: {error.message}") from None
