"""A SQLite store, read without MLflow and without a lock file.

MLflow takes seconds to be imported, would go on using a file that is moved away later, and creates
what is missing.
"""

import re
import sqlite3
from contextlib import closing
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from surnames.tracking.faults import explain
from surnames.tracking.store import EXPERIMENT, Store


def query(store: Store, statement: str, *values: str) -> list[tuple[Any, ...]]:
    """Rows of a SQLite store; none where it is missing, without MLflow's tables, or no SQLite.

    Raises StudyError that says what is wrong with the file.
    """
    if store.database is None or not store.database.exists():
        return []
    address = f"{store.database.resolve().as_uri()}?mode=rw"  # a killed writer's journal is undone
    try:
        with closing(sqlite3.connect(address, uri=True)) as connection:
            return connection.execute(statement, values).fetchall()
    except sqlite3.Error as error:
        if "no such table" in str(error):
            return []
        raise explain(store, error) from None


def schema(store: Store) -> str:
    """The version of a SQLite store's tables, "" where there are none; StudyError for another."""
    version = "".join(one for [one] in query(store, "select version_num from alembic_version"))
    if version not in ("", expected_schema()):
        raise explain(store, ValueError(f"its tables are of revision {version}"))
    return version


@cache
def expected_schema() -> str:
    """The version of the tables that the installed MLflow works with: its last migration's."""
    spec = find_spec("mlflow")
    assert spec is not None and spec.origin
    migrations = Path(spec.origin).parent / "store/db_migrations/versions"
    code = "".join(path.read_text("utf-8") for path in migrations.glob("*.py"))
    [last] = set(re.findall('^revision = "(.*)"', code, re.M)) - set(
        re.findall('^down_revision = "(.*)"', code, re.M)
    )
    return str(last)


def former_location(store: Store) -> str | None:
    """Where a SQLite store's artifacts were, if the project was moved or copied since.

    MLflow keeps absolute paths: a copy would go on writing into the folder of the original.
    """
    rows = query(store, "select artifact_location from experiments where name = ?", EXPERIMENT)
    here = (store.artifacts or "").removeprefix("file://")
    locations = [location.removeprefix("file://") for [location] in rows]
    return next((location for location in locations if location != here), None)
