"""What a store of the small study holds, asked through MLflow."""

import sys
from pathlib import Path
from typing import Any

from mlflow import MlflowClient

from surnames.tracking import store as stores

TRACK = (sys.executable, "pipeline/track.py")


def client(folder: Path, store: str = "mlflow/mlflow.db") -> MlflowClient:
    uri = f"sqlite:///{folder / store}"
    return MlflowClient(uri, uri)


def runs(found: MlflowClient, query: str = "") -> list[Any]:
    experiment = found.get_experiment_by_name(stores.EXPERIMENT)
    return list(found.search_runs([experiment.experiment_id], query, max_results=1000))


def expected_names() -> set[str]:
    """Seven runs; two networks each, but one where replicates would be the same."""
    pairs = [f"{p}-{a}" for p, a in (
        ("published", "majority"), ("published", "tutorial_2017"), ("published", "fixed"),
        ("held_out", "ngram_logistic"), ("held_out", "tutorial_2017"), ("held_out", "fixed"),
        ("random_split", "fixed"),
    )]  # fmt: skip
    networks = [f"{pair}-{r}" for pair in pairs for r in range(1 if "majority" in pair else 2)]
    return {f"STARTER {name}" for name in pairs + networks}
