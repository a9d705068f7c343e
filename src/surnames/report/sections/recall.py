"""Recall of each language on unseen names, the best first."""

from typing import Any

from surnames.display import plots
from surnames.display.sentences import COMPARED
from surnames.report.report_data import ReportData


def recall(data: ReportData) -> dict[str, Any]:
    """A row for each language, a mark for each of the two networks compared."""
    protocol = "held_out" if "held_out" in data.protocols else data.summary.protocols[0]
    held = data.protocols[protocol]
    shown = [name for name in COMPARED if name in held] or held[:2]
    recalls = {name: data.recalls(protocol, name) for name in held}
    languages = sorted(data.languages, key=lambda language: -recalls[shown[-1]][language])
    series = [
        plots.Series(name, [recalls[name][language] for language in languages], [])
        for name in shown
    ]
    return {
        "protocol": protocol,
        "shown": shown,
        "recalls": recalls,
        "languages": languages,
        "counts": data.card["languages"],
        "picture": plots.dots(languages, series, "recall in percent, mean over replicates"),
    }
