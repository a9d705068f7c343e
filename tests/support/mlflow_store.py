"""What a store of the small study holds, asked through MLflow."""

import sys
from pathlib import Path
from typing import Any

import mlflow
from mlflow import MlflowClient

from surnames.tracking.store import EXPERIMENT, MODEL
from surnames.workflow import smoke

TRACK = (sys.executable, "pipeline/track.py")


def client(folder: Path, store: str = "mlflow/mlflow.db") -> MlflowClient:
    uri = f"sqlite:///{folder / store}"
    return MlflowClient(uri, uri)


def runs(store: MlflowClient, query: str = "") -> list[Any]:
    experiment = store.get_experiment_by_name(EXPERIMENT)
    return list(store.search_runs([experiment.experiment_id], query, max_results=1000))


def versions(store: MlflowClient) -> list[Any]:
    return list(store.search_model_versions(f"name = '{MODEL}'"))


def load_model(store: MlflowClient, version: str) -> Any:
    """A registered model, without a change of MLflow's global settings."""
    return mlflow.pyfunc.load_model(store.get_model_version_download_uri(MODEL, version))


def expected_names() -> set[str]:
    """Seven runs; two networks each, but one where replicates would be the same."""
    networks = {f"{run}-{r}" for run in smoke.RUNS for r in range(1 if "majority" in run else 2)}
    return {f"STARTER {name}" for name in {*smoke.RUNS, *networks}}
