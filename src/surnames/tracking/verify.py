"""Whether dvc.lock, the files and the MLflow store agree: `surnames verify`."""

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from surnames import dvc_repo
from surnames.core import params
from surnames.display.tables import aligned
from surnames.tracking import registry
from surnames.tracking.candidates import Candidate, find_candidates
from surnames.tracking.publish import code_tags, unregistrable
from surnames.tracking.registry import ALIASES, CHAMPION, DECISION
from surnames.tracking.run_record import RunRecord, build_run_records
from surnames.tracking.runs import published_runs
from surnames.tracking.sqlite_file import former_location
from surnames.tracking.store import FINGERPRINT, MODEL, NOTE, Store
from surnames.tracking.subjects import Snapshot

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion

State = Literal["missing", "double", "altered", "stale", "present"]
WORST_FIRST = get_args(State)
Fault = tuple[State, str]  # and the details
Compare = Callable[[Any], Iterable[str]]
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
    if former := former_location(store):
        detail = f"its artifacts are kept in {former}: the folder was moved or copied"
        findings.append(Finding("store", str(store), "stale", detail))
    changed = changed_stages()
    keys = params.load().runs
    own = {f"{stage}@{key}" for key in keys for stage in ("train", "evaluate")}
    others = changed.keys() - own - UNCHECKED
    findings += [Finding("stage", stage, *changed[stage]) for stage in sorted(others)]
    findings += _check_runs(client, keys, study, changed)
    return findings + _check_models(client, store, study, bool(changed))


def changed_stages() -> dict[str, Fault]:
    """The stages that `dvc status` calls changed, with what is wrong with each."""
    stages = {}
    for stage, entries in dvc_repo.status().items():
        faults: list[Fault] = []
        for entry in entries:
            if not isinstance(entry, dict):  # "changed command"
                faults.append(("stale", str(entry)))
                continue
            for path, how in entry.get("changed outs", {}).items():
                faults.append(("altered" if how == "modified" else "missing", f"{path}: {how}"))
            for path, how in entry.get("changed deps", {}).items():
                what = how if isinstance(how, str) else ", ".join(how)
                faults.append(("stale", f"{path}: {what}"))
        stages[stage] = _worst(faults)
    for path, stage in dvc_repo.damaged().items():  # which DVC takes for what they were
        stages[stage] = "altered", f"{path}: not what dvc.lock says, here or in DVC's cache"
    return stages


def _worst(faults: Sequence[Fault]) -> Fault:
    """The worst state, and the first details."""
    details = [detail for _, detail in faults[:3]]
    if len(faults) > len(details):
        details.append(f"and {len(faults) - len(details)} more")
    return min((state for state, _ in faults), key=WORST_FIRST.index), "; ".join(details)


def _state(present: Sequence[Any], elsewhere: bool, differences: Compare, changed: bool) -> Fault:
    """The state of what should be `present` once; `elsewhere`: another study's is there instead."""
    if len(present) > 1:
        return "double", f"{len(present)} times in the store"
    if not present:
        other: Fault = ("stale", "the store has only that of another study")
        return other if elsewhere else ("missing", "not in the store")
    details = "; ".join(differences(present[0]))
    return ("stale" if changed else "altered", details) if details else ("present", "")


def _check_runs(
    client: "MlflowClient", keys: Iterable[str], study: Snapshot, changed: dict[str, Fault]
) -> list[Finding]:
    """For each (protocol, architecture): its files, its run in the store, those of its networks."""
    runs = [run for run in published_runs(client) if run.info.status == "FINISHED"]
    names = {run.info.run_name for run in runs}
    records = build_run_records(study, study.subjects)
    findings = []
    for key in keys:
        stages = (f"train@{key}", f"evaluate@{key}")
        faults = [changed[stage] for stage in stages if stage in changed]
        subjects = [one for one in study.subjects if str(one.run) == key]
        wrong = []
        for subject in subjects:
            record = records[subject.fingerprint]
            present = [run for run in runs if run.data.tags[FINGERPRINT] == subject.fingerprint]
            differences = partial(_run_differences, client, record)
            state, detail = _state(present, record.name in names, differences, bool(changed))
            if state != "present":
                faults.append((state, f"{subject.name}: {detail}"))
                wrong.append(subject.fingerprint)
        if not subjects:
            faults = [("missing", "not trained yet; run `dvc repro`")]
        complete: Fault = ("present", f"{len(subjects)} of {len(subjects)} in the store")
        findings.append(Finding("run", key, *_worst(faults or [complete]), tuple(wrong)))
    return findings


def _check_models(
    client: "MlflowClient", store: Store, study: Snapshot, changed: bool
) -> list[Finding]:
    """A finding for the version of each architecture, and for each alias."""
    model = registry.registered_model(client)
    versions = registry.list_versions(client)
    known = {one.tags.get("architecture") for one in versions}
    findings = []
    targets = {CHAMPION: versions}  # where each alias may point
    unregistered = unregistrable(code_tags())
    for architecture, candidate in find_candidates(study).items():
        own = [one for one in versions if one.tags[FINGERPRINT] == candidate.fingerprint]
        differences = partial(_version_differences, store, candidate)
        state, detail = _state(own, architecture in known, differences, changed)
        if unregistered and not own:
            state, detail = "present", f"not registered: {unregistered}"
        detail = "; ".join(filter(None, [*(f"version {one.version}" for one in own), detail]))
        wrong = () if state == "present" else (candidate.fingerprint,)
        findings.append(Finding("version", architecture, state, detail, wrong))
        targets |= {alias: own for alias, name in ALIASES.items() if name == architecture}
    for alias in (*ALIASES, CHAMPION) if findings else ():
        if alias in targets:
            number = str(model.aliases.get(alias, "")) if model else ""
            note = model.tags.get(DECISION, "") if model and alias == CHAMPION else ""
            state = "present" if number or note else "missing"  # there need not be a champion
            if number and number not in {str(one.version) for one in targets[alias]}:
                state = "stale"
            if unregistered and not targets[alias]:
                state = "present"
            detail = f"version {number}" if number else "no version"
            findings.append(Finding("alias", alias, state, f"{detail}; {note}" if note else detail))
    return findings


def _run_differences(client: "MlflowClient", record: RunRecord, run: "Run") -> Iterator[str]:
    """How a run of the store differs from its record; curves are compared by their last point."""
    if run.info.run_name != record.name:
        yield f"it is called {run.info.run_name!r}"
    # MLflow gives the value of the highest step
    metrics = {key: value for key, value, _ in sorted(record.metrics, key=lambda point: point[2])}
    yield from _other_values("parameter", record.parameters, run.data.params)
    yield from _other_values("tag", record.tags, run.data.tags)
    yield from _other_values("metric", metrics, run.data.metrics)
    if record.artifacts:
        files = {path: text.encode() for path, text in record.artifacts.items()}
        yield from _other_files(files, partial(client.download_artifacts, run.info.run_id, ""))


def _version_differences(store: Store, candidate: Candidate, one: "ModelVersion") -> Iterator[str]:
    """How a registered version differs from what would be registered."""
    wanted = candidate.tags | {NOTE: candidate.description}
    yield from _other_values("tag", wanted, one.tags | {NOTE: one.description})
    download = partial(registry.download_model, store, f"models:/{MODEL}/{one.version}")
    yield from _other_files(candidate.files | {"MLmodel": None}, download)


def _other_values(kind: str, wanted: dict[str, Any], present: dict[str, Any]) -> Iterator[str]:
    for key, value in wanted.items():
        if present.get(key) != value:
            difference = f"{kind} {key} is {present.get(key)!r} instead of {value!r}"
            yield "the description differs" if key == NOTE else difference


def _other_files(
    wanted: Mapping[str, bytes | None], download: Callable[[str], str | Path]
) -> Iterator[str]:
    """Which files are missing after `download` into a folder, or differ; None is any content."""
    from mlflow.exceptions import MlflowException

    with tempfile.TemporaryDirectory() as folder:
        try:
            downloaded = Path(download(folder))
        except (MlflowException, OSError):
            yield "its files are missing"
            return
        for path, content in wanted.items():
            file = downloaded / path
            if not file.is_file():
                yield f"{path} is missing"
            elif content not in (None, file.read_bytes()):
                yield f"{path} differs"


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
