"""How MLflow's UI presents the study: the experiment's description and its saved views."""

import json

from surnames.tracking.run_record import render
from surnames.tracking.store import NOTE


def saved_views() -> dict[str, str]:
    """The views of the runs table by name, as the UI stores them."""
    views = json.loads(render("views.json"))
    return {
        name: json.dumps(view | {"state": json.dumps(view["state"])})
        for name, view in views.items()
    }


def experiment_tags() -> dict[str, str]:
    """The experiment's kind, its description and its saved views."""
    return {
        "mlflow.experimentKind": "custom_model_development",
        NOTE: render("experiment.md"),
        **{f"mlflow.sharedViewState.{name}": view for name, view in saved_views().items()},
    }
