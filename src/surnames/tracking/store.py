"""The address of the MLflow store, and the names under which it holds the study."""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from surnames.core.errors import StudyError

STORE = Path("mlflow")
STORE_DATABASE = STORE / "mlflow.db"
STORE_ARTIFACTS = STORE / "artifacts"
RECEIPT = STORE / "receipt.json"
REGISTERED = STORE / "registered.json"  # the receipt of the last study that was registered
EXPERIMENT = "surnames"
MODEL = "surname-origin"
FINGERPRINT = "surnames.fingerprint"  # tag of runs and model versions
NOTE = "mlflow.note.content"  # MLflow's tag for a description
MEANT = set("%?#")  # what has a meaning in an address, which MLflow takes a path for
SERVERS, DATABASES = ("http", "https"), ("postgresql", "mysql", "mssql")


@dataclass(frozen=True)
class Store:
    """An MLflow store; `project` is where the artifacts of a database elsewhere are kept."""

    uri: str
    project: Path

    @property
    def scheme(self) -> str:
        """`sqlite`, `postgresql`, `http` ..., without the driver's name."""
        return self.uri.split(":", 1)[0].split("+", 1)[0]

    @property
    def served(self) -> bool:
        """Whether it is reached through a tracking server."""
        return self.scheme in SERVERS

    @property
    def lockable(self) -> bool:
        """Whether a publisher can lock it, so that nobody else publishes at the same time."""
        return self.scheme in ("sqlite", "postgresql")

    @property
    def database(self) -> Path | None:
        """The database file of SQLite, otherwise None."""
        if self.scheme != "sqlite":
            return None
        path = self.uri.partition(":///")[2].partition("?")[0]
        return Path(unquote(path))  # as SQLAlchemy does

    @property
    def artifacts(self) -> str | None:
        """The folder of the artifacts; None where the server decides."""
        folder = self.database.parent.resolve() if self.database else self.project / STORE
        path = folder / STORE_ARTIFACTS.name
        if self.served:
            return None
        return path.as_uri() if MEANT & set(str(path)) else str(path)

    def __str__(self) -> str:
        """The address without a password."""
        password = urlsplit(self.uri).password if "@" in self.uri else None
        return self.uri.replace(f":{password}@", ":***@") if password else self.uri


def configured_store() -> Store:
    """The store of MLFLOW_TRACKING_URI, or the project's own SQLite file.

    MLflow keeps absolute paths. A path in the temporary folder of `dvc exp run --temp` would be
    lost with that folder, so DVC_ROOT, which names the main checkout, takes precedence. Raises
    StudyError for an address that cannot be an MLflow store.
    """
    project = Path(os.environ.get("DVC_ROOT") or Path.cwd()).resolve()
    path = str(project / STORE_DATABASE)
    # quoted where it must be, for MLflow makes an empty folder of that name beside the right one
    own = f"sqlite:///{quote(path) if MEANT & set(path) else path}"
    uri = os.environ.get("MLFLOW_TRACKING_URI") or own
    store = Store(uri, project)
    if store.scheme not in ("sqlite", *SERVERS, *DATABASES) or "://" not in uri:
        raise StudyError(
            f"MLFLOW_TRACKING_URI is {uri!r}, which is not a store that the study can use; use "
            "sqlite:///FILE, postgresql://USER@HOST/DATABASE or http://HOST:PORT"
        )
    return store


def existing_store() -> Store:
    """The configured store; StudyError where its file is missing, which MLflow would create."""
    store = configured_store()
    if store.database is not None and not store.database.is_file():
        raise StudyError(f"{store.database} does not exist; run `make repro` or `surnames rebuild`")
    return store
