"""The address of the MLflow store, and the names under which it holds the study."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from surnames.core.errors import InputError, StudyError

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
PASSWORD = re.compile(r"(//[^:/@\s]*:)\S*(?=@)|(pass\w*=)[^&\s]*")


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
        if self.uri.partition("://")[0] not in ("sqlite", "sqlite+pysqlite"):
            return None
        path = self.uri.partition(":///")[2].partition("?")[0]
        return Path(unquote(path))  # as SQLAlchemy does

    @property
    def name(self) -> str:
        """The address without a password; "" for the project's own file, which moves with it."""
        return "" if self.database == self.project / STORE_DATABASE else str(self)

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
        return hide_password(self.uri)


def hide_password(text: str) -> str:
    """The text, in which there may be addresses, without their passwords."""
    return PASSWORD.sub(r"\1\2***", text)


def configured_store() -> Store:
    """The store of MLFLOW_TRACKING_URI, or the project's own SQLite file.

    MLflow keeps absolute paths. A path in the temporary folder of `dvc exp run --temp` would be
    lost with that folder, so DVC_ROOT, which names the main checkout, takes precedence. Raises
    InputError for what cannot be an MLflow store.
    """
    project = Path(os.environ.get("DVC_ROOT") or Path.cwd()).resolve()
    path = str(project / STORE_DATABASE)
    given = os.environ.get("MLFLOW_TRACKING_URI")
    uri = given or f"sqlite:///{quote(path) if MEANT & set(path) else path}"
    if "%" in uri:  # with the driver's name, or MLflow makes a folder called as it is quoted
        uri = re.sub("^sqlite:", "sqlite+pysqlite:", uri)
    store = Store(uri, project)
    if given and not _usable(store):
        raise InputError(
            f"MLFLOW_TRACKING_URI is {hide_password(given)!r}, which is not a store that the study "
            "can use; use sqlite:///FILE, with %25, %3F and %23 for %, ? and # in its path, "
            "postgresql://USER@HOST/DATABASE or http://HOST:PORT, or unset it"
        )
    return store


def _usable(store: Store) -> bool:
    """Whether an address is whole, of a kind that all can use, and names one place."""
    try:
        parts = urlsplit(store.uri)
        host, _ = parts.hostname, parts.port  # raises ValueError where it is no number
    except ValueError:
        return False
    if "://" not in store.uri or not store.uri.isprintable():
        return False
    if store.database is not None:
        path, _, options = store.uri.partition(":///")[2].partition("?")
        if Path(path) != store.database and Path(path).parent.is_dir():
            return False  # a neighbour's, if the path was meant as it is written
        return (
            re.fullmatch(r"(timeout=\d+)?", options) is not None
            and store.database.name not in ("", ":memory:")
            and not store.database.is_dir()
        )
    return bool(host) if store.served else store.scheme in DATABASES and len(parts.path) > 1


def existing_store() -> Store:
    """The configured store; StudyError where its file is missing, which MLflow would create."""
    store = configured_store()
    if store.database is not None and not store.database.is_file():
        raise StudyError(f"{store.database} does not exist; run `make repro` or `surnames rebuild`")
    return store
