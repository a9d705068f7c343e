"""Publish the study to MLflow: what the store lacks of it, and nothing twice."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from surnames.core import files
from surnames.core.corpus import LANGUAGES
from surnames.core.errors import StudyError
from surnames.git import git_or_nothing
from surnames.project import PIPELINE
from surnames.study.comparison import DataSet
from surnames.tracking import registry
from surnames.tracking.candidates import find_candidates
from surnames.tracking.run_record import RunRecord, build_run_records
from surnames.tracking.runs import finished_runs, published_runs
from surnames.tracking.saved_views import experiment_tags
from surnames.tracking.session import publishing_lock, unanswered
from surnames.tracking.store import EXPERIMENT, FINGERPRINT, Store
from surnames.tracking.subjects import Snapshot

if TYPE_CHECKING:
    from mlflow import MlflowClient

METRICS_A_BATCH = 1000  # MLflow's limit
ROUNDS = 20  # 3 suffice unless others publish at the same time, without a lock
# what results are made from; everything else is written by stages, or documentation
CODE = ["data/starter", "pipeline", "src", "requirements.lock", "torch.lock"]
CODE += ["dvc.yaml", "params.yaml", "claims.yaml"]


def publish(client: "MlflowClient", store: Store, study: Snapshot) -> tuple[int, str]:
    """Create the runs and model versions of a study that the store lacks.

    Returns the number of runs, and why no version was registered, or "" if they may be.

    Without a lock (see `publishing_lock`) several may publish at the same time. Each then deletes
    duplicates by the same rule, whoever made them, and looks again after every change of its own,
    so that whoever makes the last change sees that the store is as it must be. Raises StudyError
    where that takes more than ROUNDS.
    """
    from mlflow.exceptions import MlflowException

    # all of this before the lock is taken
    known = finished_runs(published_runs(client))
    missing = [one for one in study.subjects if one.fingerprint not in known]
    records = build_run_records(study, missing)
    candidates, code = find_candidates(study), code_tags()
    unregistered = unregistrable(code)
    created: set[str] = set()
    conflict: Exception | None = None
    with publishing_lock(store):
        for _ in range(ROUNDS):
            try:
                experiment = _experiment(client, store)
                runs, deleted = delete_duplicates(client)
                missing = [one for one in study.subjects if one.fingerprint not in runs]
                for subject in reversed(missing):  # the UI shows the latest first
                    if subject.fingerprint not in records:  # deleted since
                        records |= build_run_records(study, [subject])
                    _create(client, experiment, records[subject.fingerprint], code, study.data_set)
                    created.add(subject.fingerprint)
                if missing or deleted:
                    continue
                if unregistered or registry.register(
                    client, store, experiment, study, candidates, runs, code
                ):
                    return len(created), unregistered
            except MlflowException as error:
                # another publisher was faster, or deleted what this one was about to change
                if store.lockable or unanswered(error):
                    raise
                conflict = error
    raise StudyError(
        f"not published to {store} after {ROUNDS} attempts; the last error: {conflict}"
    )


def delete_duplicates(client: "MlflowClient") -> tuple[dict[str, str], bool]:
    """Leave one run for each finished fingerprint; their ids, and whether any run was deleted.

    The finished run with the lowest id stays: publishers that delete at the same time, in whatever
    order, keep the same one.
    """
    runs = published_runs(client)
    kept = finished_runs(runs)
    surplus = [
        run.info.run_id
        for run in runs
        if kept.get(run.data.tags[FINGERPRINT], run.info.run_id) != run.info.run_id
    ]
    for run_id in surplus:
        client.delete_run(run_id)
    return kept, bool(surplus)


def _experiment(client: "MlflowClient", store: Store) -> str:
    """The experiment's id; it is created, restored or given its present tags where needed."""
    experiment = client.get_experiment_by_name(EXPERIMENT)
    if experiment is None:
        return client.create_experiment(EXPERIMENT, store.artifacts, experiment_tags())
    if experiment.lifecycle_stage == "deleted":
        client.restore_experiment(experiment.experiment_id)
    for key, value in experiment_tags().items():
        if experiment.tags.get(key) != value:
            client.set_experiment_tag(experiment.experiment_id, key, value)
    return experiment.experiment_id


def code_tags() -> dict[str, str]:
    """The commit of the code, and whether the code was changed since; empty outside git.

    It is the last commit that changed what results are made from: committing the results, or a
    page of the documentation, does not change the code.
    """
    commit = git_or_nothing("log", "-1", "--format=%H", "--", *CODE)
    dirty = bool(git_or_nothing("status", "--porcelain", "--", *CODE))
    return {"commit": commit, "dirty": str(dirty).lower()} if commit else {}


def unregistrable(code: dict[str, str]) -> str:
    """Why nothing is registered from here, or "": others use what the registry's aliases name.

    `code` is what `code_tags` returns. DVC tells the stages of its experiments what these are based
    on, and those that it does not run in the work tree have their own folder.
    """
    if not code:
        return "this folder is not in git"
    if code["dirty"] == "true":
        return "the work tree has changes that are not committed"
    elsewhere = Path(os.environ.get("DVC_ROOT") or Path.cwd()).resolve() != Path.cwd().resolve()
    if elsewhere or "DVC_EXP_BASELINE_REV" in os.environ:
        return "this is an experiment; apply it and commit"
    return ""


def _create(
    client: "MlflowClient",
    experiment: str,
    record: RunRecord,
    code: dict[str, str],
    data_set: DataSet,
) -> None:
    """Create a run, which gets the status FINISHED only when it is complete."""
    from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param

    tags = record.tags | code
    tags |= {"mlflow.source.name": str(PIPELINE), "mlflow.source.type": "LOCAL"}
    tags |= {f"mlflow.source.git.{key}": value for key, value in code.items()}  # the UI's own
    info = client.create_run(experiment, run_name=record.name, tags=tags).info
    run, now = info.run_id, info.start_time
    metrics = [Metric(key, value, now, step) for key, value, step in record.metrics]
    client.log_batch(run, params=[Param(*pair) for pair in record.parameters.items()])
    for first in range(0, len(metrics), METRICS_A_BATCH):
        client.log_batch(run, metrics[first : first + METRICS_A_BATCH])
    source = json.dumps({"uri": str(files.RAW)})
    profile = json.dumps({"identity": data_set["identity"], "languages": len(LANGUAGES)})
    digest = data_set["identity"][:36]  # MLflow's longest
    used = Dataset(data_set["name"], digest, "dvc", source, profile=profile)
    client.log_inputs(run, [DatasetInput(used, [InputTag("mlflow.data.context", "training")])])
    for path, text in record.artifacts.items():
        client.log_text(run, text, path)
    client.set_terminated(run)
