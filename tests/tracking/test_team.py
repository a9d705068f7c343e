"""docs/team.md, for real: two clones, PostgreSQL behind MLflow's server, and an S3 bucket."""

import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest
from mlflow import MlflowClient
from support.projects import ROOT, Project, commit, ran
from support.servers import free_port

from surnames.tracking.store import EXPERIMENT, MODEL

POSTGRESQL = shutil.which("initdb") or any(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
SECRET = secrets.token_hex()
SECONDS = 120


@dataclass(frozen=True)
class Team:
    """Where the shared parts are, and the environment in which a member works."""

    server: str
    bucket: str
    folder: Path
    environment: dict[str, str]


def started(command: list[str], address: str, log: Path) -> "subprocess.Popen[bytes]":
    """A server in the background, once it answers."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with open(log, "wb") as stream:
        server = subprocess.Popen(
            command, stdout=stream, stderr=stream, env=os.environ | {"PATH": path}
        )
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return server
        except OSError:
            time.sleep(0.2)
    server.terminate()
    raise AssertionError(f"no answer from {address}:\n{log.read_text()}")


@pytest.fixture(scope="module")
def team() -> Iterator[Team]:
    """deploy/server.sh as the page says, and a bucket; PostgreSQL's user must reach the folder."""
    if not POSTGRESQL:
        reason = "no PostgreSQL; `apt-get install postgresql` is one"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    with tempfile.TemporaryDirectory(prefix="surnames-team-") as temporary:
        folder = Path(temporary)
        folder.chmod(0o755)
        mlflow_port, s3_port = free_port(), free_port()
        server, bucket = f"http://127.0.0.1:{mlflow_port}", f"http://127.0.0.1:{s3_port}"
        stack: list[subprocess.Popen[bytes]] = []
        try:
            command = [str(ROOT / "deploy/server.sh"), str(folder / "team"), str(mlflow_port)]
            stack.append(started(command, f"{server}/health", folder / "mlflow.log"))
            command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(s3_port)]
            stack.append(started(command, f"{bucket}/moto-api/", folder / "s3.log"))
            boto3.client(
                "s3",
                endpoint_url=bucket,
                region_name="us-east-1",
                aws_access_key_id="team",
                aws_secret_access_key=SECRET,
            ).create_bucket(Bucket="surnames")
            environment = {
                "MLFLOW_TRACKING_URI": server,
                "AWS_ACCESS_KEY_ID": "team",
                "AWS_SECRET_ACCESS_KEY": SECRET,
                "AWS_DEFAULT_REGION": "us-east-1",
            }
            yield Team(server, bucket, folder / "team", environment)
        finally:
            for process in reversed(stack):
                process.terminate()
                process.wait(SECONDS)


@pytest.fixture
def first(study: Project, team: Team) -> Callable[..., str]:
    """Runs commands in the clone whose study is shared: its remote and its server are set up."""
    shutil.rmtree(study.folder / "mlflow")

    def run(*command: str) -> str:
        return study.run(*command, **team.environment)

    run("dvc", "remote", "add", "--default", "team", "s3://surnames/dvc")
    run("dvc", "remote", "modify", "team", "endpointurl", team.bucket)
    commit(study, "Share the cache")
    return run


@pytest.mark.slow
def test_two_clones_share_a_study(
    first: Callable[..., str], study: Project, team: Team, tmp_path: Path
) -> None:
    """What one has computed and published, the other has after `dvc pull`, and computes nothing."""
    assert ran(first("dvc", "repro")) == {"track"}
    first("dvc", "push", "-q")
    client = MlflowClient(team.server, team.server)
    published = all_runs(client)
    assert len(published) == 20
    versions = client.search_model_versions(f"name = '{MODEL}'")
    assert len(versions) == 4

    second = Project(tmp_path / "second")
    study.run("git", "clone", "-q", ".", str(second.folder))
    second.run("dvc", "pull", "-q", **team.environment)
    for path in ("results/runs", "data/splits", "reports"):
        assert contents(second.folder / path) == contents(study.folder / path)

    assert second.run("surnames", "verify", **team.environment).endswith(": all present\n")
    assert all_runs(client) == published

    # the receipt is no one else's: only this clone's `track` knows what its own store holds
    assert second.run("dvc", "status", "--json", "dvc.yaml", **team.environment).startswith(
        '{"track": ['
    )
    said = second.run("dvc", "repro", **team.environment)
    assert ran(said) == {"track"}
    assert "MLflow: 0 runs added, 20 already there" in said
    assert "up to date" in second.run("dvc", "status", "dvc.yaml", **team.environment)
    assert second.run("git", "status", "--porcelain") == ""
    assert all_runs(client) == published
    assert len(client.search_model_versions(f"name = '{MODEL}'")) == len(versions)


@pytest.mark.slow
def test_the_server_hands_out_pictures_and_models(
    first: Callable[..., str], team: Team, tmp_path: Path
) -> None:
    """Artifacts go through the server, so a member needs its address and nothing else."""
    first("dvc", "repro", "-q")
    client = MlflowClient(team.server, team.server)
    [run] = client.search_runs(experiment(client), "run_name = 'STARTER held_out-fixed'")
    assert run.info.artifact_uri.startswith("mlflow-artifacts:/")
    picture = client.download_artifacts(run.info.run_id, "confusion/confusion.svg", str(tmp_path))
    assert "<svg" in Path(picture).read_text()
    code = (
        f"import mlflow; model = mlflow.pyfunc.load_model('models:/{MODEL}@fixed');"
        "print(model.predict(['Satoshi']).shape)"
    )
    assert first(sys.executable, "-c", code).endswith("(1, 20)\n")


@pytest.mark.slow
def test_no_credential_is_in_a_file(first: Callable[..., str], study: Project, team: Team) -> None:
    """Neither in the clone, nor beside PostgreSQL, which nobody else can reach."""
    first("dvc", "push", "-q")
    for path in study.folder.rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path
    for name in ("postgresql", "artifacts"):
        assert (team.folder / name).stat().st_mode & 0o077 == 0


def test_the_server_asks_for_its_folder() -> None:
    """One line, and status 1."""
    done = subprocess.run([ROOT / "deploy/server.sh"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"run: \S+/deploy/server.sh FOLDER \[PORT\]\n", done.stderr)


def experiment(client: MlflowClient) -> list[str]:
    return [client.get_experiment_by_name(EXPERIMENT).experiment_id]


def all_runs(client: MlflowClient) -> set[str]:
    return {run.info.run_id for run in client.search_runs(experiment(client), max_results=1000)}


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
