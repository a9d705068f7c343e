"""What each half of the fix is worth, and what they add together."""

from math import ceil, floor, nan
from typing import Any

from surnames.architectures.elman import ACTIVATIONS
from surnames.display import plots
from surnames.display.wording import PARTS, PROTOCOLS
from surnames.report.report_data import ReportData

SHORT = {  # as short as a phone's picture wants them
    "activation_alone": "activation alone",
    "readout_alone": "readout alone",
    "interaction": "interaction",
    "activation": "activation, main effect",
    "readout": "readout, main effect",
    "whole": "the whole fix",
}


def halves(data: ReportData) -> dict[str, Any]:
    """A figure, and the effects by protocol and part, for each activation of the fix."""
    ends = [_points(row[end]) for row in data.effects for end in ("low", "high") if row[end]]
    limits = (5 * floor(min(ends, default=-1) / 5), 5 * ceil(max(ends, default=1) / 5))
    fixes = []
    for activation in dict.fromkeys(row["activation"] for row in data.effects):
        own = [row for row in data.effects if row["activation"] == activation]
        effects = {(row["protocol"], row["part"]): row for row in own}
        protocols = list(dict.fromkeys(row["protocol"] for row in own))
        series = []
        for protocol in protocols:
            effect, low, high = (
                [_points(effects[protocol, part][column]) for part in SHORT]
                for column in ("effect", "low", "high")
            )
            series.append(plots.Series(PROTOCOLS[protocol], effect, [], low, high))
        words = ACTIVATIONS[activation]
        label = f"{words}: points of macro recall, {data.confidence} interval"
        picture = plots.dots(list(SHORT.values()), series, label, limits=limits)
        fixes.append((words, picture, protocols, effects))
    return {"fixes": fixes, "parts": {part: PARTS[part] for part in SHORT}}


def _points(share: str) -> float:
    return 100 * float(share) if share else nan
