"""The pages that MLflow serves on loopback: its UI, and a model that answers names."""

import json
import os
import sys

from surnames.core.errors import StudyError
from surnames.tracking import registry
from surnames.tracking.saved_views import VIEWS
from surnames.tracking.store import EXPERIMENT, MODEL, opened, present

QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


def addresses(port: int, experiment: str | None) -> list[str]:
    """Where to look: the study's views and the registry, in the UI's training mode.

    The mode stands in the address, because the UI otherwise remembers it in the browser and starts
    with the other one, which shows an experiment of this kind as an empty page of traces.
    """
    pages = f"http://127.0.0.1:{port}/#"
    mode = "workflowType=machine_learning"
    views = f"{pages}/experiments/{experiment}/runs?{mode}&viewStateShareKey="
    lines = [f"{name:10} {views}{name}" for name in VIEWS] if experiment else []
    return [*lines, f"models     {pages}/models/{MODEL}?{mode}", "Ctrl-C ends the server."]


def serve(port: int) -> None:
    """Become MLflow's server for the store, on loopback; StudyError where there is none yet.

    One worker and no job runners: 2 processes instead of 15, which is plenty for one reader.
    """
    place = present()
    if place.served:
        raise StudyError(f"MLFLOW_TRACKING_URI is a server already; open {place}")
    with opened(place) as client:
        experiment = client.get_experiment_by_name(EXPERIMENT)
    for address in addresses(port, experiment.experiment_id if experiment else None):
        print(address, flush=True)
    _become(
        "server", "--backend-store-uri", place.uri,
        "--default-artifact-root", str(place.artifacts), "--host", "127.0.0.1",
        "--port", str(port), "--workers", "1", "--uvicorn-opts", "--log-level warning",
    )  # fmt: skip


def serve_model(alias: str, port: int) -> None:
    """Become MLflow's server of a registered model, on loopback and in this very environment.

    `alias` is champion, fixed or tutorial, or a version's number. StudyError where there is none.
    """
    place = present()
    with opened(place) as client:
        found = registry.named(client, alias)
    body = json.dumps({"inputs": ["Satoshi"]})
    print(
        f"{MODEL} version {found.version}, {found.tags.get('architecture')}. Ask it:\n"
        f"curl -d '{body}' -H 'Content-Type: application/json' "
        f"http://127.0.0.1:{port}/invocations\nCtrl-C ends the server.",
        flush=True,
    )
    os.environ["MLFLOW_TRACKING_URI"] = place.uri
    _become(
        "models", "serve", "--model-uri", f"models:/{MODEL}/{found.version}",
        "--env-manager", "local", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
    )  # fmt: skip


def _become(*arguments: str) -> None:
    """MLflow's command instead of this process."""
    command = [sys.executable, "-m", "mlflow", *arguments]
    os.execve(sys.executable, command, os.environ | QUIET)
