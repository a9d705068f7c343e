"""The MLflow store: a view of dvc.lock and the results, published once and never twice.

The one module that imports mlflow, and only where it is needed: that costs 1 to 3 s.
"""

import hashlib
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import safetensors.numpy

from surnames import comparison, heatmap, publication, scoring
from surnames.comparison import DataSet, Results
from surnames.core import alphabet, files
from surnames.core.corpus import LANGUAGES
from surnames.core.errors import StudyError
from surnames.networks import models
from surnames.publication import Publication, Row, Study, Subject

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.models import ModelSignature

EXPERIMENT = "surnames"
MODEL = "surname-origin"
ALIASES = {"tutorial": "tutorial_2017", "fixed": "fixed"}
FINGERPRINT = "surnames.fingerprint"
NOTE = "mlflow.note.content"
METRICS_A_BATCH, PARAMETERS_A_BATCH = 1000, 100  # MLflow's limits
RUNS_A_PAGE = 10000
REQUIREMENTS = ("mlflow", "numpy", "pandas", "safetensors")
EXAMPLE = ["Satoshi", "Jackson", "Ślusàrski", "O'Néàl"]

DESCRIPTION = (
    "**Did fixing the PyTorch character-RNN tutorial help, which part of the fix did it, and does "
    "it hold on names the network has not seen?**\n\n"
    "- `tags.kind = 'run'`: an architecture under a protocol, with means, intervals, the confusion "
    "matrix (Artifacts) and the mean learning curve.\n"
    "- `tags.kind = 'network'`: each trained network by itself. Views, at the right above, groups "
    "these by architecture and protocol; as charts they draw a mean and a band each.\n"
    "- Models: `surname-origin`, a version for each architecture.\n\n"
    "A view of `dvc.lock`: `dvc repro` publishes what is missing, and nothing twice. The whole "
    "story is in `reports/index.html`."
)


def _view(title: str, kind: str, columns: Sequence[str], group: Sequence[str]) -> str:
    """A saved view of the runs table as the UI itself writes one (undocumented: see its test)."""
    name = "attributes.`Run Name`"
    shown = [f"metrics.`scores/{column}`" for column in columns]
    state = {
        "searchFilter": f"tags.kind = '{kind}'",
        "orderByKey": "attributes.start_time",
        "orderByAsc": False,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": shown,
        "columnOrder": [name, *shown],  # without it the widths are not heeded
        "columnWidths": {name: 330, **dict.fromkeys(shown, 240)},
        "runsHiddenMode": "FIRST_20_RUNS",
        "useGroupedValuesInCharts": True,
        "hideEmptyCharts": True,
        "groupBy": {
            "aggregateFunction": "average",
            "groupByKeys": [{"mode": "tag", "groupByData": tag} for tag in group],
        }
        if group
        else None,
    }
    return json.dumps({"name": title, "createdAt": 0, "updatedAt": 0, "state": json.dumps(state)})


VIEWS = {
    "runs": _view(
        "Means and intervals",
        "run",
        ("macro_recall", "interval/macro_recall_low", "interval/macro_recall_high", "accuracy"),
        (),
    ),
    "networks": _view(
        "Networks by architecture",
        "network",
        ("macro_recall", "accuracy", "log_loss"),
        ("run",),
    ),
}
EXPERIMENT_TAGS = {
    "mlflow.experimentKind": "custom_model_development",
    NOTE: DESCRIPTION,
    **{f"mlflow.sharedViewState.{key}": view for key, view in VIEWS.items()},
}


@dataclass(frozen=True)
class Store:
    """Where runs are kept; `artifacts` is None where a server decides."""

    uri: str
    artifacts: str | None
    lock: Path

    @property
    def database(self) -> Path | None:
        """The SQLite file, if it is one."""
        scheme = "sqlite:///"
        return Path(self.uri.removeprefix(scheme)) if self.uri.startswith(scheme) else None


def store() -> Store:
    """MLFLOW_TRACKING_URI, or the project's own SQLite file.

    MLflow keeps absolute paths. In the temporary folder of `dvc exp run --temp` a path of that
    folder would be lost with it, so DVC_ROOT counts, which names the main checkout.
    """
    project = Path(os.environ.get("DVC_ROOT") or Path.cwd()).resolve()
    uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{project / files.STORE_DATABASE}"
    found = Store(uri, str(project / files.STORE_ARTIFACTS), project / files.STORE / ".lock")
    if found.database is not None:
        folder = found.database.parent
        return Store(uri, str(folder.resolve() / files.STORE_ARTIFACTS.name), folder / ".lock")
    return Store(uri, None, found.lock) if uri.startswith(("http:", "https:")) else found


@contextmanager
def opened(place: Store) -> "Iterator[MlflowClient]":
    """A client of the store, which is created where it is missing; ours alone until it is closed.

    Several processes that open a new SQLite store at once break it, and two that look for the same
    run before either creates it create it twice: hence the lock around all of it.
    """
    from filelock import FileLock

    place.lock.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(place.lock):
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
        os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
        import mlflow

        for name in ("alembic", "mlflow"):  # they tell of every table that they create
            logging.getLogger(name).setLevel(logging.WARNING)
        mlflow.set_tracking_uri(place.uri)
        mlflow.set_registry_uri(place.uri)
        yield mlflow.MlflowClient(place.uri, place.uri)


def publish(client: "MlflowClient", place: Store, study: Study) -> int:
    """Create what the store lacks of a study's subjects and models; how many runs that were.

    To be called with the client of `opened`. A run that its publisher did not finish is deleted
    and made anew.
    """
    experiment = _experiment(client, place)
    present = _present(client, experiment)
    missing = [subject for subject in study.subjects if subject.fingerprint not in present]
    results = {
        str(one.run): one
        for one in comparison.gather({str(subject.run): subject.run for subject in missing})
    }
    code, inputs = _code_tags(), _dataset_input(study.data_set)
    for subject in reversed(missing):  # the UI shows the latest first: the study's own order
        found = results[str(subject.run)]
        said = publication.describe(subject, found, study)
        run = _create(client, experiment, subject, said, code, inputs)
        if subject.replicate is None:
            _log_confusion(client, run, found, said.tags["data_set"])
        client.set_terminated(run)
        present[subject.fingerprint] = run
    _register(client, experiment, study, present)
    return len(missing)


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


def _present(client: "MlflowClient", experiment: str) -> dict[str, str]:
    """The run of each fingerprint; runs that were never finished are deleted on the way."""
    present, token = {}, None
    while True:
        page = client.search_runs(
            [experiment], f"tags.`{FINGERPRINT}` LIKE '%'", max_results=RUNS_A_PAGE,
            page_token=token,
        )  # fmt: skip
        for run in page:
            if run.info.status == "FINISHED":
                present[run.data.tags[FINGERPRINT]] = run.info.run_id
            else:
                client.delete_run(run.info.run_id)
        token = page.token
        if not token:
            return present


def _code_tags() -> dict[str, str]:
    """Which commit the code is of, and whether it was altered since; nothing outside git.

    What stages write and the README's table are no code: `dvc repro` itself changes them.
    """
    commit = _git("rev-parse", "HEAD")
    if not commit:
        return {}
    written = (files.LOCK, files.README, files.SUMMARY.parent, files.REPORT.parent)
    changed = _git("status", "--porcelain", "--", ".", *(f":!{path}" for path in written))
    return {"commit": commit, "dirty": str(bool(changed)).lower()}


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
    subject: Subject,
    said: Publication,
    code: dict[str, str],
    inputs: "DatasetInput",
) -> str:
    """A run with everything but its files; its id. It stays unfinished."""
    from mlflow.entities import Metric, Param

    tags = said.tags | code | {FINGERPRINT: subject.fingerprint, NOTE: said.description}
    tags |= {"mlflow.source.name": str(files.PIPELINE), "mlflow.source.type": "LOCAL"}
    tags |= {f"mlflow.source.git.{key}": value for key, value in code.items()}  # the UI's own
    run = client.create_run(experiment, run_name=said.name, tags=tags).info.run_id
    now = int(1000 * time.time())
    metrics = [Metric(key, value, now, step) for key, value, step in said.metrics]
    parameters = [Param(key, value) for key, value in said.parameters.items()]
    client.log_batch(run, metrics[:METRICS_A_BATCH], parameters[:PARAMETERS_A_BATCH])
    for first in range(METRICS_A_BATCH, len(metrics), METRICS_A_BATCH):
        client.log_batch(run, metrics[first : first + METRICS_A_BATCH])
    client.log_inputs(run, [inputs])
    return run


def _log_confusion(client: "MlflowClient", run: str, results: Results, data_set: str) -> None:
    """The confusion matrix as a picture, as DVC's table and as a table that the UI shows."""
    place = (results.run.protocol, results.run.architecture)
    named = results.confusion.sum(axis=1, keepdims=True)
    shares = (results.confusion / np.maximum(named, 1)).tolist()
    figure = heatmap.draw(shares, LANGUAGES, title=f"{place[1]}, {place[0]}\n{data_set}")
    client.log_text(run, figure, "confusion/confusion.svg")
    client.log_artifact(run, str(files.confusion(*place)), "confusion")
    table: dict[str, Any] = {"language": list(LANGUAGES)}
    table |= {said: results.confusion[:, k].tolist() for k, said in enumerate(LANGUAGES)}
    client.log_table(run, table, "confusion/table.json")


def tags_of(run: str) -> dict[str, str]:
    """The tags of the run with this id; StudyError where the store has no such run."""
    place = store()
    if place.database is not None and not place.database.is_file():
        raise StudyError(f"{place.database} is not there yet; run `make repro`")
    with opened(place) as client:
        from mlflow.exceptions import MlflowException

        try:
            return dict(client.get_run(run).data.tags)
        except MlflowException as error:
            raise StudyError(f"{place.uri} has no run {run}: {error.message}") from None


# The registry


@dataclass(frozen=True)
class Candidate:
    """The network that stands for an architecture in the registry."""

    subject: Subject
    card: dict[str, Any]  # how it is scored
    mean: float  # of the architecture's macro recall under this protocol


def model_card(architecture: str) -> dict[str, Any] | None:
    """What `origin_model.py` must know to score it; None where NumPy alone cannot."""
    row = models.ARCHITECTURES[architecture]
    kinds: dict[type, dict[str, Any]] = {
        models.Elman: {"kind": "elman"},
        models.NgramLogistic: {"kind": "ngram_logistic"},
        models.Majority: {"kind": "majority"},
    }
    if type(row) not in kinds:
        return None
    activation = {"activation": row.activation} if isinstance(row, models.Elman) else {}
    return {
        **kinds[type(row)],
        **activation,
        "languages": list(LANGUAGES),
        "letters": alphabet.LETTERS,
        "spelled_out": {chr(code): text for code, text in alphabet.TRANSLITERATIONS.items()},
    }


def _candidates(subjects: Sequence[Subject], summary: Sequence[Row]) -> dict[str, Candidate]:
    """By architecture: the median network on held-out names, or as published for want of these."""
    means = {
        (row["protocol"], row["architecture"]): float(row["mean"])
        for row in summary
        if row["metric"] == "macro_recall" and row["mean"]
    }
    found: dict[str, Candidate] = {}
    for protocol in ("published", "held_out"):  # the latter replaces the former
        for subject in subjects:
            run = subject.run
            card = model_card(run.architecture)
            if run.protocol != protocol or subject.replicate is not None or card is None:
                continue
            scores = scoring.load_columns(files.scores(protocol, run.architecture))
            wanted = publication.median_replicate(scores["macro_recall"])
            network = next(s for s in subjects if s.run == run and s.replicate == wanted)
            mean = means[(protocol, run.architecture)]
            found[run.architecture] = Candidate(network, card, mean)
    return found


def _register(client: "MlflowClient", experiment: str, study: Study, runs: dict[str, str]) -> None:
    """A version for each architecture that has none of this network yet, and the aliases."""
    candidates = _candidates(study.subjects, study.summary)
    if not candidates:
        return
    code = hashlib.sha256(_model_code().read_bytes()).hexdigest()
    present = _versions(client)
    numbers = {}
    for architecture, candidate in candidates.items():
        subject = candidate.subject
        fingerprint = publication.digest([subject.fingerprint, code, candidate.card])
        if fingerprint not in present:
            run = runs[subject.fingerprint]
            results = comparison.gather({str(subject.run): subject.run})[0]
            said = publication.describe(subject, results, study)
            uri, identifier = _log_model(client, experiment, run, candidate)
            created = client.create_model_version(
                MODEL,
                uri,
                run_id=run,
                tags=_version_tags(said.tags) | _code_tags() | {FINGERPRINT: fingerprint},
                description=said.description,
                model_id=identifier,
            )
            present[fingerprint] = created
        numbers[architecture] = str(present[fingerprint].version)
    _alias(client, numbers, candidates)


def _version_tags(tags: dict[str, str]) -> dict[str, str]:
    """What tells versions apart: the UI shows every tag in the versions' table."""
    kept = ("architecture", "protocol", "replicate", "data_set")
    starter = {"starter": "true"} if tags["starter"] == "true" else {}
    return starter | {key: tags[key] for key in kept}


def _versions(client: "MlflowClient") -> "dict[str, ModelVersion]":
    """The registered versions by fingerprint; the registered model is created where missing."""
    from mlflow.exceptions import MlflowException

    try:
        client.get_registered_model(MODEL)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        client.create_registered_model(
            MODEL,
            description=(
                "Which of 18 languages a surname comes from: a list of names, or a column `name`, "
                "to a row for each with `language`, its `probability` and that of all 18. A name "
                "with no letter left gets an empty language, never a made-up one.\n\n"
                "A version for each architecture: its network with the median macro recall on "
                "held-out names. `tutorial` is the tutorial's of 2017, `fixed` the article's, "
                "`champion` the best on names that it has not seen."
            ),
        )
        return {}
    found = client.search_model_versions(f"name = '{MODEL}'", max_results=RUNS_A_PAGE)
    return {one.tags[FINGERPRINT]: one for one in found if FINGERPRINT in one.tags}


def _alias(
    client: "MlflowClient", numbers: dict[str, str], candidates: dict[str, Candidate]
) -> None:
    """Point the aliases at this study's versions, and away from what it no longer has."""
    held_out = {
        architecture: candidate.mean
        for architecture, candidate in candidates.items()
        if candidate.subject.run.protocol == "held_out"
    }
    wanted = {alias: numbers[name] for alias, name in ALIASES.items() if name in numbers}
    if held_out:
        wanted["champion"] = numbers[publication.best(held_out)]
    present = client.get_registered_model(MODEL).aliases
    for alias, number in wanted.items():
        if str(present.get(alias)) != number:
            client.set_registered_model_alias(MODEL, alias, number)
    for alias in (*ALIASES, "champion"):
        if alias in present and alias not in wanted:
            client.delete_registered_model_alias(MODEL, alias)


def _model_code() -> Path:
    """The file that a model carries; imported, so that dvc.yaml is asked to depend on it."""
    from surnames import origin_model

    return Path(origin_model.__file__)


def _log_model(
    client: "MlflowClient", experiment: str, run: str, candidate: Candidate
) -> tuple[str, str]:
    """Log the network as a model of its run; the model's URI and id."""
    import mlflow
    from mlflow.models import Model

    for orphan in client.search_logged_models([experiment], f"source_run_id = '{run}'"):
        client.delete_logged_model(orphan.model_id)  # logged, but never registered
    mlflow.set_experiment(experiment_id=experiment)  # Model.log would take the default one
    subject = candidate.subject
    place = (subject.run.protocol, subject.run.architecture)
    network = models.load(files.weights(*place))[subject.replicate or 0]
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "weights.safetensors"
        weights.write_bytes(safetensors.numpy.save(network.weights))
        card = Path(folder) / "card.json"
        files.write_json(candidate.card, card)
        logged = Model.log(
            artifact_path=None,
            name=subject.name,
            flavor=mlflow.pyfunc,
            run_id=run,
            python_model=str(_model_code()),
            artifacts={"weights": str(weights), "card": str(card)},
            signature=_signature(),
            input_example=EXAMPLE,
            pip_requirements=[f"{package}=={version(package)}" for package in REQUIREMENTS],
        )
    return logged.model_uri, logged.model_id


def _signature() -> "ModelSignature":
    """Strings in; the input has no name, because MLflow would refuse a list for a named column."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    numbers = [ColSpec("double", name) for name in ("probability", *LANGUAGES)]
    return ModelSignature(
        Schema([ColSpec("string")]), Schema([ColSpec("string", "language"), *numbers])
    )


@contextmanager
def registered(uri: str) -> Iterator[Path]:
    """The files of a registered model, `models:/<name>/<version>` or `models:/<name>@<alias>`.

    They are there for as long as the context is open. Raises StudyError where there is no store or
    no such model.
    """
    place = store()
    if place.database is not None and not place.database.is_file():
        raise StudyError(f"{place.database} is not there yet; run `make repro`")
    with tempfile.TemporaryDirectory() as folder, opened(place):
        from mlflow.artifacts import download_artifacts
        from mlflow.exceptions import MlflowException

        try:
            found = download_artifacts(uri, dst_path=folder)
        except MlflowException as error:
            raise StudyError(f"no model {uri} in {place.uri}: {error.message}") from None
        yield Path(found)


# The pages


def addresses(port: int, experiment: str | None) -> list[str]:
    """Where to look: the study's views and the registry, in the UI's training mode.

    The mode stands in the address, because the UI otherwise remembers it in the browser and starts
    with the other one, which shows an experiment of this kind as an empty page of traces.
    """
    pages = f"http://127.0.0.1:{port}/#"
    mode = "workflowType=machine_learning"
    views = f"{pages}/experiments/{experiment}/runs?{mode}&viewStateShareKey="
    lines = [f"means      {views}runs", f"networks   {views}networks"] if experiment else []
    return [*lines, f"models     {pages}/models/{MODEL}?{mode}", "Ctrl-C ends the server."]


def serve(port: int) -> None:
    """Become MLflow's server for the store, on loopback; StudyError where there is none yet.

    One worker and no job runners: 2 processes instead of 15, which is plenty for one reader.
    """
    place = store()
    if place.uri.startswith(("http:", "https:")):
        raise StudyError(f"MLFLOW_TRACKING_URI is a server already; open {place.uri}")
    if place.database is not None and not place.database.is_file():
        raise StudyError(f"{place.database} is not there yet; run `make repro`")
    with opened(place) as client:
        experiment = client.get_experiment_by_name(EXPERIMENT)
    for address in addresses(port, experiment.experiment_id if experiment else None):
        print(address, flush=True)
    environment = os.environ | {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    command = [
        sys.executable, "-m", "mlflow", "server", "--backend-store-uri", place.uri,
        "--default-artifact-root", str(place.artifacts), "--host", "127.0.0.1",
        "--port", str(port), "--workers", "1", "--uvicorn-opts", "--log-level warning",
    ]  # fmt: skip
    os.execve(sys.executable, command, environment)
