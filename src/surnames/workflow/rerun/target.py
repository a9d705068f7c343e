"""What is to be run again: a commit, or the commit and the stages of a published run."""

import csv
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from surnames import dvc_repo
from surnames.core.errors import InputError, StudyError
from surnames.core.params import Run
from surnames.core.tables import Row
from surnames.git import git_or_nothing
from surnames.project import LOCK
from surnames.study.paths import SUMMARY
from surnames.tracking.runs import tags_of
from surnames.tracking.store import FINGERPRINT
from surnames.tracking.subjects import FORMAT, fingerprint
from surnames.workflow.study_diff.snapshot import find_commit, read


@dataclass(frozen=True)
class Target:
    """The stages of a commit, and the results that they gave."""

    name: str  # for people
    commit: str
    stages: Sequence[str]  # as `dvc repro` takes them
    lock: str  # the text of dvc.lock
    summary: Sequence[Row]  # of results/summary.csv
    data_set: str  # the label of the names that were used


def find(wanted: str) -> Target:
    """The target that a commit or the ID of an MLflow run names; InputError where none is known."""
    commit = find_commit(wanted)
    if not commit and re.fullmatch("[0-9a-f]{32}", wanted):
        return _of_run(wanted)
    if not commit:
        raise InputError(
            f"{wanted!r} is neither a commit of this repository nor the ID of an MLflow run (32 "
            "hexadecimal digits); `git log` lists commits, `make ui` runs; `git fetch` brings "
            "commits, in a shallow clone with --unshallow"
        )
    name = f"commit {commit[:12]}"
    lock, summary = _results(commit)
    if not lock or not summary:
        raise StudyError(
            f"{name} holds no {LOCK} with {SUMMARY}, so its results are unknown; name the commit "
            "with which they were committed"
        )
    return Target(name, commit, ["compare"], lock, summary, summary[0]["data_set"])


def _of_run(run_id: str) -> Target:
    tags = tags_of(run_id)
    if FINGERPRINT not in tags:
        raise StudyError(f"run {run_id} was not published by this project")
    run = Run.model_construct(
        name=tags["run"].removeprefix("STARTER "),
        protocol=tags["protocol"],
        architecture=tags["architecture"],
    )
    replicate = int(tags["replicate"]) if "replicate" in tags else None
    name = f"run {run_id} ({run}{'' if replicate is None else f', network {replicate}'})"
    if "commit" not in tags:
        raise StudyError(f"{name} was published outside git, so its code is unknown")
    if tags["dirty"] == "true":
        raise StudyError(
            f"{name} is of a dirty tree: commit {tags['commit'][:12]} with changes that were not "
            "committed, so it cannot be run again; commit first, then `dvc repro`"
        )
    commit = find_commit(tags["commit"])
    if not commit:
        raise StudyError(
            f"{name} is of commit {tags['commit']}, which is not in this repository; `git fetch` "
            "may bring it"
        )
    # results are committed after they were published, so a run's commit often lacks its own
    others = git_or_nothing("rev-list", "--all", "--", str(LOCK)).split()
    for place in (None, commit, *others):
        lock, summary = _results(place)
        if not (lock and summary):
            continue
        with suppress(StudyError):  # a lock without this run
            values = dvc_repo.parse_lock(lock)
            versions = range(1, FORMAT + 1)
            known = [fingerprint(run, replicate, values, summary, one) for one in versions]
            if tags[FINGERPRINT] in known:
                return Target(name, commit, [f"evaluate@{run}"], lock, summary, tags["data_set"])
    raise StudyError(
        f"neither the present {LOCK} nor a committed one is that of {name}: its results were never "
        "committed"
    )


def _results(commit: str | None) -> tuple[str, list[Row]]:
    """dvc.lock and the rows of the summary, of a commit or of the work tree where None."""
    table = read(SUMMARY, commit)
    return read(LOCK, commit), list(csv.DictReader(table.splitlines()))
