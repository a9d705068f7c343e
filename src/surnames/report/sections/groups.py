"""Which unseen names and languages the networks do better on, and where the fix helps."""

from typing import Any

from surnames.display import plots
from surnames.display.sentences import COMPARED
from surnames.report.report_data import ReportData
from surnames.study.comparison import FIX

WORDS = {
    "near": "one edit from a training name of its language",
    "far": "two edits or more from every one",
    "short": "five letters or fewer",
    "long": "nine letters or more",
}


def groups(data: ReportData) -> dict[str, Any]:
    """A figure and a table: macro recall by group, and what the fix adds to it."""
    names = list(dict.fromkeys(row["group"] for row in data.groups))
    rows = {(row["architecture"], row["group"]): row for row in data.groups}
    shown = (
        [name for name in (*COMPARED, "ngram_logistic") if (name, names[0]) in rows]
        if names
        else []
    )
    held = [
        name for name in dict.fromkeys(row["architecture"] for row in data.groups) if name != FIX
    ]
    series = []
    for name in shown:
        mean, low, high = (
            [100 * float(rows[name, group][column] or "nan") for group in names]
            for column in ("mean", "low", "high")
        )
        series.append(plots.Series(name, mean, [], low, high))
    label = f"macro recall in percent, {data.confidence} interval"
    return {
        "names": names,
        "rows": rows,
        "architectures": [*shown, *(name for name in held if name not in shown)],
        "fix": FIX,
        "meaning": {group: WORDS.get(group, "languages") for group in names},
        "picture": plots.dots(names, series, label) if shown else "",
    }
