"""The one place that calls DVC, as a library and as a command.

DVC is imported where it is needed: that takes most of a second.
"""

import hashlib
import json
import logging
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surnames.core.errors import StudyError
from surnames.project import LOCK

if TYPE_CHECKING:
    from dvc.repo import Repo

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
def opened(**options: Any) -> Iterator["Repo"]:
    """The project as DVC sees it. DVC's errors become a StudyError that names their causes."""
    from dvc.exceptions import DvcException
    from dvc.logger import _iter_causes
    from dvc.repo import Repo

    try:
        with Repo(**options) as repo:
            yield repo
    except DvcException as error:
        raise StudyError(f"DVC: {': '.join(_iter_causes(error))}") from None


def status() -> dict[str, list[Any]]:
    """What `dvc status --json` prints: the stages that are not up to date, and why not."""
    with opened() as repo:
        return dict(repo.status())


def repro(*stages: str, single_item: bool = False) -> None:
    """Run what changed of these stages and of those before them, or with `single_item` of these.

    DVC itself prints nothing, and waits while another DVC process holds the project. Raises
    StudyError where a stage fails, whose own messages have been printed then.
    """
    from dvc.logger import set_loggers_level

    with set_loggers_level(logging.CRITICAL), opened(_wait_for_lock=True) as repo:
        repo.reproduce(stages, single_item=single_item)


def read_lock() -> dict[str, Any]:
    """The values of dvc.lock, which DVC writes after each stage.

    Read while no DVC process may write it: it is not written at once, and a part of it reads as a
    lock with fewer stages.
    """
    from dvc.lock import make_lock

    if not LOCK.is_file():
        raise StudyError(f"{LOCK} is not there yet; run `dvc repro`")
    own = LOCK.resolve().parent / ".dvc/tmp"
    own.mkdir(parents=True, exist_ok=True)
    with make_lock(str(own / "lock"), tmp_dir=str(own), wait=True):
        text = LOCK.read_text(encoding="utf-8")
    return parse_lock(text)


def parse_lock(text: str) -> dict[str, Any]:
    """The values of a dvc.lock, by the parser that DVC reads it with."""
    from dvc.utils.serialize import parse_yaml

    return dict(parse_yaml(text, LOCK))


@cache
def _cache() -> Any:
    with opened() as repo:
        return repo.cache.local


def cached(digest: str) -> Path:
    """Where the user's cache keeps the file or the folder's list with this digest."""
    return Path(_cache().oid_to_path(digest))


def digest(path: Path) -> str:
    """A file's or a folder's digest as DVC computes it."""
    if path.is_file():
        with open(path, "rb") as stream:
            return hashlib.file_digest(stream, "md5").hexdigest()
    names = sorted(one.relative_to(path) for one in path.rglob("*") if one.is_file())
    listed = [{"md5": digest(path / name), "relpath": name.as_posix()} for name in names]
    return hashlib.md5(json.dumps(listed, sort_keys=True).encode()).hexdigest() + ".dir"
