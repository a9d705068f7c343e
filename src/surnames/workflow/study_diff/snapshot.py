"""One side of the comparison: what a commit, or the work tree, holds of its study."""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surnames import dvc_repo
from surnames.core import files, yaml_files
from surnames.core.errors import InputError, ParameterError, StudyError
from surnames.git import git, git_or_nothing
from surnames.project import LOCK
from surnames.study.paths import LEDGER, RECALL, REPLICATES, SUMMARY

PATHS = (files.PARAMS, LOCK, LEDGER, SUMMARY, REPLICATES, RECALL)
NEEDED = ("claim", "verdict", "effect", "low", "high")  # of a claim
Run = tuple[str, str]  # protocol, architecture


@dataclass(frozen=True)
class Snapshot:
    """A study as its files describe it at one commit."""

    name: str
    parameters: dict[str, Any]  # by dotted name
    stages: dict[str, Any]  # of dvc.lock
    claims: dict[str, dict[str, Any]]  # with their verdicts, by id
    scores: dict[Run, dict[str, list[float]]]  # metric -> one value a replicate
    recalls: dict[tuple[str, str, str], tuple[float, float | None]]  # mean and sd over replicates
    data_sets: list[str]
    missing: list[str]  # paths

    @property
    def confidence(self) -> float:
        """That of every interval."""
        return float(self.parameters.get("study.confidence", 0.95))


def find_commit(name: str) -> str:
    """The full hash of a commit in this repository, or ""; StudyError where git can read none."""
    git("rev-parse", "--git-dir")
    revision = ("--end-of-options", f"{name}^{{commit}}")
    return git_or_nothing("rev-parse", "--verify", "--quiet", *revision)


def read(path: Path, commit: str | None) -> str:
    """A file's text at a commit, or in the work tree where None; "" where it is missing."""
    if commit is None:
        return path.read_text("utf-8", "surrogateescape") if path.is_file() else ""
    return git_or_nothing("show", f"{commit}:./{path.as_posix()}")


def load(commit: str | None, known_as: str = "") -> Snapshot:
    """The study of a commit, which readers know by that name, or of the work tree where None.

    Raises InputError for an unknown commit, StudyError for a file that cannot be parsed.
    """
    name, digest = "the work tree", None
    if commit is not None:
        digest = find_commit(commit)
        if not digest:
            raise InputError(
                f"{commit!r} is not a commit in this repository; name a branch, a tag or a commit, "
                "and `git fetch` it first if it is on another machine"
            )
        name, short = known_as or commit, digest[:10]
        name = short if digest.startswith(name) else f"{name} ({short})"
    values: dict[Path, Any] = {}
    for path in PATHS:
        try:
            if (text := read(path, digest)) or (commit is None and path.is_file()):
                values[path] = _values(path, text, "" if commit is None else name)
        except (ValueError, RecursionError, ParameterError) as error:
            raise StudyError(f"{path} of {name} cannot be read: {error}") from None
    try:
        found = _snapshot(name, values)
        float(found.confidence)
        return found
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise StudyError(f"{name} holds tables of another form ({error!r:.100})") from None


def _snapshot(name: str, values: dict[Path, Any]) -> Snapshot:
    return Snapshot(
        name,
        parameters=dict(_dotted(values.get(files.PARAMS) or {})),
        stages=values.get(LOCK, {}).get("stages", {}),
        claims={
            claim["id"]: claim | {key: claim[key] for key in NEEDED}
            for claim in values.get(LEDGER, {}).get("claims", [])
        },
        scores=_scores(values.get(REPLICATES, [])),
        recalls={
            (row["protocol"], row["architecture"], row["language"]): (
                float(row["recall"] or "nan"),
                float(row["sd"]) if row["sd"] else None,
            )
            for row in values.get(RECALL, [])
        },
        data_sets=sorted({row["data_set"] for row in values.get(SUMMARY, [])}),
        missing=[path.as_posix() for path in PATHS if path not in values],
    )


def _values(path: Path, text: str, of: str) -> Any:
    if path == LOCK:
        return dvc_repo.parse_lock(text, of)
    if path.suffix == ".yaml":
        return yaml_files.values(path, text, yaml_files.BYTES)
    text.encode()  # ValueError for what is not UTF-8
    return json.loads(text) if path.suffix == ".json" else [*csv.DictReader(text.splitlines())]


def _dotted(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested keys as dotted names; lists and empty sections are values."""
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from _dotted(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _scores(rows: list[dict[str, str]]) -> dict[Run, dict[str, list[float]]]:
    """replicates.csv by run and metric, in the order of the replicates."""
    scores: dict[Run, dict[str, list[float]]] = {}
    for row in sorted(rows, key=lambda row: int(row["replicate"])):
        metrics = scores.setdefault((row["protocol"], row["architecture"]), {})
        for column, cell in row.items():
            if column not in ("protocol", "architecture", "replicate", "data_set"):
                metrics.setdefault(column, []).append(float(cell or "nan"))
    return scores
