"""Real servers on this machine, for as long as a test needs them: PostgreSQL, and MLflow's own."""

import glob
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SECONDS = 60
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
}


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def await_answer(address: str, server: "subprocess.Popen[str]") -> None:
    """Until the server answers; it takes some seconds."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise AssertionError(f"no answer from {address}; exit status {server.poll()}")


def _postgresql(program: str) -> str:
    """One of the server's programs; Debian keeps them off PATH. Skipped where there is none."""
    found = shutil.which(program)
    for path in sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{program}")):
        found = found or path
    if found is None:
        reason = f"PostgreSQL's {program} is not here; `apt-get install postgresql` brings it"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@contextmanager
def postgresql() -> Iterator[str]:
    """A new server with an empty database, on a socket of its own; the database's address."""
    initdb, server = _postgresql("initdb"), _postgresql("postgres")
    # neither /tmp/pytest-of-root nor a long path would do: another user, and a socket's 107 letters
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    user = None
    if os.getuid() == 0:  # which it refuses to run as; the package brings a user for it
        user = "postgres"
        shutil.chown(folder, user)
    try:
        subprocess.run(
            [
                initdb,
                "--pgdata",
                folder / "data",
                "--auth",
                "trust",
                "--username",
                "surnames",
                "--encoding",
                "UTF8",
                "--no-sync",
            ],
            user=user,
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        running = subprocess.Popen(
            [server, "-D", folder / "data", "-k", folder, "-h", "", "-F"],
            user=user,
            cwd=folder,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield _database(folder, running)
        finally:
            running.terminate()  # it waits for its clients
            try:
                running.wait(5)
            except subprocess.TimeoutExpired:
                running.send_signal(2)  # and with this it does not
                running.wait(SECONDS)
    finally:
        shutil.rmtree(folder)


def _database(folder: Path, running: "subprocess.Popen[bytes]") -> str:
    """Create the database as soon as the server answers; its address."""
    import psycopg

    deadline = time.monotonic() + SECONDS
    while True:
        try:
            with psycopg.connect(
                host=str(folder), user="surnames", dbname="postgres", autocommit=True
            ) as connection:
                connection.execute("create database mlflow")
            return f"postgresql://surnames@/mlflow?host={folder}"
        except psycopg.OperationalError:
            assert running.poll() is None and time.monotonic() < deadline, "no PostgreSQL"
            time.sleep(0.05)


@contextmanager
def mlflow_server(folder: Path, backend: str | None = None, port: int = 0) -> Iterator[str]:
    """MLflow's tracking server with an artifact store behind it; its address."""
    port = port or free_port()
    backend = backend or f"sqlite:///{folder / 'server.db'}"
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        "--backend-store-uri",
        backend,
        "--artifacts-destination",
        str(folder / "artifacts"),
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        "1",
        "--uvicorn-opts",
        "--log-level warning",
    ]
    server = subprocess.Popen(command, cwd=folder, env=os.environ | QUIET, text=True)
    try:
        await_answer(f"http://127.0.0.1:{port}/health", server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(SECONDS)
