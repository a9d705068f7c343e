"""How the networks learned: curves with their bands."""

from markupsafe import Markup

from surnames.display import plots
from surnames.display.html import Figure, Section, Table
from surnames.display.wording import PROTOCOLS
from surnames.report.report_data import ReportData, of_run
from surnames.report.sections.parts import LOOKS, looks, names, prose

COLUMNS = ("accuracy", "accuracy_low", "accuracy_high")
Curve = dict[float, list[float]]  # step -> accuracy, lowest and highest, in percent


def learning(data: ReportData) -> Section:
    """A figure and a table for each protocol."""
    figures, tables = [], []
    for protocol, trained in data.protocols.items():
        curves = {name: curve for name in trained if (curve := _curve(data, protocol, name))}
        if curves:  # counting and regression have none
            figures.append(_figure(protocol, curves))
            tables.append(_table(protocol, curves))
    text = prose("learning", curves=bool(figures), looks=LOOKS)
    return Section("learning", "How they learned", [text], figures, tables)


def _curve(data: ReportData, protocol: str, name: str) -> Curve:
    return {
        float(row["step"]): [100 * float(row[column]) for column in COLUMNS]
        for row in of_run(data.curves, protocol, name)
    }


def _figure(protocol: str, curves: dict[str, Curve]) -> Figure:
    lines, series = looks(list(curves)), []
    for name, curve in curves.items():
        mean, low, high = zip(*curve.values(), strict=True)
        series.append(plots.Series(name, list(curve), mean, low, high, **lines[name]))
    return Figure(
        plots.curves(series, "training steps, one name each", "names read right, in percent"),
        f"Learning curves under {protocol}: the share of names read right by training step, a line "
        "with a band for each network; the table beneath holds the figures.",
        f"{protocol}: {PROTOCOLS[protocol]}.",
    )


def _table(protocol: str, curves: dict[str, Curve]) -> Table:
    steps = sorted({step for curve in curves.values() for step in curve})
    rows = [[f"{step:,.0f}", *(_band(one.get(step)) for one in curves.values())] for step in steps]
    caption = f"Learning under {protocol}, in percent"
    return Table(caption, ["step", *names(list(curves))], rows, folded=True)


def _band(point: list[float] | None) -> Markup:
    if point is None:
        return Markup("–")
    return Markup('{:.1f} <span class="interval">{:.1f}–{:.1f}</span>').format(*point)
