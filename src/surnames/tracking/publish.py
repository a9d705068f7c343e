"""The MLflow store: a view of dvc.lock and the results, published once and never twice."""

import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
import time
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from surnames.core import files
from surnames.core.corpus import LANGUAGES
from surnames.core.errors import StudyError
from surnames.project import PIPELINE
from surnames.study import comparison
from surnames.study.comparison import DataSet
from surnames.tracking import registry
from surnames.tracking import run_record as publication
from surnames.tracking.run_record import Publication, Study, Subject
from surnames.tracking.saved_views import EXPERIMENT_TAGS
from surnames.tracking.store import (
    EXPERIMENT,
    FINGERPRINT,
    NOTE,
    RUNS_A_PAGE,
    Store,
    alone,
    file_lock,
    opened,
    present,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput, Run

METRICS_A_BATCH, PARAMETERS_A_BATCH = 1000, 100  # MLflow's limits
# what results are made from; the rest is written by stages, or about the study
CODE = (
    "data/starter", "dvc.yaml", "params.yaml", "claims.yaml", "pipeline", "requirements.lock",
    "src",
)  # fmt: skip


def publish(client: "MlflowClient", place: Store, study: Study) -> int:
    """Create what the store lacks of a study's subjects and models; how many runs that were.

    What is missing is put into words before the store is taken. A run that its publisher did not
    finish is deleted and made anew; so are doubles, of which the oldest stays.
    """
    known = _whole(runs(client))
    said = describe(study, [one for one in study.subjects if one.fingerprint not in known])
    code, inputs = code_tags(), _dataset_input(study.data_set)
    added = 0
    with alone(place, client):
        experiment = _experiment(client, place)
        present = _tidied(client)
        for subject in reversed(study.subjects):  # the UI shows the latest first: our own order
            if subject.fingerprint not in present:
                if subject.fingerprint not in said:  # somebody deleted it just now
                    said |= describe(study, [subject])
                _create(client, experiment, said[subject.fingerprint], code, inputs)
                added += 1
        # again: a lease may have been taken over from us
        present = _tidied(client) if added else present
        registry.register(client, experiment, study, present, code)
    return added


def describe(study: Study, subjects: list[Subject]) -> dict[str, Publication]:
    """What is to be said of these, by fingerprint, which is among the tags."""
    results = {
        str(one.run): one
        for one in comparison.gather(
            {str(subject.run): subject.run for subject in subjects}.values()
        )
    }
    found = {}
    for subject in subjects:
        said = publication.describe(subject, results[str(subject.run)], study)
        tags = said.tags | {FINGERPRINT: subject.fingerprint, NOTE: said.description}
        found[subject.fingerprint] = replace(said, tags=tags)
    return found


def runs(client: "MlflowClient") -> "list[Run]":
    """Every run with a fingerprint, the oldest first; none where there is no experiment."""
    experiment = client.get_experiment_by_name(EXPERIMENT)
    if experiment is None:
        return []
    found: list[Run] = []
    token = None
    while True:
        page = client.search_runs(
            [experiment.experiment_id], f"tags.`{FINGERPRINT}` LIKE '%'", max_results=RUNS_A_PAGE,
            page_token=token,
        )  # fmt: skip
        found += page
        token = page.token
        if not token:
            return sorted(found, key=lambda run: (run.info.start_time, run.info.run_id))


def holds(place: Store, fingerprints: set[str]) -> bool:
    """Whether the store has a finished run for each of these, and was made for where it is.

    SQLite is asked without MLflow, whose import would take longer than all the rest of a
    `surnames repro` that has nothing to do.
    """
    if place.database is None:
        with opened(place) as client:
            return fingerprints <= _whole(runs(client)).keys()
    if not place.database.is_file():
        return False
    with closing(sqlite3.connect(f"{place.database.resolve().as_uri()}?mode=ro", uri=True)) as file:
        try:
            found = file.execute(
                "select value, artifact_location from tags join runs using (run_uuid)"
                " join experiments using (experiment_id) where key = ? and status = 'FINISHED'"
                " and runs.lifecycle_stage = 'active'",
                (FINGERPRINT,),
            ).fetchall()
        except sqlite3.DatabaseError:  # no database, or not MLflow's
            return False
    return fingerprints <= {value for value, kept in found if kept == place.artifacts}


def _whole(found: "list[Run]") -> dict[str, str]:
    """The oldest finished run of each fingerprint."""
    whole: dict[str, str] = {}
    for run in found:
        if run.info.status == "FINISHED":
            whole.setdefault(run.data.tags[FINGERPRINT], run.info.run_id)
    return whole


def _tidied(client: "MlflowClient") -> dict[str, str]:
    """The run of each fingerprint; doubles and what was never finished are deleted on the way."""
    from mlflow.exceptions import MlflowException

    found = runs(client)
    kept = _whole(found)
    for run in found:
        if kept.get(run.data.tags[FINGERPRINT]) != run.info.run_id:
            with suppress(MlflowException):  # another publisher has deleted it already
                client.delete_run(run.info.run_id)
    return kept


def _experiment(client: "MlflowClient", place: Store) -> str:
    """The experiment's id; created, brought back or given its present description."""
    found = client.get_experiment_by_name(EXPERIMENT)
    if found is None:
        return client.create_experiment(EXPERIMENT, place.artifacts, EXPERIMENT_TAGS)
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    for key, value in EXPERIMENT_TAGS.items():
        if found.tags.get(key) != value:
            client.set_experiment_tag(found.experiment_id, key, value)
    return found.experiment_id


def code_tags() -> dict[str, str]:
    """The commit that the code is of, and whether it was altered since; nothing outside git.

    That is the last commit which changed what results are made from: committing the results, or a
    page of the documentation, is no other code.
    """
    commit = _git("log", "-1", "--format=%H", "--", *CODE)
    if not commit:
        return {}
    return {
        "commit": commit,
        "dirty": str(bool(_git("status", "--porcelain", "--", *CODE))).lower(),
    }


def _git(*arguments: str) -> str:
    """What git says, or nothing where there is no git or no repository."""
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _dataset_input(data_set: DataSet) -> "DatasetInput":
    """The data set as MLflow knows one. Its digest holds 36 characters, so ours is cut there."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    source = json.dumps({"uri": str(files.RAW)})
    profile = json.dumps({"identity": data_set["identity"], "languages": len(LANGUAGES)})
    name, start = data_set["name"], data_set["identity"][:36]
    return DatasetInput(
        Dataset(name, start, "dvc", source, profile=profile),
        [InputTag("mlflow.data.context", "training")],
    )


def _create(
    client: "MlflowClient",
    experiment: str,
    said: Publication,
    code: dict[str, str],
    inputs: "DatasetInput",
) -> None:
    """A whole run; it counts as finished only when all of it is there."""
    from mlflow.entities import Metric, Param

    tags = said.tags | code
    tags |= {"mlflow.source.name": str(PIPELINE), "mlflow.source.type": "LOCAL"}
    tags |= {f"mlflow.source.git.{key}": value for key, value in code.items()}  # the UI's own
    run = client.create_run(experiment, run_name=said.name, tags=tags).info.run_id
    now = int(1000 * time.time())
    metrics = [Metric(key, value, now, step) for key, value, step in said.metrics]
    parameters = [Param(key, value) for key, value in said.parameters.items()]
    client.log_batch(run, metrics[:METRICS_A_BATCH], parameters[:PARAMETERS_A_BATCH])
    for first in range(METRICS_A_BATCH, len(metrics), METRICS_A_BATCH):
        client.log_batch(run, metrics[first : first + METRICS_A_BATCH])
    client.log_inputs(run, [inputs])
    if said.artifacts:
        with tempfile.TemporaryDirectory() as folder:
            for path, text in said.artifacts.items():
                (Path(folder) / path).parent.mkdir(exist_ok=True)
                (Path(folder) / path).write_text(text, encoding="utf-8", newline="")
            client.log_artifacts(run, folder)
    client.set_terminated(run)


def tags_of(run: str) -> dict[str, str]:
    """The tags of the run with this id; StudyError where the store has no such run."""
    place = present()
    with opened(place) as client:
        from mlflow.exceptions import MlflowException

        try:
            return dict(client.get_run(run).data.tags)
        except MlflowException as error:
            raise StudyError(f"{place.uri} has no run {run}: {error.message}") from None


# Making a SQLite store anew


def moved(client: "MlflowClient", place: Store) -> str | None:
    """Where a SQLite store's artifacts were, if that is not where they are now.

    MLflow keeps absolute paths: a copied project would go on writing into the folder of the
    original.
    """
    found = client.get_experiment_by_name(EXPERIMENT) if place.database else None
    kept = found.artifact_location.removeprefix("file://") if found else place.artifacts
    return kept if kept != place.artifacts else None


def make_anew(place: Store, study: Study) -> tuple[int, Path | None]:
    """Build a SQLite store beside the present one and put it in its place; (runs, the old one).

    Interrupted, it leaves the present one as it was. Where that holds other studies, which
    dvc.lock tells nothing of, its database stays under another name, with its artifacts.
    """
    assert place.database is not None
    database = place.database
    beside = replace(
        place,
        uri=f"sqlite:///{database.with_name('.rebuilding.db')}",
        lock=database.with_name(".rebuilding.lock"),
    )
    assert beside.database is not None
    with file_lock(place):
        beside.database.unlink(missing_ok=True)
        others, title = _carried(place, {one.fingerprint for one in study.subjects})
        with opened(beside) as client:
            added = publish(client, beside, study)
            if title is not None:
                registry.crown_again(client, *title)
            kept = {run.info.run_id for run in runs(client)}
            kept |= {str(one.source).rsplit("/", 1)[-1] for one in registry.versions(client)}
        former = None
        if others:
            former = database.with_name(f"{datetime.now(UTC):before-%Y%m%dT%H%M%S}.db")
            os.link(database, former)
        os.replace(beside.database, database)
        beside.lock.unlink(missing_ok=True)
        if not list(database.parent.glob("before-*.db")):
            _sweep(Path(place.artifacts or ""), kept)
    return added, former


def _carried(place: Store, ours: set[str]) -> tuple[bool, tuple[str, str, str] | None]:
    """Whether a store holds more than these runs, and who is its champion; a broken one may."""
    from sqlalchemy.exc import SQLAlchemyError

    if place.database is None or not place.database.is_file():
        return False, None
    try:
        with opened(place, locked=True) as client:
            found = {run.data.tags[FINGERPRINT] for run in runs(client)}
            return not found <= ours, registry.crowned(client)
    except (SQLAlchemyError, StudyError):
        return True, None


def _sweep(artifacts: Path, kept: set[str]) -> None:
    """Delete the folders of runs and models that are not of these."""
    for folder in [*artifacts.glob("*"), *artifacts.glob("models/*")]:
        if folder.name not in kept | {"models"}:
            shutil.rmtree(folder)
