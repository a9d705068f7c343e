"""A published run, or a whole commit, made anew in a clean checkout and compared with what it was.

Predictions are compared first, metrics second. The checkout has a DVC cache of its own, so that
nothing is restored, and goes when all is said; the user's files, cache and store are only read.
"""

import csv
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

from surnames.core import files, params, tables
from surnames.core.corpus import LANGUAGES
from surnames.core.errors import StudyError
from surnames.core.params import Run
from surnames.evaluation.scoring import PREDICTION_KEYS
from surnames.project import LOCK
from surnames.study import comparison
from surnames.study.paths import SUMMARY
from surnames.tracking import publish as tracking
from surnames.tracking import run_record as publication
from surnames.tracking import store as stores
from surnames.tracking.run_record import Row

BITS = "reproduced bit for bit"
INTERVAL = "reproduced within the interval"
NOT = "not reproduced"
SHOWN = 5  # files named, of those that differ
Outs = dict[str, str]  # path -> digest, as in dvc.lock


@dataclass(frozen=True)
class Past:
    """What is to be made anew, and what it was."""

    name: str  # for people
    commit: str
    stages: Sequence[str]  # DVC's targets
    lock: str  # the text of dvc.lock
    summary: Sequence[Row]  # of results/summary.csv
    data_set: str  # the label of the names that it was made from


@dataclass(frozen=True)
class Outcome:
    """The verdict, and in lines of text what it rests on."""

    verdict: str
    lines: list[str]

    @property
    def good(self) -> bool:
        """Whether it was reproduced."""
        return self.verdict != NOT

    def __str__(self) -> str:
        return "\n  ".join([self.verdict, *self.lines])


def reproduce(wanted: str) -> Outcome:
    """Make a commit or the MLflow run with this id anew, and compare.

    Raises StudyError where that cannot be: an unknown or dirty subject, another data set, a commit
    whose dvc.lock is not of its code, a pipeline that fails.
    """
    subject = find(wanted)
    _say(f"{subject.name}: {subject.data_set}, code of commit {subject.commit[:12]}")
    if _git("show", f"{subject.commit}:./requirements.lock") != _text(Path("requirements.lock")):
        _say("requirements.lock is not that commit's: this runs in the present environment")
    with _checkout(subject) as folder:
        _say(f"making it anew in {folder}")
        _run(folder, "repro", "fetch")
        found = comparison.label(tables.read_json(folder / files.DATA_SET))
        if found != subject.data_set:
            raise StudyError(
                f"{subject.name} was made from the data set {subject.data_set}, and what could be "
                f"had now is {found}; SURNAMES_DATA=<folder or zip> names a copy of the right one"
            )
        _run(folder, "repro", *subject.stages)
        return compare(subject, folder)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _git(*arguments: str) -> str | None:
    """What git says, or None where it refuses."""
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _parsed(lock: str) -> dict[str, Any]:
    """The values of a dvc.lock, by DVC's own parser."""
    from dvc.utils.serialize import parse_yaml

    return parse_yaml(lock, LOCK)


# What it was


def find(wanted: str) -> Past:
    """The subject that a commit or a run's id names."""
    commit = _commit(wanted)
    if commit:
        return _of_commit(commit)
    if re.fullmatch("[0-9a-f]{32}", wanted):
        return _of_run(wanted)
    raise StudyError(
        f"{wanted!r} is neither a commit of this repository nor the ID of an MLflow run (32 "
        "hexadecimal digits); `git log` lists commits, `make ui` runs; `git fetch` brings commits"
    )


def _commit(name: str) -> str:
    """The full hash of a commit that is here, or nothing."""
    said = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    return (said or "").strip()


def _of_commit(commit: str) -> Past:
    name = f"commit {commit[:12]}"
    lock, summary = _committed(commit)
    if lock is None or not summary:
        raise StudyError(
            f"{name} holds no {LOCK} with {SUMMARY}, so nothing says what its results "
            "were; name the commit with which they were committed"
        )
    return Past(name, commit, ["compare"], lock, summary, summary[0]["data_set"])


def _of_run(run: str) -> Past:
    tags = tracking.tags_of(run)
    if stores.FINGERPRINT not in tags:
        raise StudyError(f"run {run} is not one that this project published")
    known = Run.model_validate(
        {"protocol": tags["protocol"], "architecture": tags["architecture"], "recipe": ""}
    )
    replicate = int(tags["replicate"]) if "replicate" in tags else None
    name = f"run {run} ({known}{'' if replicate is None else f', network {replicate}'})"
    if "commit" not in tags:
        raise StudyError(f"{name} was published outside git: nothing says what its code was")
    if tags["dirty"] == "true":
        raise StudyError(
            f"{name} is of a dirty tree: commit {tags['commit'][:12]} was altered before it was "
            "published, so it cannot be reproduced; commit first, then `dvc repro`"
        )
    commit = _commit(tags["commit"])
    if not commit:
        raise StudyError(
            f"{name} is of commit {tags['commit']}, which is not in this repository; `git fetch` "
            "may bring it"
        )
    for lock, summary in _candidates(commit):
        with suppress(StudyError):  # a lock without this run
            values = _parsed(lock)
            prints = {
                publication.fingerprint(known, replicate, values, summary, version)
                for version in range(1, publication.FORMAT + 1)
            }
            if tags[stores.FINGERPRINT] in prints:
                targets = [f"evaluate@{known}"]
                return Past(name, commit, targets, lock, summary, tags["data_set"])
    raise StudyError(
        f"no {LOCK} here, neither the present one nor a committed one, is that of {name}: "
        "its results were never committed"
    )


def _candidates(commit: str) -> Iterator[tuple[str, list[Row]]]:
    """dvc.lock and the summary: the present ones, the commit's, then all others, newest first.

    Results are committed after they were published, so a run's commit often lacks its own.
    """
    lock = _text(LOCK)
    if lock is not None and SUMMARY.is_file():
        yield lock, tables.read_table(SUMMARY)
    others = _git("rev-list", "--all", "--", str(LOCK)) or ""
    for one in (commit, *others.split()):
        lock, summary = _committed(one)
        if lock is not None:
            yield lock, summary


def _committed(commit: str) -> tuple[str | None, list[Row]]:
    """dvc.lock and the rows of the summary as they were committed."""
    table = _git("show", f"{commit}:./{SUMMARY}") or ""
    return _git("show", f"{commit}:./{LOCK}"), list(csv.DictReader(table.splitlines()))


# Made anew


@contextmanager
def _checkout(subject: Past) -> Iterator[Path]:
    """The project at that commit in a temporary clone, without anything that a stage made.

    Raises StudyError where the subject's lock is not of that code.
    """
    top, within = ((_git("rev-parse", f"--show-{w}") or "").strip() for w in ("toplevel", "prefix"))
    with tempfile.TemporaryDirectory(prefix="surnames-reproduce-") as temporary:
        clone = Path(temporary).resolve() / "surnames"
        for words in (
            ["clone", "--quiet", "--shared", "--no-checkout", top, str(clone)],
            ["-C", str(clone), "checkout", "--quiet", "--detach", subject.commit],
        ):
            done = subprocess.run(["git", *words], capture_output=True, text=True, check=False)
            if done.returncode:
                raise StudyError(f"git {words[0]} failed: {done.stderr.strip()}")
        folder = clone / within
        # whatever cache the commit or the user configured: this one is its own, and empty
        tables.replace_text(folder / ".dvc/config.local", "[cache]\n    dir = cache\n")
        tables.replace_text(folder / LOCK, subject.lock)
        _remove(folder, _parsed(subject.lock))
        _refuse_another_lock(folder, subject)
        (folder / LOCK).unlink()  # afterwards it holds what was made, and nothing else
        yield folder


def _remove(folder: Path, lock: dict[str, Any]) -> None:
    """What stages made: the small tables are in git."""
    for path in _outs(lock, lock["stages"]):
        made = folder / path
        if made.is_dir():
            shutil.rmtree(made)
        else:
            made.unlink(missing_ok=True)
        with suppress(OSError):  # up to the first folder that holds something
            os.removedirs(made.parent)


def _refuse_another_lock(folder: Path, subject: Past) -> None:
    """StudyError where what is in git is not what dvc.lock was made from."""
    said = json.loads(_dvc(folder, "status", "--json", "--with-deps", *subject.stages))
    for stage, changes in said.items():
        for change in changes:
            deps = change.get("changed deps", {}) if isinstance(change, dict) else {}
            altered = [
                f"{path} ({', '.join(how)})" if isinstance(how, dict) else path
                for path, how in deps.items()
                if how != "deleted"
            ]
            if change == "changed command" or altered:
                what = ", ".join(altered) or "its command"
                raise StudyError(
                    f"{subject.name}: {LOCK} is not of this code and these parameters: "
                    f"{what} of {stage} differs; name the commit with which the results were "
                    "committed"
                )


def _environment(folder: Path) -> dict[str, str]:
    """The present one with the checkout's own code, and without what leads out of the checkout."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("DVC_", "GIT_", "MLFLOW_"))}
    if "SURNAMES_DATA" in kept:
        kept["SURNAMES_DATA"] = str(Path(kept["SURNAMES_DATA"]).resolve())
    return {"OMP_NUM_THREADS": "1"} | kept | {
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(folder / ".dvc/tmp/site"),
        "PYTHONPATH": str(folder / "src"),
    }  # fmt: skip


def _dvc(folder: Path, *words: str) -> str:
    """What DVC says in the checkout; StudyError where it fails."""
    command = [sys.executable, "-m", "dvc", *words]
    done = subprocess.run(
        command, cwd=folder, env=_environment(folder), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise StudyError(f"dvc {words[0]} failed in the checkout:\n{done.stderr.strip()}")
    return done.stdout


def _run(folder: Path, *words: str) -> None:
    """A DVC command whose output is shown; standard output is kept for the verdict."""
    command = [sys.executable, "-m", "dvc", *words]
    done = subprocess.run(command, cwd=folder, env=_environment(folder), stdout=2, check=False)
    if done.returncode:
        raise StudyError(f"dvc {' '.join(words)} failed in the checkout; what it said is above")


# Compared


def compare(subject: Past, folder: Path) -> Outcome:
    """What was made in the checkout against what the subject was."""
    lock = params.read_yaml(folder / LOCK)
    expected = _outs(_parsed(subject.lock), lock["stages"])
    made = _outs(lock, lock["stages"])
    runs = [
        tuple(entry["cmd"].split()[-2:])
        for stage, entry in lock["stages"].items()
        if stage.startswith("evaluate@")
    ]
    changed = [path for path in made if made[path] != expected.get(path)]
    altered = _altered(expected)
    if not changed:
        same = f"made anew, all {len(made)} outputs have the digests of {LOCK}"
        return Outcome(NOT if altered else BITS, [*altered, same])
    lines = []
    for protocol, architecture in runs:
        path = files.predictions(protocol, architecture)
        if str(path.parent) in changed:
            was = _kept(path, expected[str(path.parent)])
            lines.append(f"{path}: {_difference(was, folder / path)}")
            break
    else:
        lines.append("all predictions are the same")
    first = changed[0]
    lines += [
        f"{len(changed)} of {len(made)} outputs differ: {', '.join(changed[:SHOWN])}"
        + (" ..." if len(changed) > SHOWN else ""),
        f"the first of them: {made[first]}, was {expected.get(first, 'not there')}",
    ]
    outside = [
        line
        for run in runs
        for line in _outside(run, tables.read_json(folder / files.metrics(*run)), subject.summary)
    ]
    return Outcome(NOT if outside or altered else INTERVAL, [*altered, *outside[:SHOWN], *lines])


def _outs(lock: dict[str, Any], stages: Iterable[str]) -> Outs:
    """The digests of what these stages made, in their order."""
    entries = (lock["stages"].get(stage, {}) for stage in stages)
    return {out["path"]: out["md5"] for entry in entries for out in entry.get("outs", [])}


def _digest(path: Path) -> str:
    """A file's or a folder's digest as DVC computes it."""
    if path.is_file():
        with open(path, "rb") as stream:
            return hashlib.file_digest(stream, "md5").hexdigest()
    found = sorted(one.relative_to(path) for one in path.rglob("*") if one.is_file())
    listed = [{"md5": _digest(path / one), "relpath": one.as_posix()} for one in found]
    return hashlib.md5(json.dumps(listed, sort_keys=True).encode()).hexdigest() + ".dir"


def _altered(expected: Outs) -> list[str]:
    """A line for each file here that is said to be the subject's, and is not.

    That is what the work tree's own dvc.lock says of it, or the name that it has in DVC's cache.
    """
    lines = []
    here = params.read_yaml(LOCK) if LOCK.is_file() else {"stages": {}}
    present = _outs(here, here["stages"])
    for path, digest in expected.items():
        if present.get(path) == digest and Path(path).exists():
            found = _digest(Path(path))
            if found != digest:
                lines.append(f"{path} was altered in the work tree: {found}, was {digest}")
        objects = {path: digest}
        if digest.endswith(".dir"):
            listed = _listed(digest)
            objects |= {f"{path}/{name}": inner for name, inner in listed.items()}
        for name, inner in objects.items():
            place = _cached(inner)
            if place.is_file() and _digest(place) != inner.removesuffix(".dir"):
                lines.append(f"{name} was altered in DVC's cache: {place}")
    return lines


@cache
def _cache() -> Any:
    """The user's DVC cache, wherever it is configured to be."""
    from dvc.repo import Repo

    with Repo() as repo:
        return repo.cache.local


def _cached(digest: str) -> Path:
    """Where the user's cache keeps what has this digest."""
    return Path(_cache().oid_to_path(digest))


def _listed(digest: str) -> dict[str, str]:
    """The digests of a folder's files, by name; nothing where the cache does not have it."""
    place = _cached(digest)
    return (
        {one["relpath"]: one["md5"] for one in tables.read_json(place)} if place.is_file() else {}
    )


def _kept(path: Path, folder: str) -> Path | None:
    """A file that was in the folder with this digest, where the cache has it, unaltered."""
    digest = _listed(folder).get(path.name)
    place = _cached(digest) if digest else None
    return place if place and place.is_file() and _digest(place) == digest else None


def _difference(was: Path | None, made: Path) -> str:
    """The first replicate and name of which something else is said now, with the values."""
    if was is None:
        return "differs; where, DVC's cache cannot tell, which lacks the old one (`dvc pull`)"
    before = safetensors.numpy.load_file(was)
    after = safetensors.numpy.load_file(made)
    fields = PREDICTION_KEYS
    replicates = {int(key.split(".")[0]) for key in before.keys() | after.keys()}
    for replicate in sorted(replicates):
        keys = [f"{replicate}.{name}" for name in fields]
        sizes = {len(one[key]) if key in one else None for one in (before, after) for key in keys}
        if len(sizes) > 1:
            return f"replicate {replicate} was scored on other names"
        other = [before[key] != after[key] for key in keys]
        if np.any(other):
            index = int(np.flatnonzero(np.any(other, axis=0))[0])
            values = [
                f"{name} {_shown(name, after[key][index])} (was {_shown(name, before[key][index])})"
                for name, key, one in zip(fields, keys, other, strict=True)
                if one[index]
            ]
            return f"replicate {replicate}, name {index}: {', '.join(values)}"
    return "the predictions are the same, the tables beside them are not"


def _shown(name: str, value: Any) -> str:
    return LANGUAGES[int(value)] if name in ("language", "predicted") else str(value)


def _outside(
    run: Sequence[str], metrics: dict[str, float | None], summary: Sequence[Row]
) -> list[str]:
    """A line for each metric outside its interval; one without any must be what it was."""
    lines = []
    for row in summary:
        if [row["protocol"], row["architecture"]] != list(run):
            continue
        low, high = row["ci_low"] or row["mean"], row["ci_high"] or row["mean"]
        value = metrics.get(row["metric"])
        if value is None or not float(low) <= value <= float(high):
            lines.append(f"{'-'.join(run)}: {row['metric']} {value}, was {low} to {high}")
    return lines
