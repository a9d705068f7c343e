"""How MLflow's pages present the study: the experiment's description and its saved views."""

import json
from collections.abc import Sequence

from surnames.tracking.store import NOTE

DESCRIPTION = (
    "**Did fixing the PyTorch character-RNN tutorial help, which part of the fix did it, and does "
    "it hold on names the network has not seen?**\n\n"
    "- `tags.kind = 'run'`: an architecture under a protocol, with means, intervals, the confusion "
    "matrix (Artifacts) and the mean learning curve.\n"
    "- `tags.kind = 'network'`: each trained network by itself. Views, at the right above, groups "
    "these by architecture and protocol; as charts they draw a mean and a band each.\n"
    "- Saved views, whose addresses `make ui` prints: means and intervals; published against held "
    "out; the networks of either protocol by architecture.\n"
    "- Models: [surname-origin](#/models/surname-origin), a version for each architecture; "
    "`make serve` lets the champion answer names.\n\n"
    "A view of `dvc.lock`: `dvc repro` publishes what is missing and nothing twice, and `make "
    "verify` says whether it is all there. The whole story is the report, `reports/index.html`: "
    "`make report` opens it. What it answers: "
    "[#193](https://github.com/pytorch/tutorials/issues/193), "
    "[#1052](https://github.com/pytorch/tutorials/issues/1052), "
    "[#2954](https://github.com/pytorch/tutorials/issues/2954)."
)


def _view(
    title: str,
    query: str,
    columns: Sequence[str],
    group: Sequence[str] = (),
    order: str = "attributes.start_time",
    ascending: bool = False,
) -> str:
    """A saved view of the runs table as the UI itself writes one (undocumented: see its test)."""
    name = "attributes.`Run Name`"
    widths = {f"metrics.`scores/{column}`": 60 + 8 * len(column) for column in columns}
    shown = list(widths)
    state = {
        "searchFilter": query,
        "orderByKey": order,
        "orderByAsc": ascending,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": shown,
        "columnOrder": [name, *shown],  # without it the widths are not heeded
        "columnWidths": {name: 330} | widths,
        "runsHiddenMode": "FIRST_20_RUNS",
        "useGroupedValuesInCharts": True,
        "hideEmptyCharts": True,
        "groupBy": {
            "aggregateFunction": "average",
            "groupByKeys": [{"mode": "tag", "groupByData": tag} for tag in group],
        }
        if group
        else None,
    }
    return json.dumps({"name": title, "createdAt": 0, "updatedAt": 0, "state": json.dumps(state)})


def _networks(protocol: str, title: str) -> str:
    """Each architecture's networks as a group; of one protocol, for the UI loads a hundred runs."""
    return _view(
        title,
        f"tags.kind = 'network' AND tags.protocol = '{protocol}'",
        ("macro_recall", "accuracy", "log_loss"),
        group=("run",),
    )


INTERVAL = ("macro_recall", "interval/macro_recall_low", "interval/macro_recall_high")
VIEWS = {
    "means": _view("Means and intervals", "tags.kind = 'run'", (*INTERVAL, "accuracy")),
    "protocols": _view(
        "Published against held out",
        "tags.kind = 'run' AND tags.protocol != 'random_split'",
        INTERVAL,
        order="tags.`architecture`",  # so that the two of each stand beneath one another
        ascending=True,
    ),
    "held_out": _networks("held_out", "Networks, on names not seen"),
    "published": _networks("published", "Networks, on names trained on"),
}
EXPERIMENT_TAGS = {
    "mlflow.experimentKind": "custom_model_development",
    NOTE: DESCRIPTION,
    **{f"mlflow.sharedViewState.{key}": view for key, view in VIEWS.items()},
}
