"""Sessions with an MLflow store: a client, its errors, and locks for those who write.

Importing mlflow takes 1 to 3 s, so only functions do.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from surnames.core.errors import StudyError
from surnames.tracking.faults import explain
from surnames.tracking.sqlite_file import former_location, schema
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
    for name in ("sqlalchemy.pool", "mlflow.store.db.utils"):
        # they show the tracebacks of a connection that was lost, of which we say a line
        logging.getLogger(name).setLevel(logging.CRITICAL)


@contextmanager
def opened(store: Store, moved: bool = False) -> "Iterator[MlflowClient]":
    """A client of the store, which is created if it does not exist.

    A SQLite file with MLflow's tables is read without a lock, so that it may be on a read-only
    disk. Raises StudyError that says what is wrong with the store and what mends it, now or later
    within the context; unless `moved`, also for one whose folder was moved or copied.
    """
    present = store.database is not None and bool(schema(store))
    if present and not moved and (former := former_location(store)):
        raise StudyError(
            f"the MLflow store {store} was made in {former}, and its folder was moved or copied "
            "since; `surnames rebuild` makes it again and keeps the old one"
        )
    from alembic.util.exc import CommandError
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        # two clients that create the tables at once break a database
        with nullcontext() if present else publishing_lock(store):
            client = MlflowClient(store.uri, store.uri)
            client.get_experiment_by_name(EXPERIMENT)  # creates the tables
        yield client
    except (MlflowException, SQLAlchemyError, CommandError, ImportError, OSError) as error:
        raise explain(store, error) from None


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
