"""Whether dvc.lock, the files and the MLflow store say the same: `surnames verify`."""

import json
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from surnames.core import params
from surnames.tracking import publish as tracking
from surnames.tracking import registry
from surnames.tracking.registry import CHAMPION, DECISION, Candidate
from surnames.tracking.run_record import Publication, Study
from surnames.tracking.store import FINGERPRINT, MODEL, NOTE, Store, alone

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion

State = Literal["present", "missing", "double", "altered", "stale"]
WORST_FIRST: tuple[State, ...] = ("missing", "double", "altered", "stale", "present")
UNCHECKED = {"track"}  # its receipt is no proof; the store itself is looked at


@dataclass(frozen=True)
class Finding:
    """What came of looking at one thing; `fingerprints` are those that are not as they must be."""

    kind: Literal["store", "stage", "run", "version", "alias"]
    name: str
    state: State
    detail: str = ""
    fingerprints: tuple[str, ...] = ()


def changed_stages() -> dict[str, tuple[State, str]]:
    """What `dvc status` says of the stages that are not up to date, in the words of this check."""
    from dvc.repo import Repo

    with Repo() as repo:
        status = repo.status()
    found: dict[str, tuple[State, str]] = {}
    for stage, entries in status.items():
        said: dict[State, list[str]] = defaultdict(list)
        for entry in entries:
            if not isinstance(entry, dict):  # "changed command"
                said["stale"].append(str(entry))
                continue
            for path, how in entry.get("changed outs", {}).items():
                said["altered" if how == "modified" else "missing"].append(f"{path}: {how}")
            for path, how in entry.get("changed deps", {}).items():
                what = ", ".join(how) if isinstance(how, dict) else how
                said["stale"].append(f"{path}: {what}")
        state = next(one for one in WORST_FIRST if one in said)
        found[stage] = state, "; ".join(said[state])
    return found


def check(client: "MlflowClient", place: Store, study: Study) -> list[Finding]:
    """A finding for each run of params.yaml, each version and each alias of the registered model.

    `study` may lack runs that are not trained yet. What DVC says of other stages comes first,
    where they are not up to date.
    """
    changed = changed_stages()
    runs = params.load().runs
    of_runs = {f"{stage}@{key}" for key in runs for stage in ("train", "evaluate")}
    found = [
        Finding("stage", stage, *said)
        for stage, said in changed.items()
        if stage not in of_runs | UNCHECKED
    ]
    before = tracking.moved(client, place)
    if before:
        said_of_it = f"its artifacts are kept in {before}: the folder was moved or copied"
        found.insert(0, Finding("store", str(place), "stale", said_of_it))
    stored = _by(tracking.runs(client), lambda run: run.data.tags[FINGERPRINT])
    names = {run.info.run_name for group in stored.values() for run in group}
    said = tracking.describe(study, study.subjects)
    for key in runs:
        found.append(_run(client, key, study, said, stored, names, changed))
    return [*found, *_models(client, study, bool(changed))]


def _run(
    client: "MlflowClient",
    key: str,
    study: Study,
    said: dict[str, Publication],
    stored: "dict[str, list[Run]]",
    names: set[str],
    changed: dict[str, tuple[State, str]],
) -> Finding:
    """One (protocol, architecture): its files, its run in the store and those of its networks."""
    subjects = [one for one in study.subjects if str(one.run) == key]
    if not subjects:
        return Finding("run", key, "missing", "not trained yet; run `dvc repro`")
    faults: list[tuple[State, str]] = []
    wrong = []
    for stage in ("train", "evaluate"):
        if f"{stage}@{key}" in changed:
            faults.append(changed[f"{stage}@{key}"])
    for subject in subjects:
        wanted = said[subject.fingerprint]
        there = stored.get(subject.fingerprint, [])
        whole = [run for run in there if run.info.status == "FINISHED"]
        fault: tuple[State, str] | None = None
        if len(whole) > 1:
            fault = "double", f"{subject.name}: {len(whole)} times in the store"
        elif there and not whole:
            fault = "missing", f"{subject.name}: its publisher did not finish"
        elif not there and wanted.name in names:
            fault = "stale", f"{subject.name}: the store has it of another study only"
        elif not there:
            fault = "missing", f"{subject.name}: not in the store"
        else:
            differences = "; ".join(_differences(client, whole[0], wanted))
            if differences:
                fault = "stale" if changed else "altered", f"{subject.name}: {differences}"
        if fault:
            faults.append(fault)
            wrong.append(subject.fingerprint)
    if not faults:
        return Finding("run", key, "present", f"{len(subjects)} of {len(subjects)} in the store")
    return _worst("run", key, faults, wrong)


def _worst(
    kind: Literal["run", "version"],
    name: str,
    faults: Sequence[tuple[State, str]],
    wrong: Sequence[str],
) -> Finding:
    """The worst of some faults, with what there is to say of the first few."""
    state = min((state for state, _ in faults), key=WORST_FIRST.index)
    shown = [detail for _, detail in faults[:3]]
    if len(faults) > len(shown):
        shown.append(f"and {len(faults) - len(shown)} more")
    return Finding(kind, name, state, "; ".join(shown), tuple(wrong))


def _differences(client: "MlflowClient", run: "Run", wanted: Publication) -> Iterator[str]:
    """In what a run of the store is not what would be published; curves by their last point."""
    if run.info.run_name != wanted.name:
        yield f"it is called {run.info.run_name!r}"
    last: dict[str, tuple[int, float]] = {}
    for key, value, step in wanted.metrics:
        if key not in last or step >= last[key][0]:
            last[key] = (step, value)
    pairs: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("parameter", wanted.parameters, run.data.params),
        ("tag", wanted.tags, run.data.tags),
        ("metric", {key: value for key, (_, value) in last.items()}, run.data.metrics),
    ]
    for kind, expected, there in pairs:
        for key, value in expected.items():
            if there.get(key) != value:
                if key == NOTE:
                    yield "the description is another"
                else:
                    yield f"{kind} {key} is {there.get(key)!r} instead of {value!r}"
    yield from _bad_files(
        {path: text.encode() for path, text in wanted.artifacts.items()},
        lambda folder: client.download_artifacts(run.info.run_id, "", folder),
    )


def _bad_files(
    wanted: dict[str, bytes], fetch: Callable[[str], str], whole: str | None = None
) -> Iterator[str]:
    """Which of these are not there, or hold something else, where `fetch` brings them.

    Of the file `whole` it is enough that it is there.
    """
    from mlflow.exceptions import MlflowException

    if not wanted:
        return
    with tempfile.TemporaryDirectory() as folder:
        try:
            fetched = Path(fetch(folder))
        except (MlflowException, OSError):
            yield "its files are gone"
            return
        if whole and not (fetched / whole).is_file():
            yield f"{whole} is gone"
        for path, content in wanted.items():
            place = fetched / path
            if not place.is_file():
                yield f"{path} is gone"
            elif place.read_bytes() != content:
                yield f"{path} is another"


def _models(client: "MlflowClient", study: Study, changed: bool) -> list[Finding]:
    """A finding for each architecture's version, and for each alias."""
    candidates = registry.candidates(study)
    if not candidates:
        return []
    model = registry.described(client)
    stored = _by(registry.versions(client) if model else [], lambda one: one.tags[FINGERPRINT])
    known = {one.tags.get("architecture") for group in stored.values() for one in group}
    found = []
    for architecture, wanted in candidates.items():
        there = stored.get(wanted.fingerprint, [])
        if len(there) > 1:
            numbers = ", ".join(str(one.version) for one in there)
            state, detail = "double", f"versions {numbers}"
        elif not there and architecture in known:
            state, detail = "stale", "the registry has it of another study only"
        elif not there:
            state, detail = "missing", "not in the registry"
        else:
            state, detail = "present", f"version {there[0].version}"
            differences = "; ".join(_other_model(there[0], wanted))
            if differences:
                state = "stale" if changed else "altered"
                detail = f"{detail}: {differences}"
        wrong = () if state == "present" else (wanted.fingerprint,)
        found.append(Finding("version", architecture, cast(State, state), detail, wrong))
    aliases = {str(k): str(v) for k, v in model.aliases.items()} if model else {}
    for alias, architecture in registry.ALIASES.items():
        if architecture in candidates:
            ours = stored.get(candidates[architecture].fingerprint, [])
            found.append(_alias(alias, aliases.get(alias), ours))
    decision = model.tags.get(DECISION, "") if model else ""
    if decision and CHAMPION not in aliases:
        return [*found, Finding("alias", CHAMPION, "present", f"nobody yet; {decision}")]
    everything = [one for group in stored.values() for one in group]
    return [*found, _alias(CHAMPION, aliases.get(CHAMPION), everything, decision)]


def _other_model(one: "ModelVersion", wanted: Candidate) -> Iterator[str]:
    """In what a registered version is not what would be registered."""
    from mlflow.artifacts import download_artifacts

    for key, value in wanted.tags.items():
        if one.tags.get(key) != value:
            yield f"tag {key} is {one.tags.get(key)!r} instead of {value!r}"
    if one.description != wanted.description:
        yield "the description is another"
    uri = f"models:/{MODEL}/{one.version}"
    yield from _bad_files(
        wanted.files, lambda folder: download_artifacts(uri, dst_path=folder), whole="MLmodel"
    )


def _alias(
    alias: str, number: str | None, wanted: "Sequence[ModelVersion]", note: str = ""
) -> Finding:
    """Whether an alias points at one of these versions."""
    if number is None:
        return Finding("alias", alias, "missing", "points nowhere")
    if number not in {str(one.version) for one in wanted}:
        return Finding("alias", alias, "stale", f"points at version {number}")
    return Finding("alias", alias, "present", f"version {number}" + (f"; {note}" if note else ""))


def _by(items: Sequence[Any], key: Any) -> dict[str, list[Any]]:
    """Items by what `key` says of each, in their order."""
    groups: dict[str, list[Any]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return groups


def repair(client: "MlflowClient", place: Store, study: Study) -> int:
    """Delete what is wrong of this study in a shared store and publish it anew; how many runs.

    What belongs to others, and what is as it must be, is left alone with its ids. Interrupted, it
    leaves gaps that the next `dvc repro`, `verify` or `rebuild` sees.
    """
    wrong = {one for finding in check(client, place, study) for one in finding.fingerprints}
    with alone(place, client):
        if registry.described(client) is not None:
            for one in registry.versions(client):
                if one.tags[FINGERPRINT] in wrong:
                    client.delete_model_version(MODEL, one.version)
        for run in tracking.runs(client):
            if run.data.tags[FINGERPRINT] in wrong:
                client.delete_run(run.info.run_id)
    return tracking.publish(client, place, study)


def clean(findings: Sequence[Finding]) -> bool:
    """Whether everything is present."""
    return all(finding.state == "present" for finding in findings)


def text(findings: Sequence[Finding], place: Store) -> str:
    """The findings for a terminal."""
    width = max(len(finding.name) for finding in findings)
    lines = [
        f"{one.state:8} {one.kind:8} {one.name:{width}}  {one.detail}".rstrip() for one in findings
    ]
    bad = sum(one.state != "present" for one in findings)
    verdict = f"{bad} of {len(findings)} are not as they must be" if bad else "all present"
    return "\n".join([*lines, f"{place}: {verdict}"])


def as_json(findings: Sequence[Finding], place: Store) -> str:
    """The findings for a program."""
    rows = [asdict(one) for one in findings]
    return json.dumps({"store": str(place), "clean": clean(findings), "findings": rows}, indent=2)
