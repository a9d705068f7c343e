"""MLflow's servers on loopback: its UI, and a registered model that answers names."""

import json
import os
import sys

from surnames.core.errors import StudyError
from surnames.tracking.registry import find_version
from surnames.tracking.saved_views import saved_views
from surnames.tracking.session import opened
from surnames.tracking.store import EXPERIMENT, MODEL, existing_store


def serve(port: int) -> None:
    """Replace this process by MLflow's server for the store; StudyError where there is no store.

    It prints the addresses of the saved views and of the registry, in the UI's training mode.
    One worker and no job runners: 2 processes instead of 15, enough for one reader.
    """
    store = existing_store()
    if store.served:
        raise StudyError(f"MLFLOW_TRACKING_URI is a server already; open {store}")
    with opened(store) as client:
        experiment = client.get_experiment_by_name(EXPERIMENT)
    # the mode, because the UI starts in the other one, in which the experiment is a page of traces
    pages, mode = f"http://127.0.0.1:{port}/#", "workflowType=machine_learning"
    if experiment:
        views = f"{pages}/experiments/{experiment.experiment_id}/runs?{mode}&viewStateShareKey="
        print(*(f"{name:10} {views}{name}" for name in saved_views()), sep="\n")
    print(f"models     {pages}/models/{MODEL}?{mode}\nCtrl-C stops the server.", flush=True)
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
