"""The one place that calls DVC, as a library and as a command.

DVC is imported where it is needed: that takes most of a second.
"""

import json
import logging
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from surnames.core import tables, yaml_files
from surnames.core.digests import digest
from surnames.core.errors import DataError, ParameterError, StudyError
from surnames.git import advised
from surnames.project import LOCK

if TYPE_CHECKING:
    from dvc.repo import Repo

LARGEST = 10_000_000  # bytes of a dvc.lock that are read: some thousand runs
REMEDY = f"`git checkout HEAD -- {LOCK}` brings back the committed one, then `make repro`"
PIPELINE = "dvc.yaml"  # the study; other pipelines have files of their own
COMMAND = (sys.executable, "-m", "dvc")


def run(
    *arguments: str,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    show: bool = False,
) -> str:
    """What a DVC command printed, or "" with `show`: then all of it goes to standard error.

    Raises StudyError with DVC's own words where it fails.
    """
    done = subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        env=environment,
        stdout=2 if show else subprocess.PIPE,
        stderr=None if show else subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        reason = "its messages are above" if show else done.stderr.strip()
        raise StudyError(f"`dvc {' '.join(arguments)}` failed: {reason}")
    return done.stdout or ""


@contextmanager
def _repo(**options: Any) -> Iterator["Repo"]:
    """The project as DVC sees it. DVC's errors become a StudyError that names their causes."""
    from dvc.exceptions import DvcException
    from dvc.lock import LockNoop
    from dvc.logger import _iter_causes
    from dvc.repo import Repo

    try:
        with Repo(**options) as repo, tempfile.TemporaryDirectory() as elsewhere:
            if not os.access(repo.tmp_dir, os.W_OK):  # nobody can change what is read-only
                repo.lock, repo.tmp_dir = LockNoop(), elsewhere
            yield repo
    except DvcException as error:
        if LOCK.is_file():
            parse_lock(_lock_text())  # which says more where it is broken
        causes = [" ".join(str(cause).split()) for cause in _iter_causes(error)]
        raise StudyError(f"DVC: {advised(': '.join(causes))}") from None
    except sqlite3.Error as error:  # of the files in which DVC keeps what it has seen
        raise StudyError(f"DVC cannot write its own files ({error}); is the disk full?") from None


@contextmanager
def opened(**options: Any) -> Iterator["Repo"]:
    """The same for a moment, in which Ctrl-C waits: DVC could leave half of its lists of locks."""
    came: list[int] = []
    before = {
        end: signal.signal(end, lambda number, _: came.append(number))
        for end in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        with _repo(**options) as repo:
            yield repo
    finally:
        for end, handler in before.items():
            signal.signal(end, handler)
        for number in came:
            signal.raise_signal(number)


def status(pipeline: str = PIPELINE) -> dict[str, list[Any]]:
    """What `dvc status --json` prints of a pipeline: its stages that are stale, and why."""
    with opened() as repo:
        return dict(repo.status(targets=[pipeline]))


def repro(*targets: str, single_item: bool = False, force: bool = False) -> None:
    """Run what changed of these stages and of those before them, or with `single_item` of these.

    DVC itself prints nothing, and waits while another DVC process holds the project. Raises
    StudyError where a stage fails, whose own messages have been printed then.
    """
    from dvc.logger import set_loggers_level

    with set_loggers_level(logging.CRITICAL), _repo(_wait_for_lock=True) as repo:
        repo.reproduce(targets or None, single_item=single_item, force=force)


def release_locks() -> None:
    """Take from DVC's list of locks those of processes that are gone; a broken list is emptied.

    A killed DVC leaves its entries, or half of the list. It takes any process that has got the
    same number since for the one that holds them, and refuses to work with a broken list.
    """
    from dvc.lock import make_lock

    own = Path(".dvc/tmp")
    path = own / "rwlock"
    if not path.is_file():
        return
    with make_lock(str(own / "rwlock.lock"), tmp_dir=str(own), wait=True):
        try:
            held = json.loads(path.read_text(encoding="utf-8"))
            write = {one: by for one, by in held.get("write", {}).items() if _alive(by)}
            readers = {one: [*filter(_alive, by)] for one, by in held.get("read", {}).items()}
            kept = {"write": write, "read": {one: by for one, by in readers.items() if by}}
        except (ValueError, AttributeError, TypeError, KeyError):
            kept = {}
        tables.replace_text(path, json.dumps(kept))


def _alive(holder: dict[str, Any]) -> bool:
    """Whether the process that holds a lock is there, and can be DVC."""
    try:
        command = " ".join(psutil.Process(int(holder["pid"])).cmdline())
    except psutil.Error:
        return False
    return "dvc" in command or "surnames" in command


def damaged(remove: bool = False) -> dict[str, str]:
    """Outputs that are not what dvc.lock says, although DVC believes so: the stage of each path.

    DVC takes a file in its cache for what its name says, and what it laid out from there as well.
    With `remove` both go, so that their stages are run again.
    """
    found = {}
    with opened() as repo:
        for stage in repo.index.stages:
            for out in stage.outs:
                value = out.hash_info.value if out.hash_info and out.use_cache else ""
                place = Path(out.fs_path)
                members = [value, *contents(value).values()] if value else []
                wrong = [cached(one) for one in members if _is_damaged(one)]
                if value and place.exists() and digest(place) != value:
                    wrong += [] if out.workspace_status() else [place]
                if wrong:
                    found[str(out.def_path)] = str(stage.addressing)
                for path in wrong if remove else ():
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
    return found


def _is_damaged(value: str) -> bool:
    """Whether the cache has another file under this digest."""
    return cached(value).is_file() and digest(cached(value)) != value.removesuffix(".dir")


def contents(value: str) -> dict[str, str]:
    """The digests of a folder's files, by name; none where it is a file, or not in the cache."""
    if not value.endswith(".dir") or not cached(value).is_file():
        return {}
    with suppress(DataError, TypeError, KeyError):  # a damaged list
        return {one["relpath"]: one["md5"] for one in tables.read_json(cached(value))}
    return {}


def sort_lock(path: Path = LOCK) -> None:
    """Put the stages of a dvc.lock in order: DVC appends each new one when it happens to end."""
    from dvc.utils.serialize import modify_yaml

    stages = read_lock(path)["stages"] if path.is_file() else {}
    if list(stages) != sorted(stages):
        with modify_yaml(path) as values:
            values["stages"] = dict(sorted(values["stages"].items()))


def read_lock(path: Path = LOCK) -> dict[str, Any]:
    """The values of a dvc.lock, which DVC writes after each stage.

    Read while no DVC process may write it: it is not written at once, and a part of it reads as a
    lock with fewer stages.
    """
    from dvc.lock import make_lock

    if not path.is_file():
        raise StudyError(f"{path} is not there yet; run `dvc repro`")
    own = LOCK.resolve().parent / ".dvc/tmp"
    if own.is_dir() and not os.access(own, os.W_OK):  # nobody can write it
        return parse_lock(_lock_text(path))
    own.mkdir(parents=True, exist_ok=True)
    with make_lock(str(own / "lock"), tmp_dir=str(own), wait=True):
        text = _lock_text(path)
    return parse_lock(text)


def _lock_text(path: Path = LOCK) -> str:
    return path.read_text(encoding="utf-8", errors="surrogateescape")


def parse_lock(text: str, of: str = "") -> dict[str, Any]:
    """The values of a dvc.lock, `of` what if not here; raises StudyError for one that is broken."""
    try:
        values: dict[str, Any] = {"stages": {}} | yaml_files.values(LOCK, text, LARGEST)
        if values.get("schema", "2.0") != "2.0":
            raise ParameterError(f"{LOCK}: schema {values['schema']!r:.50} is not known here")
        for stage, entry in values["stages"].items():
            for item in [*entry.get("deps", []), *entry.get("outs", [])]:
                if not isinstance(item["path"], str):
                    raise ParameterError(f"{LOCK}: {stage} has a path that is no text")
    except ParameterError as error:
        raise StudyError(f"{of}: {error}" if of else f"{error}; {REMEDY}") from None
    except (LookupError, TypeError, AttributeError):
        why = f"{LOCK}: its stages are not as DVC writes them"
        raise StudyError(f"{of}: {why}" if of else f"{why}; {REMEDY}") from None
    return values


@cache
def _cache() -> Any:
    with opened() as repo:
        return repo.cache.local


def cached(digest: str) -> Path:
    """Where the user's cache keeps the file or the folder's list with this digest."""
    return Path(_cache().oid_to_path(digest))
