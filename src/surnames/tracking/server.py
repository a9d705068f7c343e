"""MLflow's servers on loopback: its UI, and a registered model that answers names."""

import json
import os
import sys

from surnames.core.errors import StudyError
from surnames.tracking.registry import find_version
from surnames.tracking.saved_views import saved_views
from surnames.tracking.session import opened
from surnames.tracking.store import EXPERIMENT, MODEL, existing_store


def addresses(port: int, experiment: str | None) -> list[str]:
    """The addresses of the saved views and of the registry, in the UI's training mode.

    The mode is part of the address, because the UI otherwise remembers it in the browser and starts
    in the other mode, in which an experiment of this kind is an empty page of traces.
    """
    pages = f"http://127.0.0.1:{port}/#"
    mode = "workflowType=machine_learning"
    views = f"{pages}/experiments/{experiment}/runs?{mode}&viewStateShareKey="
    lines = [f"{name:10} {views}{name}" for name in saved_views()] if experiment else []
    return [*lines, f"models     {pages}/models/{MODEL}?{mode}", "Ctrl-C stops the server."]


def serve(port: int) -> None:
    """Replace this process by MLflow's server for the store; StudyError where there is no store.

    One worker and no job runners: 2 processes instead of 15, enough for one reader.
    """
    store = existing_store()
    if store.served:
        raise StudyError(f"MLFLOW_TRACKING_URI is a server already; open {store}")
    with opened(store) as client:
        experiment = client.get_experiment_by_name(EXPERIMENT)
    print(*addresses(port, experiment.experiment_id if experiment else None), sep="\n", flush=True)
    where = ["--backend-store-uri", store.uri, "--default-artifact-root", str(store.artifacts)]
    _execute("server", *where, "--uvicorn-opts", "--log-level warning", port=port)


def serve_model(alias: str, port: int) -> None:
    """Replace this process by MLflow's server of a registered model, in the same environment.

    `alias` is champion, fixed or tutorial, or a version's number. StudyError where there is none.
    """
    store = existing_store()
    with opened(store) as client:
        model = find_version(client, alias)
    body = json.dumps({"inputs": ["Satoshi"]})
    print(
        f"{MODEL} version {model.version}, {model.tags.get('architecture')}. Ask it:\n"
        f"curl -d '{body}' -H 'Content-Type: application/json' "
        f"http://127.0.0.1:{port}/invocations\nCtrl-C stops the server.",
        flush=True,
    )
    which = ["--model-uri", f"models:/{MODEL}/{model.version}", "--env-manager", "local"]
    _execute("models", "serve", *which, port=port, MLFLOW_TRACKING_URI=store.uri)


def _execute(*arguments: str, port: int, **environment: str) -> None:
    """Run MLflow's command, on loopback and with one worker, instead of this process."""
    where = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    environment |= {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    command = [sys.executable, "-m", "mlflow", *arguments, *where]
    os.execve(sys.executable, command, os.environ | environment)
