"""A copy of the report that says which commit it is of, and when it was made.

The report itself cannot: DVC keeps it by its digest, in a dvc.lock that is written after it.
"""

import hashlib
import platform
import re
from datetime import UTC, datetime
from pathlib import Path

from surnames import dvc_repo
from surnames.core import tables
from surnames.core.errors import StudyError
from surnames.display.html import render
from surnames.git import git_or_nothing
from surnames.project import LOCK
from surnames.report.paths import REPORT

STAMPED = REPORT.with_name("stamped.html")
PLACE = re.compile('<span id="stamp">.*?</span>', re.DOTALL)


def write(path: Path = STAMPED) -> Path:
    """Copy the report with its stamp; StudyError where there is none, or none of this code's."""
    if not REPORT.is_file() or not LOCK.is_file():
        raise StudyError(f"{REPORT} is not there yet; run `make repro`")
    page = REPORT.read_bytes()
    stamped, count = PLACE.subn(lambda _: stamp(page), page.decode("utf-8"))
    if count != 1:
        raise StudyError(f"{REPORT} was written by other code; run `make repro`")
    tables.replace_text(path, stamped)
    return path


def stamp(page: bytes) -> str:
    """Commit, digest of dvc.lock, and whether that knows the page; where and when it was copied."""
    lock, digest = LOCK.read_bytes(), hashlib.md5(page).hexdigest()
    dvc_repo.parse_lock(lock.decode("utf-8", "surrogateescape"))  # nothing is held by a broken one
    commit = git_or_nothing("describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    date = git_or_nothing("show", "-s", "--format=%cI", "HEAD")
    return render(
        "documents/templates/stamp.html",
        now=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        python=platform.python_version(),
        commit=f"commit {commit} of {date}" if commit else "",
        lock=hashlib.sha256(lock).hexdigest(),
        held=f"md5: {digest}".encode() in lock,
        digest=digest,
    )
