"""MLflow's servers on loopback: its UI, and a registered model that answers names."""

import json
import os
import socket
import sys

from surnames.core.errors import StudyError
from surnames.tracking.registry import find_version, registered
from surnames.tracking.saved_views import saved_views
from surnames.tracking.session import opened
from surnames.tracking.store import EXPERIMENT, MODEL, existing_store

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


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


def serve_model(alias: str, port: int, hosts: tuple[str, ...] = ()) -> None:
    """Answer names by a registered model on loopback, until Ctrl-C.

    `alias` is champion, fixed or tutorial, or a version's number; `hosts` are further names under
    which the server may be asked. StudyError where there is no such model, or the port is taken.
    """
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            raise StudyError(f"port {port}: {error.strerror}; choose another by --port") from None
        store = existing_store()
        with opened(store) as client:
            model = find_version(client, alias)
        with registered(f"models:/{MODEL}/{model.version}") as folder:
            import uvicorn
            from mlflow.pyfunc import load_model

            from surnames.tracking.service import application, rows_of

            rows = rows_of(load_model(str(folder)))
        body = json.dumps({"inputs": ["Satoshi"]})
        print(
            f"{MODEL} version {model.version}, {model.tags.get('architecture')}. Ask it:\n"
            f"curl -d '{body}' -H 'Content-Type: application/json' "
            f"http://127.0.0.1:{port}/invocations\nCtrl-C stops the server.",
            flush=True,
        )
        served = application(rows, str(model.version), (*LOOPBACK, *hosts))
        settings = uvicorn.Config(served, log_level="warning", access_log=False)
        uvicorn.Server(settings).run(sockets=[listener])


def _execute(*arguments: str, port: int, **environment: str) -> None:
    """Run MLflow's command, on loopback and with one worker, instead of this process."""
    where = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    environment |= {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    command = [sys.executable, "-m", "mlflow", *arguments, *where]
    os.execve(sys.executable, command, os.environ | environment)
