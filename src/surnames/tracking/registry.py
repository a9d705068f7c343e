"""The registered model: a version for each architecture, its aliases, and the champion."""

import hashlib
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import safetensors.numpy

from surnames.core import files, tables
from surnames.core.corpus import LANGUAGES
from surnames.core.errors import StudyError
from surnames.evaluation import scoring
from surnames.evaluation.scoring import median_replicate
from surnames.networks.lookup import get_architecture
from surnames.networks.network import load_networks
from surnames.study import comparison, statistics
from surnames.tracking import champion
from surnames.tracking import run_record as publication
from surnames.tracking.champion import Contender
from surnames.tracking.model_card import model_card
from surnames.tracking.run_record import Study, Subject
from surnames.tracking.store import FINGERPRINT, MODEL, RUNS_A_PAGE, opened, present

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.models import ModelSignature

ALIASES = {"tutorial": "tutorial_2017", "fixed": "fixed"}
CHAMPION = "champion"
HELD_OUT, SPLIT = "surnames.held_out", "surnames.split"  # tags by which champions are compared
REASON, DECISION = "champion.reason", "champion.decision"
REQUIREMENTS = ("mlflow", "numpy", "pandas", "safetensors")
EXAMPLE = ["Satoshi", "Jackson", "Ślusàrski", "O'Néàl"]
DESCRIPTION = (
    "Which of 18 languages a surname comes from: a list of names, or a column `name`, "
    "to a row for each with `language`, its `probability` and that of all 18. A name "
    "with no letter left gets an empty language, never a made-up one.\n\n"
    "A version for each architecture: its network with the median macro recall on "
    "held-out names. `tutorial` is the tutorial's of 2017, `fixed` the article's, "
    "`champion` the one that nothing has beaten on names that it has not seen: the tag "
    f"`{DECISION}` says what was decided last."
)


@dataclass(frozen=True)
class Candidate:
    """The network that stands for an architecture in the registry."""

    subject: Subject
    fingerprint: str  # of its files: the same network is the same version in any study
    files: dict[str, bytes]  # what a model keeps of it, by path
    tags: dict[str, str]
    description: str
    contender: Contender | None  # where it was scored on held-out names


def candidates(study: Study) -> dict[str, Candidate]:
    """By architecture: the median network on held-out names, or as published for want of these."""
    found: dict[str, Candidate] = {}
    for protocol in ("published", "held_out"):  # the latter replaces the former
        for subject in study.subjects:
            run = subject.run
            card = model_card(get_architecture(run.architecture))
            if run.protocol == protocol and subject.replicate is None and card is not None:
                found[run.architecture] = _candidate(subject, card, study)
    return found


def _candidate(whole: Subject, card: dict[str, Any], study: Study) -> Candidate:
    """The median network of a run."""
    run = whole.run
    place = (run.protocol, run.architecture)
    scores = scoring.load_columns(files.scores(*place))["macro_recall"]
    wanted = median_replicate(scores)
    subject = next(one for one in study.subjects if one.run == run and one.replicate == wanted)
    weights = load_networks(files.weights(*place))[wanted].weights
    kept = {
        "portable_model.py": _code("portable_model.py"),
        "code/portable_scorer.py": _code("portable_scorer.py"),
        "artifacts/weights.safetensors": safetensors.numpy.save(weights),
        "artifacts/card.json": (json.dumps(card, indent=2, ensure_ascii=False) + "\n").encode(),
    }
    digests = {path: hashlib.sha256(content).hexdigest() for path, content in kept.items()}
    fingerprint = publication.digest([run.architecture, digests])
    [results] = comparison.gather([run])
    network = publication.describe(subject, results, study)
    means = publication.describe(whole, results, study).metrics
    values = {name: value for name, value, _ in means}
    tags = {key: network.tags[key] for key in ("architecture", "protocol", "replicate", "data_set")}
    tags["macro_recall"] = _interval(values)
    contender = None
    if network.tags["starter"] == "true":
        tags["starter"] = "true"
    if run.protocol == "held_out":
        tags |= {HELD_OUT: json.dumps(tables.rounded(scores.tolist())), SPLIT: study.split}
        contender = Contender(
            run.architecture, scores, study.split, fingerprint, tags.get("starter") == "true"
        )
    table = publication.table_of_means(whole, study)
    return Candidate(
        subject,
        fingerprint,
        kept,
        tags | {FINGERPRINT: fingerprint},
        f"{network.description}\nAll networks of {run.architecture}, {run.protocol}:\n\n{table}\n",
        contender,
    )


def _interval(values: dict[str, float]) -> str:
    """`0.4791 (0.4553 to 0.5030)`, or the mean alone where there is no interval."""
    name = "macro_recall"
    if f"scores/{name}" not in values:
        return "diverged"
    mean = f"{values[f'scores/{name}']:.4f}"
    low, high = (values.get(f"scores/interval/{name}_{end}") for end in ("low", "high"))
    return mean if low is None or high is None else f"{mean} ({low:.4f} to {high:.4f})"


def register(
    client: "MlflowClient",
    experiment: str,
    study: Study,
    runs: dict[str, str],
    code: dict[str, str],
) -> None:
    """A version for each architecture that has none of this network yet, and the aliases.

    `runs` are the store's, by fingerprint; `code` says which commit this is, and whether clean.
    """
    found = candidates(study)
    if not found:
        return
    there = _tidied(client, set(runs.values()))
    numbers = {}
    for architecture, candidate in found.items():
        if candidate.fingerprint not in there:
            run = runs[candidate.subject.fingerprint]
            uri, identifier = _log_model(client, experiment, run, candidate)
            there[candidate.fingerprint] = client.create_model_version(
                MODEL,
                uri,
                run_id=run,
                tags=candidate.tags | code,
                description=candidate.description,
                model_id=identifier,
            )
        one = there[candidate.fingerprint]
        numbers[architecture] = str(one.version)
        if one.description != candidate.description:  # of the same network in another study
            client.update_model_version(MODEL, one.version, candidate.description)
        for key, value in candidate.tags.items():
            if one.tags.get(key) != value:
                client.set_model_version_tag(MODEL, one.version, key, value)
    _alias(client, numbers)
    _crown(client, study, found, numbers, code)


def versions(client: "MlflowClient") -> "list[ModelVersion]":
    """All versions with a fingerprint, the oldest first."""
    found = client.search_model_versions(f"name = '{MODEL}'", max_results=RUNS_A_PAGE)
    ours = [one for one in found if FINGERPRINT in one.tags]
    return sorted(ours, key=lambda one: int(one.version))


def described(client: "MlflowClient") -> Any:
    """The registered model, or None."""
    from mlflow.exceptions import MlflowException

    try:
        return client.get_registered_model(MODEL)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return None


def named(client: "MlflowClient", alias: str) -> "ModelVersion":
    """The version that an alias or a number names; StudyError where there is none."""
    from mlflow.exceptions import MlflowException

    try:
        if alias.isdigit():
            return client.get_model_version(MODEL, alias)
        return client.get_model_version_by_alias(MODEL, alias)
    except MlflowException as error:
        if str(error).startswith("API request to"):
            raise  # `opened` says so
        model = described(client)
        known = ", ".join(sorted(model.aliases)) if model else ""
        decision = model.tags.get(DECISION) if model else None
        raise StudyError(
            f"no {MODEL} {alias!r} in the store; it has {known or 'nothing'}. Run `dvc repro`"
            + (f". Of the champion it says: {decision}" if decision else "")
        ) from None


def _tidied(client: "MlflowClient", runs: set[str]) -> "dict[str, ModelVersion]":
    """The versions by fingerprint; doubles go, and versions whose run is gone.

    The registered model is created where it is missing.
    """
    model = described(client)
    if model is None:
        client.create_registered_model(MODEL, description=DESCRIPTION)
        return {}
    if model.description != DESCRIPTION:
        client.update_registered_model(MODEL, DESCRIPTION)
    kept: dict[str, ModelVersion] = {}
    for one in versions(client):
        fingerprint = one.tags[FINGERPRINT]
        if fingerprint in kept or one.run_id not in runs:
            client.delete_model_version(MODEL, one.version)
        else:
            kept[fingerprint] = one
    return kept


def _alias(client: "MlflowClient", numbers: dict[str, str]) -> None:
    """Point the aliases at this study's versions, and away from what it no longer has."""
    wanted = {alias: numbers[name] for alias, name in ALIASES.items() if name in numbers}
    present = client.get_registered_model(MODEL).aliases
    for alias, number in wanted.items():
        if str(present.get(alias)) != number:
            client.set_registered_model_alias(MODEL, alias, number)
    for alias in ALIASES:
        if alias in present and alias not in wanted:
            client.delete_registered_model_alias(MODEL, alias)


def _crown(
    client: "MlflowClient",
    study: Study,
    found: dict[str, Candidate],
    numbers: dict[str, str],
    code: dict[str, str],
) -> None:
    """Move the champion where that is deserved; the reason is kept in either case."""
    contenders = [one.contender for one in found.values() if one.contender is not None]
    if not contenders:
        return
    model = client.get_registered_model(MODEL)
    held = model.aliases.get(CHAMPION)
    holder = client.get_model_version(MODEL, str(held)) if held else None
    settings = study.settings
    decision = champion.decide(
        contenders,
        _contender(holder) if holder else None,
        code.get("dirty") == "false",
        settings.study.confidence,
        statistics.test_train_ratio("held_out", settings.protocols.held_out.folds, 0.0),
    )
    if decision.winner is not None:
        number = numbers[decision.winner.architecture]
        client.set_model_version_tag(MODEL, number, REASON, decision.reason)
        client.set_registered_model_alias(MODEL, CHAMPION, number)
    if model.tags.get(DECISION) != decision.reason:
        client.set_registered_model_tag(MODEL, DECISION, decision.reason)


def _contender(one: "ModelVersion") -> Contender:
    """A registered champion; one of an older format has no scores, so on another split."""
    scores = [np.nan if s is None else s for s in json.loads(one.tags.get(HELD_OUT, "[]"))]
    return Contender(
        one.tags["architecture"],
        np.array(scores, dtype=float),
        one.tags.get(SPLIT, ""),
        one.tags[FINGERPRINT],
        one.tags.get("starter") == "true",
    )


def crowned(client: "MlflowClient") -> tuple[str, str, str] | None:
    """The champion's fingerprint, why it became it, and the last decision; None without one."""
    model = described(client)
    held = model.aliases.get(CHAMPION) if model else None
    if model is None or held is None:
        return None
    one = client.get_model_version(MODEL, str(held))
    decision = model.tags.get(DECISION, "")
    return one.tags.get(FINGERPRINT, ""), one.tags.get(REASON, ""), decision


def crown_again(client: "MlflowClient", fingerprint: str, reason: str, decision: str) -> bool:
    """Give the title to the version that had it in another store; whether it is here."""
    for one in versions(client):
        if one.tags[FINGERPRINT] == fingerprint:
            client.set_model_version_tag(MODEL, one.version, REASON, reason)
            client.set_registered_model_alias(MODEL, CHAMPION, one.version)
            client.set_registered_model_tag(MODEL, DECISION, decision)
            return True
    return False


def _code(name: str) -> bytes:
    """A file of this room that a model carries."""
    return Path(__file__).with_name(name).read_bytes()


def _log_model(
    client: "MlflowClient", experiment: str, run: str, candidate: Candidate
) -> tuple[str, str]:
    """Log the network as a model of its run; the model's URI and id."""
    import mlflow
    from mlflow.models import Model

    for orphan in client.search_logged_models([experiment], f"source_run_id = '{run}'"):
        client.delete_logged_model(orphan.model_id)  # logged, but never registered
    mlflow.set_experiment(experiment_id=experiment)  # Model.log would take the default one
    with tempfile.TemporaryDirectory() as folder:
        for path, content in candidate.files.items():
            (Path(folder) / path).parent.mkdir(exist_ok=True)
            (Path(folder) / path).write_bytes(content)
        logged = Model.log(
            artifact_path=None,
            name=candidate.subject.name,
            flavor=mlflow.pyfunc,
            run_id=run,
            python_model=str(Path(folder) / "portable_model.py"),
            code_paths=[str(Path(folder) / "code/portable_scorer.py")],
            artifacts={
                Path(path).stem: str(Path(folder) / path)
                for path in candidate.files
                if path.startswith("artifacts/")
            },
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
    place = present()
    with tempfile.TemporaryDirectory() as folder, opened(place):
        from mlflow.artifacts import download_artifacts
        from mlflow.exceptions import MlflowException

        try:
            found = download_artifacts(uri, dst_path=folder)
        except MlflowException as error:
            if str(error).startswith("API request to"):
                raise  # `opened` says so
            raise StudyError(f"no model {uri} in {place}: {error.message}") from None
        yield Path(found)
