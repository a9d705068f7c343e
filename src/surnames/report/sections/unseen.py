"""Published against unseen, as slopes."""

from typing import Any

from surnames.display import plots
from surnames.display.wording import PROTOCOLS
from surnames.report.report_data import ReportData
from surnames.report.sections.series import looks, percents

ENDS = ("published", "held_out")


def unseen(data: ReportData) -> dict[str, Any]:
    """A line for each architecture, from the names that it was trained on to unseen ones."""
    cells = {
        name: [data.summary.cell(protocol, name) for protocol in ENDS]
        for name in data.summary.architectures
    }
    both = {name: pair for name, pair in cells.items() if all(pair)}
    lines = looks(data.summary.architectures)
    series = []
    for name, pair in both.items():
        mean, low, high = percents(pair)
        series.append(plots.Series(name, [0, 1], mean, low, high, **lines[name]))
    places = [PROTOCOLS[protocol] for protocol in ENDS]
    return {
        "both": both,
        "ends": ENDS,
        "lacking": [protocol for protocol in ENDS if protocol not in data.protocols],
        "picture": plots.slopes(series, places, "macro recall in percent") if both else "",
    }
