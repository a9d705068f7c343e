"""Sessions with an MLflow store: a client, its errors, and locks for those who write.

Importing mlflow takes 1 to 3 s, so only functions do.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from surnames.core.errors import StudyError
from surnames.tracking.store import EXPERIMENT, Store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # MLflow's defaults, seven attempts of 120 s, take 4 minutes to report a server that is down
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}
ADVISORY_LOCK = 0x5375726E616D6573  # "Surnames"; PostgreSQL identifies locks by numbers


def configure() -> None:
    """Set the settings that MLflow reads only from the environment, unless the user has set them.

    A program calls this once, at its start, before MLflow is imported.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it reports every table it creates


@contextmanager
def opened(store: Store) -> "Iterator[MlflowClient]":
    """A client of the store, which is created if it does not exist.

    Raises StudyError where the server or the database does not answer, then or later within the
    context.
    """
    from alembic.util.exc import CommandError
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with publishing_lock(store):  # two clients that create the tables at once break a database
            client = MlflowClient(store.uri, store.uri)
            client.get_experiment_by_name(EXPERIMENT)  # creates the tables
        yield client
    except (MlflowException, SQLAlchemyError, CommandError, OSError, MemoryError) as error:
        raise _trouble(store, error) from None


def _trouble(store: Store, error: BaseException) -> StudyError:
    """What is wrong with a store, and what mends it, in one line."""
    name = f"the MLflow store {store}"
    reason = " ".join(str(getattr(error, "orig", None) or error).split())[:300]
    if "revision" in reason or "database schema" in reason:
        version = reason.partition(". Take")[0]
        return StudyError(
            f"{name} is of another version of MLflow ({version}); `surnames rebuild` makes it "
            "again and keeps the old one"
        )
    if "not a database" in reason or "malformed" in reason:
        return StudyError(
            f"{name} is damaged ({reason}); `surnames rebuild` makes it again and keeps the old one"
        )
    if "locked" in reason:
        return StudyError(
            f"{name} is locked by another program ({reason}); end that, and repeat the command"
        )
    if "readonly" in reason or isinstance(error, PermissionError):
        return StudyError(
            f"{name} cannot be written ({reason}); change its permissions, or MLFLOW_TRACKING_URI"
        )
    if isinstance(error, OSError):
        return StudyError(f"{name}: {error.filename or ''} {error.strerror or reason}")
    return StudyError(
        f"{name} does not answer as it must: {reason}; see that it runs, or unset "
        "MLFLOW_TRACKING_URI to use the project's own, then repeat the command, which publishes "
        "only what is missing"
    )


def unanswered(error: "MlflowException") -> bool:
    """Whether MLflow raised this because the server did not answer."""
    return str(error).startswith("API request to")


@contextmanager
def global_address(store: Store) -> Iterator[None]:
    """Let MLflow's functions that take the address from its global settings use this store."""
    from mlflow.tracking._tracking_service.utils import _use_tracking_uri

    before = os.environ.get("MLFLOW_TRACKING_URI")
    try:
        with _use_tracking_uri(store.uri):  # which also sets the variable, and removes it
            yield
    finally:
        if before is not None:
            os.environ["MLFLOW_TRACKING_URI"] = before


@contextmanager
def publishing_lock(store: Store) -> Iterator[None]:
    """Keep other publishers out, whatever clone or machine they run on.

    Whoever looks for a run and then creates it creates it twice if another does the same. SQLite
    has a lock file beside it and PostgreSQL an advisory lock; both end with their process. Other
    stores, such as a tracking server, have no lock: there duplicates are deleted afterwards, see
    `publish.publish`. The thread that holds the lock may take it again.
    """
    if store.database is not None:
        from filelock import FileLock

        store.database.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{store.database}.lock", is_singleton=True):
            yield
    elif store.scheme == "postgresql":
        from sqlalchemy import create_engine, text
        from sqlalchemy.pool import NullPool

        engine = create_engine(
            store.uri,
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",  # otherwise the connection would idle in a transaction
            connect_args={"connect_timeout": 10},
        )
        with engine.connect() as connection:
            connection.execute(text(f"select pg_advisory_lock({ADVISORY_LOCK})"))
            yield  # closing the connection releases the lock
    else:
        yield
