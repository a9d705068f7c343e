"""A copy of the report that says which commit it is of, and when it was made.

The report itself cannot: DVC keeps it by its digest, in a dvc.lock that is written after it.
"""

import hashlib
import platform
from datetime import UTC, datetime
from pathlib import Path

from markupsafe import Markup

from surnames.core import tables
from surnames.core.errors import StudyError
from surnames.display.html import UNSTAMPED
from surnames.git import git_or_nothing
from surnames.project import LOCK
from surnames.report.paths import REPORT

STAMPED = REPORT.with_name("stamped.html")


def write(path: Path = STAMPED) -> Path:
    """Copy the report with its stamp; StudyError where there is none, or none of this code's."""
    if not REPORT.is_file() or not LOCK.is_file():
        raise StudyError(f"{REPORT} is not there yet; run `make repro`")
    page = REPORT.read_bytes()
    before, place, after = page.decode("utf-8").partition(UNSTAMPED)
    if not place:
        raise StudyError(f"{REPORT} was written by other code; run `make repro`")
    tables.replace_text(path, f"{before}{_stamp(page)}{after}")
    return path


def _stamp(page: bytes) -> Markup:
    """Commit, digest of dvc.lock, and whether that knows the page; where and when it was copied."""
    lock = LOCK.read_bytes()
    digest = hashlib.md5(page).hexdigest()
    commit = git_or_nothing("describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    date = git_or_nothing("show", "-s", "--format=%cI", "HEAD")
    return Markup(
        "<span>Copied {} with Python {} from {}; <code>dvc.lock</code> has the SHA-256 "
        "<code>{}</code> and {} the original of this page (MD5 <code>{}</code>).</span>"
    ).format(
        datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        platform.python_version(),
        f"commit {commit} of {date}" if commit else "a folder without a commit",
        hashlib.sha256(lock).hexdigest(),
        "holds" if f"md5: {digest}".encode() in lock else "does NOT hold",
        digest,
    )
