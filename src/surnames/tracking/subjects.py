"""What is published: a subject for each network and for each run, known by its fingerprint.

Fingerprints come from dvc.lock, so that nothing else must be read to tell what a store lacks.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from surnames import dvc_repo
from surnames.core import files, params, tables
from surnames.core.errors import StudyError
from surnames.core.params import Params, Run
from surnames.core.tables import Row
from surnames.networks.lookup import get_architecture
from surnames.networks.network import replicates
from surnames.project import LOCK
from surnames.study.comparison import DataSet
from surnames.study.paths import CURVES, SUMMARY

FORMAT = 3  # increased when the same results are published differently


@dataclass(frozen=True)
class Subject:
    """A network (with the number of its replicate) or a whole run (without)."""

    run: Run
    replicate: int | None
    fingerprint: str

    @property
    def name(self) -> str:
        """`held_out-fixed`, or `held_out-fixed-3` for a network of it."""
        return str(self.run) if self.replicate is None else f"{self.run}-{self.replicate}"


@dataclass(frozen=True)
class Snapshot:
    """The study as dvc.lock has it: all that is published, except the results of single runs."""

    settings: Params
    subjects: list[Subject]  # every run, each followed by its networks
    summary: list[Row]  # results/summary.csv
    curves: list[Row]  # results/curves.csv
    data_set: DataSet
    split: str  # digest of the held-out split: only scores on the same one can be paired


def digest(value: Any) -> str:
    """SHA-256 of a value's JSON with sorted keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def load_snapshot(partly: bool = False) -> Snapshot:
    """The study in the working directory.

    Raises StudyError where a run has not been trained yet, or leaves that run out if `partly`.
    """
    settings, lock, summary = params.load(), dvc_repo.read_lock(), tables.read_table(SUMMARY)
    subjects = []
    for run in settings.runs.values():
        if partly and not {f"train@{run}", f"evaluate@{run}"} <= lock["stages"].keys():
            continue
        architecture = get_architecture(run.architecture)
        wanted = settings.protocols.replicates(run.protocol)
        networks = replicates(architecture, run.protocol, wanted)
        for number in (None, *range(networks)):
            subjects.append(Subject(run, number, fingerprint(run, number, lock, summary)))
    return Snapshot(
        settings,
        subjects,
        summary,
        tables.read_table(CURVES),
        tables.read_json(files.DATA_SET),
        _entry(lock, "split")["outs"][str(files.split("held_out"))],
    )


def fingerprint(
    run: Run,
    replicate: int | None,
    lock: dict[str, Any],
    summary: Sequence[Row],
    version: int = FORMAT,
) -> str:
    """The fingerprint of a network (given its replicate) or of a run (None).

    That of a run also covers its rows of the summary, because intervals depend on parameters that
    neither its training nor its evaluation reads. `version` is the FORMAT in which it was
    published. Raises StudyError where the lock does not contain the run.
    """
    stages = [_entry(lock, f"{stage}@{run}") for stage in ("train", "evaluate")]
    return digest([version, *stages, rows_of(run, summary) if replicate is None else replicate])


def _entry(lock: dict[str, Any], stage: str) -> dict[str, Any]:
    """A stage's entry in dvc.lock without sizes, numbers of files and order."""
    entry = lock["stages"].get(stage)
    if entry is None:
        raise StudyError(f"{LOCK} does not contain {stage}; run `dvc repro`")
    return {
        "cmd": entry["cmd"],
        "params": entry.get("params", {}),
        "deps": {item["path"]: item["md5"] for item in entry["deps"]},
        "outs": {item["path"]: item["md5"] for item in entry["outs"]},
    }


def rows_of(run: Run, table: Sequence[Row]) -> list[Row]:
    """The rows of a table that are about a run."""
    key = (run.protocol, run.architecture)
    return [row for row in table if (row["protocol"], row["architecture"]) == key]
