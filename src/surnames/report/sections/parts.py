"""What several sections need: their prose, cells of tables, lines of figures."""

from collections.abc import Sequence
from math import isnan, nan
from pathlib import Path
from typing import Any

from markupsafe import Markup

from surnames.display import plots
from surnames.display.html import Table, code, environment
from surnames.display.wording import PROTOCOLS, interval, percent, words
from surnames.networks.lookup import architectures
from surnames.report.report_data import ReportData
from surnames.study.summary import Cell

TEMPLATES = Path(__file__).parents[1] / "templates"
COLOURS = {"linear": plots.BLACK, "tanh": plots.BLUE, "relu": plots.VERMILLION}
LOOKS = (
    "Black has no activation, blue tanh, vermillion ReLU; solid lines take the output from the new "
    "hidden state, dashed ones from the input and the previous state."
)


def prose(template: str, **values: Any) -> Markup:
    """The paragraphs of a section as HTML."""
    page = environment(TEMPLATES, escape=True).get_template(f"sections/{template}.html")
    return Markup(page.render(values))


def names(architectures_shown: Sequence[str]) -> list[Markup]:
    """Names of architectures, or of protocols, as heads of columns."""
    return [code(name) for name in architectures_shown]


def estimate(cell: Cell | None) -> str | Markup:
    """A mean with its interval beneath, and how many networks diverged; a dash for no run."""
    if cell is None:
        return "–"
    shown = Markup(percent(cell.mean))
    if cell.has_interval:
        # a dash is shorter, and a phone narrow; behind a minus it would be read as another one
        text = interval(cell) if cell.low < 0 else interval(cell).replace(" to ", "–")
        shown += Markup(' <span class="interval">{}</span>').format(text)
    if cell.diverged:
        shown += Markup(' <span class="words">{} of {} diverged</span>').format(
            cell.diverged, cell.diverged + cell.replicates
        )
    return shown


def number(value: float) -> str:
    """To a tenth; a dash for NaN."""
    return "–" if isnan(value) else f"{value:.1f}"


def percents(cells: Sequence[Cell | None], part: str) -> list[float]:
    """The mean, low or high of cells in percent; NaN for no run."""
    return [100 * getattr(cell, part) if cell else nan for cell in cells]


def by_protocol(data: ReportData) -> list[plots.Series]:
    """Macro recall of every architecture, a series for each protocol."""
    series = []
    for protocol in data.protocols:
        cells = [data.summary.cell(protocol, name) for name in data.summary.architectures]
        mean, low, high = (percents(cells, part) for part in ("mean", "low", "high"))
        series.append(plots.Series(PROTOCOLS[protocol], mean, [], low, high))
    return series


def looks(shown: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Colour by activation, dashes by readout; other architectures get what is left."""
    known, found, others = architectures(), {}, 0
    for name in shown:
        card = known[name].card() if name in known else None
        if card is not None and "readout" in card:
            dashed = card["readout"] == "combined"
            found[name] = {"colour": COLOURS[card["activation"]], "dashed": dashed}
        else:
            found[name] = {"colour": (plots.GREEN, plots.PURPLE)[others % 2]}
            others += 1
    return found


def across(data: ReportData, metric: str, caption: str, folded: bool = False) -> Table:
    """One metric, a row for each architecture and a column for each protocol."""
    head = [code(name, PROTOCOLS[name]) for name in data.protocols]
    rows = []
    for name in data.summary.architectures:
        cells = [data.summary.cell(protocol, name, metric) for protocol in data.protocols]
        if any(cells):
            rows.append([code(name, words(name)), *map(estimate, cells)])
    return Table(caption, ["architecture", *head], rows, folded)
