"""What each half of the fix is worth, and what they add together."""

from math import ceil, floor, nan

from markupsafe import Markup

from surnames.architectures.elman import ACTIVATIONS
from surnames.display import plots
from surnames.display.html import Figure, Section, Table, code
from surnames.display.wording import PARTS, PROTOCOLS, points
from surnames.report.report_data import ReportData
from surnames.report.sections.parts import prose

SHORT = {  # as short as a phone's picture wants them
    "activation_alone": "activation alone",
    "readout_alone": "readout alone",
    "interaction": "interaction",
    "activation": "activation, main effect",
    "readout": "readout, main effect",
    "whole": "the whole fix",
}
Effects = dict[tuple[str, str], dict[str, str]]  # by protocol and part


def halves(data: ReportData) -> Section:
    """A figure and a table for each activation that the fix is taken apart with."""
    ends = [_points(row[end]) for row in data.effects for end in ("low", "high") if row[end]]
    limits = (5 * floor(min(ends, default=-1) / 5), 5 * ceil(max(ends, default=1) / 5))
    figures, tables = [], []
    for activation in dict.fromkeys(row["activation"] for row in data.effects):
        own = [row for row in data.effects if row["activation"] == activation]
        found = {(row["protocol"], row["part"]): row for row in own}
        figures.append(_figure(found, ACTIVATIONS[activation], data.confidence, limits))
        tables.append(_table(found, ACTIVATIONS[activation]))
    text = prose("halves", taken_apart=bool(figures))
    return Section("halves", "Which half of the fix", [text], figures, tables)


def _protocols(effects: Effects) -> list[str]:
    return list(dict.fromkeys(protocol for protocol, _ in effects))


def _figure(effects: Effects, words: str, confidence: str, limits: tuple[float, float]) -> Figure:
    """A row for each part, a mark with its interval for each protocol."""
    series = []
    for protocol in _protocols(effects):
        effect, low, high = (
            [_points(effects[protocol, part][column]) for part in SHORT]
            for column in ("effect", "low", "high")
        )
        series.append(plots.Series(PROTOCOLS[protocol], effect, [], low, high))
    label = f"{words}: points of macro recall, {confidence} interval"
    return Figure(
        plots.dots(list(SHORT.values()), series, label, limits=limits),
        f"The parts of the fix with {words}, a row each, with a mark and an interval for each "
        "protocol; the table beneath holds the figures.",
        f"The fix taken apart, with {words} as its activation.",
    )


def _table(effects: Effects, words: str) -> Table:
    protocols = _protocols(effects)
    rows = [
        [PARTS[part], *(_effect(effects[protocol, part]) for protocol in protocols)]
        for part in SHORT
    ]
    head = ["part", *map(code, protocols)]
    return Table(f"The parts of the fix with {words}, in points", head, rows)


def _points(share: str) -> float:
    return 100 * float(share) if share else nan


def _effect(row: dict[str, str]) -> Markup:
    shown = Markup(points(float(row["effect"])))
    if not row["low"]:
        return shown
    between = f"{points(float(row['low']))} to {points(float(row['high']))}"
    return shown + Markup(' <span class="interval">{}</span>').format(between)
