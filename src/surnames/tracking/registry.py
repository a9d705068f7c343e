"""The registered model: a version for each architecture, its aliases, and the champion."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from surnames.core.corpus import LANGUAGES
from surnames.core.errors import StudyError
from surnames.study import statistics
from surnames.tracking import champion
from surnames.tracking.candidates import HELD_OUT, SPLIT, Candidate
from surnames.tracking.champion import Contender
from surnames.tracking.faults import REMADE
from surnames.tracking.run_record import render
from surnames.tracking.runs import PAGE
from surnames.tracking.session import global_address, opened, unanswered
from surnames.tracking.store import FINGERPRINT, MODEL, Store, existing_store
from surnames.tracking.subjects import Snapshot

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion, RegisteredModel

ALIASES = {"tutorial": "tutorial_2017", "fixed": "fixed"}
CHAMPION = "champion"
REASON, DECISION = "champion.reason", "champion.decision"  # tags of the version, of the model
REQUIREMENTS = ("mlflow", "numpy", "pandas", "safetensors")
EXAMPLE = ["Satoshi", "Jackson", "Ślusàrski", "O'Néàl"]


def register(
    client: "MlflowClient",
    store: Store,
    experiment: str,
    study: Snapshot,
    candidates: dict[str, Candidate],
    runs: dict[str, str],
    code: dict[str, str],
) -> bool:
    """Register the candidates that have no version yet; once none was missing, set the aliases.

    `runs` are the store's run ids by fingerprint; `code` has the commit and whether it is dirty.
    Returns False where versions were created or deleted, so that one must look again.
    """
    if not candidates:
        return True
    versions, deleted = delete_duplicates(client, set(runs.values()))
    missing = [one for one in candidates.values() if one.fingerprint not in versions]
    for candidate in missing:
        run = runs[candidate.subject.fingerprint]
        _create_version(client, store, experiment, run, candidate, candidate.tags | code)
    if missing or deleted:
        return False
    numbers = {name: str(versions[one.fingerprint].version) for name, one in candidates.items()}
    _set_aliases(client, numbers)
    _update_champion(client, study, candidates, numbers)
    return True


def list_versions(client: "MlflowClient") -> "list[ModelVersion]":
    """All versions with a fingerprint, by number."""
    versions = client.search_model_versions(f"name = '{MODEL}'", max_results=PAGE)
    ours = [one for one in versions if FINGERPRINT in one.tags]
    return sorted(ours, key=lambda one: int(one.version))


def registered_model(client: "MlflowClient") -> "RegisteredModel | None":
    """The registered model, or None."""
    return next(iter(client.search_registered_models(f"name = '{MODEL}'")), None)


def find_version(client: "MlflowClient", alias: str) -> "ModelVersion":
    """The version with an alias or a number; StudyError where there is none."""
    model = registered_model(client)
    aliases = {key: str(number) for key, number in model.aliases.items()} if model else {}
    for one in list_versions(client):
        if str(one.version) in (alias, aliases.get(alias)):
            return one
    decision = model.tags.get(DECISION) if model else None
    raise StudyError(
        f"the store has no {MODEL} {alias!r}; its aliases: {', '.join(sorted(aliases)) or 'none'}. "
        "Models are registered from committed code: commit, then run `make repro`"
        + (f". The latest decision about the champion: {decision}" if decision else "")
    )


def delete_duplicates(
    client: "MlflowClient", runs: set[str]
) -> "tuple[dict[str, ModelVersion], bool]":
    """Leave one version for each fingerprint; these, and whether any was deleted.

    The lowest number stays, of those whose run is among `runs`. The registered model is created if
    it does not exist.
    """
    model = registered_model(client)
    description = render("model.md", languages=len(LANGUAGES), decision=DECISION)
    if model is None:
        client.create_registered_model(MODEL, description=description)
    elif model.description != description:
        client.update_registered_model(MODEL, description)
    kept: dict[str, ModelVersion] = {}
    deleted = False
    for one in list_versions(client):
        if one.run_id not in runs or kept.setdefault(one.tags[FINGERPRINT], one) is not one:
            delete_version(client, one)
            deleted = True
    return kept, deleted


def delete_version(client: "MlflowClient", one: "ModelVersion") -> None:
    """Delete a version and its logged model."""
    from mlflow.exceptions import MlflowException

    client.delete_model_version(MODEL, one.version)
    with suppress(MlflowException):  # it is gone already
        client.delete_logged_model(str(one.source).rsplit("/", 1)[-1])


def _set_aliases(client: "MlflowClient", numbers: dict[str, str]) -> None:
    """Point the aliases at this study's versions; those of architectures it lacks are deleted."""
    wanted = {alias: numbers[name] for alias, name in ALIASES.items() if name in numbers}
    present = client.get_registered_model(MODEL).aliases
    for alias, number in wanted.items():
        if str(present.get(alias)) != number:
            client.set_registered_model_alias(MODEL, alias, number)
    for alias in ALIASES.keys() & present.keys() - wanted.keys():
        client.delete_registered_model_alias(MODEL, alias)


def _update_champion(
    client: "MlflowClient",
    study: Snapshot,
    candidates: dict[str, Candidate],
    numbers: dict[str, str],
) -> None:
    """Move the champion's alias if another is better; the decision is recorded in either case."""
    tags = [one.tags for one in candidates.values() if HELD_OUT in one.tags]
    contenders = [one for one in map(_contender, tags) if one]
    if not contenders:
        return
    model = client.get_registered_model(MODEL)
    number = model.aliases.get(CHAMPION)
    settings = study.settings
    decision = champion.decide(
        contenders,
        _contender(client.get_model_version(MODEL, str(number)).tags) if number else None,
        settings.study.confidence,
        statistics.test_train_ratio("held_out", settings.protocols.held_out.folds, 0.0),
    )
    if decision.winner is not None:
        number = numbers[decision.winner.architecture]
        client.set_model_version_tag(MODEL, number, REASON, decision.reason)
        client.set_registered_model_alias(MODEL, CHAMPION, number)
    if model.tags.get(DECISION) != decision.reason:
        client.set_registered_model_tag(MODEL, DECISION, decision.reason)


def _contender(tags: dict[str, str]) -> Contender | None:
    """A version by its tags; one of an older format has no scores, and a split equal to none.

    None where somebody has removed or changed the tags.
    """
    try:
        scores = np.array(json.loads(tags.get(HELD_OUT, "[]")), dtype=float)  # null is not-a-number
        split, starter = tags.get(SPLIT, ""), tags.get("starter") == "true"
        return Contender(tags["architecture"], scores, split, tags[FINGERPRINT], starter)
    except (KeyError, ValueError, TypeError):
        return None


def _create_version(
    client: "MlflowClient",
    store: Store,
    experiment: str,
    run: str,
    candidate: Candidate,
    tags: dict[str, str],
) -> None:
    """Log the network as a model of its run, and register that."""
    from mlflow import pyfunc
    from mlflow.models import Model

    if store.lockable:  # otherwise somebody may be about to register them
        for one in client.search_logged_models([experiment], f"source_run_id = '{run}'"):
            client.delete_logged_model(one.model_id)  # logged, but never registered
    parameters = client.get_run(run).data.params
    model = client.create_logged_model(experiment, candidate.subject.name, run, params=parameters)
    with tempfile.TemporaryDirectory() as folder, global_address(store):
        for path, content in candidate.files.items():
            (Path(folder) / path).parent.mkdir(exist_ok=True)
            (Path(folder) / path).write_bytes(content)
        Model.log(
            artifact_path=None,
            flavor=pyfunc,
            run_id=run,
            model_id=model.model_id,
            python_model=f"{folder}/portable_model.py",
            artifacts={path.stem: str(path) for path in Path(folder, "artifacts").iterdir()},
            input_example=EXAMPLE,
            pip_requirements=[f"{package}=={version(package)}" for package in REQUIREMENTS],
        )
        client.create_model_version(
            MODEL,
            model.model_uri,
            run,
            tags,
            description=candidate.description,
            model_id=model.model_id,
        )


def download_model(store: Store, uri: str, folder: str) -> Path:
    """Copy the files of a model, `models:/...`, into a folder; raises MlflowException."""
    from mlflow.artifacts import download_artifacts

    with global_address(store):
        return Path(download_artifacts(uri, dst_path=folder))


@contextmanager
def registered(uri: str) -> Iterator[Path]:
    """The files of a model, `models:/...`, within the context; StudyError where there is none."""
    store = existing_store()
    with tempfile.TemporaryDirectory() as folder, opened(store):
        from mlflow.exceptions import MlflowException

        try:
            path = download_model(store, uri, folder)
        except MlflowException as error:
            if unanswered(error):
                raise
            raise StudyError(f"no model {uri} in {store}: {error.message}") from None
        if not (path / "MLmodel").is_file():
            raise StudyError(f"the files of {uri} are gone from {store}; {REMADE}")
        yield path
