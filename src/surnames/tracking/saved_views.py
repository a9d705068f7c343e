"""How MLflow's UI presents the study: the experiment's description and its saved views."""

import json
from collections.abc import Sequence

from surnames.tracking.run_record import render
from surnames.tracking.store import NOTE


def _view(title: str, query: str, columns: Sequence[str], group: str = "", order: str = "") -> str:
    """A saved view of the runs table, in the UI's own undocumented format (its test opens it).

    `group` is a tag; `order` is ascending, by default the latest runs come first.
    """
    name = "attributes.`Run Name`"
    widths = {f"metrics.`scores/{column}`": 60 + 8 * len(column) for column in columns}
    shown = list(widths)
    state = {
        "searchFilter": query,
        "orderByKey": order or "attributes.start_time",
        "orderByAsc": bool(order),
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": shown,
        "columnOrder": [name, *shown],  # without it the widths have no effect
        "columnWidths": {name: 330} | widths,
        "runsHiddenMode": "FIRST_20_RUNS",
        "useGroupedValuesInCharts": True,
        "hideEmptyCharts": True,
        "groupBy": {
            "aggregateFunction": "average",
            "groupByKeys": [{"mode": "tag", "groupByData": group}],
        }
        if group
        else None,
    }
    return json.dumps({"name": title, "createdAt": 0, "updatedAt": 0, "state": json.dumps(state)})


def _networks(protocol: str, title: str) -> str:
    """The networks of a protocol, grouped by architecture; of one, as the UI loads 100 runs."""
    query = f"tags.kind = 'network' AND tags.protocol = '{protocol}'"
    return _view(title, query, ("macro_recall", "accuracy", "log_loss"), group="run")


INTERVAL = ("macro_recall", "interval/macro_recall_low", "interval/macro_recall_high")
VIEWS = {
    "means": _view("Means and intervals", "tags.kind = 'run'", (*INTERVAL, "accuracy")),
    "protocols": _view(
        "Published against held out",
        "tags.kind = 'run' AND tags.protocol != 'random_split'",
        INTERVAL,
        order="tags.`architecture`",  # puts the two of each below one another
    ),
    "held_out": _networks("held_out", "Networks, on names not seen"),
    "published": _networks("published", "Networks, on names trained on"),
}


def experiment_tags() -> dict[str, str]:
    """The experiment's kind, its description and its saved views."""
    return {
        "mlflow.experimentKind": "custom_model_development",
        NOTE: render("experiment.md"),
        **{f"mlflow.sharedViewState.{key}": view for key, view in VIEWS.items()},
    }
