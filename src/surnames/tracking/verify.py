"""Whether dvc.lock, the files and the MLflow store agree: `surnames verify`."""

import json
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from surnames.core import params
from surnames.display.tables import aligned
from surnames.tracking import registry
from surnames.tracking.candidates import Candidate, find_candidates
from surnames.tracking.registry import ALIASES, CHAMPION, DECISION
from surnames.tracking.run_record import RunRecord, build_run_records
from surnames.tracking.runs import published_runs
from surnames.tracking.store import EXPERIMENT, FINGERPRINT, MODEL, NOTE, Store
from surnames.tracking.subjects import Snapshot, Subject

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion

State = Literal["present", "missing", "double", "altered", "stale"]
Fault = tuple[State, str]  # and the details
WORST_FIRST: tuple[State, ...] = ("missing", "double", "altered", "stale", "present")
UNCHECKED = {"track"}  # its receipt proves nothing: the store itself is examined


@dataclass(frozen=True)
class Finding:
    """The state of one thing; `fingerprints` are those of what is wrong in it."""

    kind: Literal["store", "stage", "run", "version", "alias"]
    name: str
    state: State
    detail: str = ""
    fingerprints: tuple[str, ...] = ()


def check(client: "MlflowClient", store: Store, study: Snapshot) -> list[Finding]:
    """A finding for each run of params.yaml, each version and each alias of the registered model.

    `study` may lack runs that are not trained yet. Before these come a store that was moved, and
    the other stages that DVC calls changed.
    """
    findings = []
    former = former_location(client, store)
    if former:
        detail = f"its artifacts are kept in {former}: the folder was moved or copied"
        findings.append(Finding("store", str(store), "stale", detail))
    changed = changed_stages()
    keys = params.load().runs
    own = {f"{stage}@{key}" for key in keys for stage in ("train", "evaluate")}
    for stage, fault in changed.items():
        if stage not in own | UNCHECKED:
            findings.append(Finding("stage", stage, *fault))
    runs = _grouped(published_runs(client), lambda run: run.data.tags[FINGERPRINT])
    records = build_run_records(study, study.subjects)
    for key in keys:
        subjects = [one for one in study.subjects if str(one.run) == key]
        findings.append(_check_run(client, key, subjects, records, runs, changed))
    return [*findings, *_check_models(client, store, study, bool(changed))]


def former_location(client: "MlflowClient", store: Store) -> str | None:
    """Where a SQLite store's artifacts were, if the project was moved or copied since.

    MLflow keeps absolute paths: a copy would go on writing into the folder of the original.
    """
    experiment = client.get_experiment_by_name(EXPERIMENT) if store.database else None
    location = experiment.artifact_location.removeprefix("file://") if experiment else None
    return location if location != store.artifacts else None


def changed_stages() -> dict[str, Fault]:
    """The stages that `dvc status` calls changed, with what is wrong with each."""
    from dvc.repo import Repo

    with Repo() as repo:
        status = repo.status()
    stages = {}
    for stage, entries in status.items():
        faults: list[Fault] = []
        for entry in entries:
            if not isinstance(entry, dict):  # "changed command"
                faults.append(("stale", str(entry)))
                continue
            for path, how in entry.get("changed outs", {}).items():
                faults.append(("altered" if how == "modified" else "missing", f"{path}: {how}"))
            for path, how in entry.get("changed deps", {}).items():
                faults.append(
                    ("stale", f"{path}: {how if isinstance(how, str) else ', '.join(how)}")
                )
        stages[stage] = _worst(faults)
    return stages


def _worst(faults: Sequence[Fault]) -> Fault:
    """The worst state, and the first details."""
    details = [detail for _, detail in faults[:3]]
    if len(faults) > len(details):
        details.append(f"and {len(faults) - len(details)} more")
    return min((state for state, _ in faults), key=WORST_FIRST.index), "; ".join(details)


def _check_run(
    client: "MlflowClient",
    key: str,
    subjects: Sequence[Subject],
    records: dict[str, RunRecord],
    runs: "dict[str, list[Run]]",
    changed: dict[str, Fault],
) -> Finding:
    """One (protocol, architecture): its files, its run in the store and those of its networks."""
    if not subjects:
        return Finding("run", key, "missing", "not trained yet; run `dvc repro`")
    stages = [changed.get(f"{stage}@{key}") for stage in ("train", "evaluate")]
    faults = [fault for fault in stages if fault]
    wrong = []
    for subject in subjects:
        fault = _subject_fault(client, subject, records, runs, bool(changed))
        if fault:
            faults.append((fault[0], f"{subject.name}: {fault[1]}"))
            wrong.append(subject.fingerprint)
    if not faults:
        return Finding("run", key, "present", f"{len(subjects)} of {len(subjects)} in the store")
    return Finding("run", key, *_worst(faults), tuple(wrong))


def _subject_fault(
    client: "MlflowClient",
    subject: Subject,
    records: dict[str, RunRecord],
    runs: "dict[str, list[Run]]",
    changed: bool,
) -> Fault | None:
    """What is wrong with the run of one subject in the store."""
    record, present = records[subject.fingerprint], runs.get(subject.fingerprint, [])
    finished = [run for run in present if run.info.status == "FINISHED"]
    if len(finished) > 1:
        return "double", f"{len(finished)} times in the store"
    if present and not finished:
        return "missing", "its publisher did not finish"
    if not present:
        if any(run.info.run_name == record.name for group in runs.values() for run in group):
            return "stale", "the store has only that of another study"
        return "missing", "not in the store"
    differences = "; ".join(_run_differences(client, finished[0], record))
    return ("stale" if changed else "altered", differences) if differences else None


def _run_differences(client: "MlflowClient", run: "Run", record: RunRecord) -> Iterator[str]:
    """How a run of the store differs from its record; curves are compared by their last point."""
    if run.info.run_name != record.name:
        yield f"it is called {run.info.run_name!r}"
    # MLflow shows the value of the highest step
    metrics = {key: value for key, value, _ in sorted(record.metrics, key=lambda point: point[2])}
    yield from _other_values("parameter", record.parameters, run.data.params)
    yield from _other_values("tag", record.tags, run.data.tags)
    yield from _other_values("metric", metrics, run.data.metrics)
    yield from _other_files(
        {path: text.encode() for path, text in record.artifacts.items()},
        lambda folder: client.download_artifacts(run.info.run_id, "", folder),
    )


def _other_values(kind: str, wanted: dict[str, Any], present: dict[str, Any]) -> Iterator[str]:
    for key, value in wanted.items():
        if present.get(key) != value:
            if key == NOTE:
                yield "the description differs"
            else:
                yield f"{kind} {key} is {present.get(key)!r} instead of {value!r}"


def _other_files(
    wanted: dict[str, bytes], download: Callable[[str], str | Path], also: Sequence[str] = ()
) -> Iterator[str]:
    """Which files are missing or have another content after `download` into a folder.

    The files `also` only have to exist.
    """
    from mlflow.exceptions import MlflowException

    if not wanted:
        return
    with tempfile.TemporaryDirectory() as folder:
        try:
            downloaded = Path(download(folder))
        except (MlflowException, OSError):
            yield "its files are missing"
            return
        for path in (*also, *wanted):
            file = downloaded / path
            if not file.is_file():
                yield f"{path} is missing"
            elif path in wanted and file.read_bytes() != wanted[path]:
                yield f"{path} differs"


def _check_models(
    client: "MlflowClient", store: Store, study: Snapshot, changed: bool
) -> list[Finding]:
    """A finding for the version of each architecture, and for each alias."""
    candidates = find_candidates(study)
    model = registry.registered_model(client)
    versions = registry.list_versions(client) if model else []
    by_fingerprint = _grouped(versions, lambda one: one.tags[FINGERPRINT])
    findings = []
    for architecture, candidate in candidates.items():
        present = by_fingerprint.get(candidate.fingerprint, [])
        state, detail = _version_state(client, store, candidate, present, versions, changed)
        wrong = () if state == "present" else (candidate.fingerprint,)
        findings.append(Finding("version", architecture, state, detail, wrong))
    own = {
        alias: by_fingerprint.get(candidates[architecture].fingerprint, [])
        for alias, architecture in ALIASES.items()
        if architecture in candidates
    }
    for alias, wanted in {**own, CHAMPION: versions}.items() if candidates else ():
        number = str(model.aliases.get(alias, "")) if model else ""
        note = model.tags.get(DECISION, "") if model and alias == CHAMPION else ""
        state, detail = "present", f"version {number}"
        if not number:
            state, detail = "present" if note else "missing", "points at no version"
        elif number not in {str(one.version) for one in wanted}:
            state, detail = "stale", f"points at version {number}"
        findings.append(Finding("alias", alias, state, f"{detail}; {note}" if note else detail))
    return findings


def _version_state(
    client: "MlflowClient",
    store: Store,
    candidate: Candidate,
    present: "Sequence[ModelVersion]",
    versions: "Sequence[ModelVersion]",
    changed: bool,
) -> Fault:
    """The state of an architecture's version; `present` are the versions of its network."""
    numbers = ", ".join(f"version {one.version}" for one in present)
    if len(present) > 1:
        return "double", numbers
    if not present:
        architecture = candidate.subject.run.architecture
        if architecture in {one.tags.get("architecture") for one in versions}:
            return "stale", "the registry has only that of another study"
        return "missing", "not in the registry"
    differences = "; ".join(_version_differences(client, store, present[0], candidate))
    if differences:
        return "stale" if changed else "altered", f"{numbers}: {differences}"
    return "present", numbers


def _version_differences(
    client: "MlflowClient", store: Store, one: "ModelVersion", candidate: Candidate
) -> Iterator[str]:
    """How a registered version differs from what would be registered."""
    yield from _other_values("tag", candidate.tags, one.tags)
    if one.description != candidate.description:
        yield "the description differs"
    uri = f"models:/{MODEL}/{one.version}"
    yield from _other_files(
        candidate.files,
        lambda folder: registry.download_model(client, store, uri, folder),
        ["MLmodel"],
    )


def _grouped(items: Sequence[Any], key: Callable[[Any], str]) -> dict[str, list[Any]]:
    groups: dict[str, list[Any]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return groups


def clean(findings: Sequence[Finding]) -> bool:
    """Whether everything is present."""
    return all(finding.state == "present" for finding in findings)


def text(findings: Sequence[Finding], store: Store) -> str:
    """The findings for a terminal."""
    rows = [(one.state, one.kind, one.name, one.detail) for one in findings]
    wrong = sum(one.state != "present" for one in findings)
    verdict = f"{wrong} of {len(findings)} are not as they must be" if wrong else "all present"
    return f"{aligned(('state', 'what', 'name', 'detail'), rows)}\n{store}: {verdict}"


def as_json(findings: Sequence[Finding], store: Store) -> str:
    """The findings for a program."""
    rows = [asdict(one) for one in findings]
    return json.dumps({"store": str(store), "clean": clean(findings), "findings": rows}, indent=2)
