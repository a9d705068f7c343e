"""The runs that a store holds."""

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from surnames.core.errors import StudyError
from surnames.tracking.faults import REMADE, Damaged
from surnames.tracking.session import opened, unanswered
from surnames.tracking.sqlite_file import query, schema
from surnames.tracking.store import EXPERIMENT, FINGERPRINT, STORE_ARTIFACTS, Store, existing_store

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
    `surnames repro` with nothing to do. Raises StudyError for a store that is of no use, unless it
    is damaged: then it holds nothing.
    """
    if store.database is None:
        with opened(store) as client:
            return fingerprints <= finished_runs(published_runs(client)).keys()
    try:
        schema(store)
        rows = query(
            store,
            "select value, artifact_location from tags join runs using (run_uuid)"
            " join experiments using (experiment_id) where key = ? and status = 'FINISHED'"
            " and runs.lifecycle_stage = 'active'",
            FINGERPRINT,
        )
    except Damaged:
        return False
    if rows and not store.database.with_name(STORE_ARTIFACTS.name).is_dir():
        raise StudyError(f"the files of the MLflow store {store} are gone; {REMADE}")
    return fingerprints <= {value for value, location in rows if location == store.artifacts}


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
