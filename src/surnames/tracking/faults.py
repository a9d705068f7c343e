"""What is wrong with an MLflow store, and what mends it: the one place that words it."""

import re
from pathlib import Path

from surnames.core.errors import StudyError
from surnames.tracking.store import Store, hide_password

AGAIN = "`surnames rebuild` makes it again and keeps the old one"
REMADE = "`surnames rebuild` makes them again"
UPGRADE = "make a copy of it, then `mlflow db upgrade <its address>`"


class Damaged(StudyError):
    """The file of a store is no database, or a broken one."""


class OtherSchema(StudyError):
    """The tables of a store are those of another version of MLflow."""


# what the error says: what that means, and what to do; the last one stands for all others
FAULTS: tuple[tuple[str, type[StudyError], str, str], ...] = (
    ("revision|database schema", OtherSchema, "is of another version of MLflow", AGAIN),
    ("not a database|malformed", Damaged, "is damaged", AGAIN),
    ("is locked", StudyError, "is locked by another program", "end that"),
    (
        "readonly|read-only|unable to open|permission denied",
        StudyError,
        "cannot be opened or written",
        "change its permissions, or set MLFLOW_TRACKING_URI",
    ),
    ("is full|no space", StudyError, "is on a full disk", "make room"),
    (
        "authentication|no password|role .* does not exist|database .* does not exist",
        StudyError,
        "does not let you in",
        "correct MLFLOW_TRACKING_URI",
    ),
    (
        "too many|connection slots|queuepool",
        StudyError,
        "has no connection left",
        "end other programs that use it",
    ),
    (
        "no module named",
        StudyError,
        "needs a driver that is not installed",
        "install it, or use postgresql://",
    ),
    (
        "",
        StudyError,
        "does not answer as it must",
        "start it, or unset MLFLOW_TRACKING_URI to use the project's own",
    ),
)


def explain(store: Store, error: Exception) -> Exception:
    """The error in one line, with what mends it; itself where it is about another file."""
    file = getattr(error, "filename", None)
    if isinstance(error, OSError) and file:
        own = store.database and store.database.parent.resolve()
        if not own or not Path(file).resolve().is_relative_to(own):
            return error
    said = str(getattr(error, "orig", None) or error).split()
    reason = hide_password(" ".join(said))[:300]
    found = (fault for fault in FAULTS if re.search(fault[0], reason, re.IGNORECASE))
    _, kind, what, remedy = next(found)
    if kind is OtherSchema and store.database is None:
        remedy = UPGRADE
    if remedy != AGAIN:
        remedy += ", then repeat the command"
    return kind(f"the MLflow store {store} {what} ({reason}); {remedy}")
