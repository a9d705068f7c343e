"""Which MLflow store there is, a client of it, and having it to oneself while one writes.

Everything that talks to MLflow starts here; importing mlflow costs 1 to 3 s, so only functions do.
"""

import logging
import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

from surnames.core.errors import StudyError

if TYPE_CHECKING:
    from mlflow import MlflowClient

STORE = Path("mlflow")
STORE_DATABASE = Path("mlflow/mlflow.db")
STORE_ARTIFACTS = Path("mlflow/artifacts")
RECEIPT = Path("mlflow/receipt.json")
EXPERIMENT = "surnames"
MODEL = "surname-origin"
FINGERPRINT = "surnames.fingerprint"
NOTE = "mlflow.note.content"
RUNS_A_PAGE = 10000
SERVERS, DATABASES = ("http", "https"), ("postgresql", "mysql", "mssql")
LEASE = "surname-origin.publishing"  # a registered model: its name can be created only once
PATIENCE = 30.0  # seconds without a sign of life after which a lease is taken over
BEAT = 3.0  # seconds between signs of life
ADVISORY_LOCK = 0x5375726E616D6573  # "Surnames": PostgreSQL's locks are known by numbers
CONNECT_SECONDS = 10
# MLflow's own are seven tries and 120 s each: 4 minutes until one hears that a server is down
SETTINGS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


@dataclass(frozen=True)
class Store:
    """Where runs are kept; `artifacts` is None where a server decides."""

    uri: str
    artifacts: str | None
    lock: Path

    @property
    def scheme(self) -> str:
        """`sqlite`, `postgresql`, `http` ..., without the driver's name."""
        return self.uri.split(":", 1)[0].split("+", 1)[0]

    @property
    def served(self) -> bool:
        """Whether a tracking server stands between."""
        return self.scheme in SERVERS

    @property
    def database(self) -> Path | None:
        """The SQLite file, if it is one."""
        return Path(self.uri.split(":///", 1)[1]) if self.scheme == "sqlite" else None

    def __str__(self) -> str:
        """The address without a password."""
        password = urlsplit(self.uri).password if "@" in self.uri else None
        return self.uri.replace(f":{password}@", ":***@") if password else self.uri


def store() -> Store:
    """MLFLOW_TRACKING_URI, or the project's own SQLite file.

    MLflow keeps absolute paths. In the temporary folder of `dvc exp run --temp` a path of that
    folder would be lost with it, so DVC_ROOT counts, which names the main checkout. Raises
    StudyError for an address that no MLflow store can have.
    """
    project = Path(os.environ.get("DVC_ROOT") or Path.cwd()).resolve()
    uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{project / STORE_DATABASE}"
    found = Store(uri, str(project / STORE_ARTIFACTS), project / STORE / ".lock")
    if found.scheme not in ("sqlite", *SERVERS, *DATABASES) or "://" not in uri:
        raise StudyError(
            f"MLFLOW_TRACKING_URI is {uri!r}, which is no store that MLflow can share; use "
            "sqlite:///FILE, postgresql://USER@HOST/DATABASE or http://HOST:PORT"
        )
    if found.database is not None:
        folder = found.database.parent
        return Store(uri, str(folder.resolve() / STORE_ARTIFACTS.name), folder / ".lock")
    return Store(uri, None, found.lock) if found.served else found


def present() -> Store:
    """The store; StudyError where its file is not there, which MLflow would create and show."""
    place = store()
    if place.database is not None and not place.database.is_file():
        raise StudyError(
            f"{place.database} is not there yet; run `make repro` or `surnames rebuild`"
        )
    return place


@contextmanager
def opened(place: Store, *, locked: bool = False) -> "Iterator[MlflowClient]":
    """A client of the store, which is created where it is missing.

    Raises StudyError where no server answers, or no database. Whoever writes does so within
    `alone`; `locked` says that the caller holds the store already.
    """
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    import mlflow
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import OperationalError

    for name in ("alembic", "mlflow"):  # they tell of every table that they create
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        with nullcontext() if locked else _migrating(place):
            mlflow.set_tracking_uri(place.uri)
            mlflow.set_registry_uri(place.uri)
            client = mlflow.MlflowClient(place.uri, place.uri)
            client.get_experiment_by_name(EXPERIMENT)  # creates a database's tables
        yield client
    except MlflowException as error:
        if not str(error).startswith("API request to"):
            raise
        raise unreachable(place, error) from None
    except OperationalError as error:
        raise unreachable(place, error) from None


def unreachable(place: Store, error: Exception) -> StudyError:
    """What a person is told of a store that does not answer."""
    reason = " ".join(str(getattr(error, "orig", None) or error).split())
    return StudyError(
        f"the MLflow store {place} does not answer: {reason[:400]}\nStart it, or unset "
        "MLFLOW_TRACKING_URI to use the project's own; then run it again. What was trained is "
        "kept: only what is missing is published."
    )


@contextmanager
def _migrating(place: Store) -> Iterator[None]:
    """Ours alone while a new database gets its tables: two at once break it for good."""
    if place.served:
        yield
    elif place.scheme == "postgresql":
        with _advisory_lock(place):
            yield
    else:
        with file_lock(place):
            yield


@contextmanager
def alone(place: Store, client: "MlflowClient") -> Iterator[None]:
    """Nobody else publishes to the store meanwhile, from whatever clone or machine.

    Who looks for a run and then creates it creates it twice if another does the same. SQLite has
    its folder's lock file, and PostgreSQL locks of its own; both end with their process. Over
    HTTP there is only what MLflow itself refuses to do twice: see `_lease`.
    """
    if place.scheme == "sqlite":
        with file_lock(place):
            yield
    elif place.scheme == "postgresql":
        with _advisory_lock(place):
            yield
    else:
        with _lease(client):
            yield


@contextmanager
def file_lock(place: Store) -> Iterator[None]:
    """The lock of a store's folder; it ends with the process that holds it."""
    from filelock import FileLock

    place.lock.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(place.lock):
        yield


@contextmanager
def _advisory_lock(place: Store) -> Iterator[None]:
    from sqlalchemy import create_engine, text
    from sqlalchemy.pool import NullPool

    engine = create_engine(
        place.uri,
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",  # else it would be a transaction that idles
        connect_args={"connect_timeout": CONNECT_SECONDS},
    )
    with engine.connect() as connection:
        connection.execute(text("select pg_advisory_lock(:key)"), {"key": ADVISORY_LOCK})
        yield  # closing the connection gives the lock back


@contextmanager
def _lease(client: "MlflowClient") -> Iterator[None]:
    """Hold a registered model of a name that the server creates for one and refuses to others.

    Its holder gives a sign of life every few seconds; without one it is taken over. If its holder
    was only slow, both publish, so publishing ends by looking for doubles.
    """
    from mlflow.exceptions import MlflowException

    holder = uuid4().hex
    seen: dict[str, Any] = {}
    since = time.monotonic()
    while True:
        try:
            client.create_registered_model(
                LEASE, tags={"holder": holder}, description="Somebody is publishing a study."
            )
            break
        except MlflowException as error:
            # the latter where it was given back between the server's two looks
            if error.error_code not in ("RESOURCE_ALREADY_EXISTS", "RESOURCE_DOES_NOT_EXIST"):
                raise
        found = _lease_tags(client)
        if found.get("holder") == holder:  # created at the first try, whose answer was lost
            break
        if found != seen:
            seen, since = found, time.monotonic()
        elif time.monotonic() - since > PATIENCE:
            with suppress(MlflowException):  # another has taken it over already
                client.delete_registered_model(LEASE)
        time.sleep(random.uniform(0.1, 0.3))
    over = threading.Event()

    def beat() -> None:
        number = 0
        while not over.wait(BEAT):
            number += 1
            with suppress(MlflowException):  # the next one may get through
                client.set_registered_model_tag(LEASE, "beat", str(number))

    beating = threading.Thread(target=beat, daemon=True)
    beating.start()
    try:
        yield
    finally:
        over.set()
        beating.join()
        with suppress(MlflowException):
            if _lease_tags(client).get("holder") == holder:
                client.delete_registered_model(LEASE)


def _lease_tags(client: "MlflowClient") -> dict[str, str]:
    """The lease's tags; none where nobody holds it any more."""
    from mlflow.exceptions import MlflowException

    try:
        return dict(client.get_registered_model(LEASE).tags)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return {}
