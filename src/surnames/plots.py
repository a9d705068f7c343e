"""Every figure, as the text of an SVG file: the same values give the same bytes.

Drawn without pyplot, so without any state. Colours are Okabe and Ito's, told apart by colour-blind
eyes, each also with a marker or a dash of its own. Texts are outlines: no font is needed to read
them. Widths are in inches; 3.9 is a phone's.
"""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from surnames import heatmap

BLACK, GREEN, PURPLE, GREY = "#000000", "#009E73", "#CC79A7", "#767676"
BLUE, VERMILLION = heatmap.BLUE, heatmap.VERMILLION
COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, BLACK)
MARKERS = "osD^v"
NARROW, WIDE = 3.9, 7.6
_STYLE: dict[Any, Any] = {  # matplotlib's own type for it lists 300 literals
    "svg.hashsalt": "surnames",
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "path.simplify": False,
}


@dataclass(frozen=True)
class Series:
    """One line or one set of dots; `low` and `high` are its interval or band, nan for none.

    `colour` and `dashed` are given where they mean something, and follow the order otherwise.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    colour: str = ""
    dashed: bool = False


def _svg(figure: Figure) -> str:
    stream = io.BytesIO()
    metadata = {"Date": None, "Creator": None}
    figure.savefig(stream, format="svg", facecolor="white", metadata=metadata)
    return "\n".join(line.rstrip() for line in stream.getvalue().decode().splitlines()) + "\n"


def _colour(series: Series, place: int) -> str:
    return series.colour or COLOURS[place % len(COLOURS)]


def _rounded(values: Sequence[float]) -> list[float]:
    """To a ten-thousandth: beyond it processors differ, and nobody sees it."""
    return [round(float(value), 4) for value in values]


def dots(rows: Sequence[str], series: Sequence[Series], label: str, width: float = NARROW) -> str:
    """A row for each thing compared, a dot with its interval for each series, in percent.

    Each series has an `x` for each row, nan where the study does not hold it.
    """
    with matplotlib.rc_context(_STYLE):
        lines = max(row.count("\n") + 1 for row in rows)
        columns = 1 if width == NARROW else len(series)
        around = 0.6 + 0.17 * math.ceil(len(series) / columns)  # the axis and the legend
        height = around + max(len(rows), 2) * (0.13 * lines + 0.17)
        figure = Figure((width, height), layout="constrained")
        axes = figure.subplots()
        offset = 0.46 / max(len(series), 2)
        for k, one in enumerate(series):
            places = [row + (k - (len(series) - 1) / 2) * offset for row in range(len(rows))]
            colour = _colour(one, k)
            if one.low:
                axes.hlines(places, _rounded(one.low), _rounded(one.high), color=colour, lw=1.6)
            axes.plot(
                _rounded(one.x), places, MARKERS[k % len(MARKERS)], color=colour, ms=4.2,
                label=one.label, clip_on=False,
            )  # fmt: skip
        axes.set_yticks(range(len(rows)), rows)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlim(0, 100)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", visible=False)
        axes.set_xlabel(label)
        figure.legend(loc="outside upper left", ncols=columns)
        return _svg(figure)


def _plot(axes: Axes, series: Sequence[Series], markers: bool) -> None:
    for k, one in enumerate(series):
        colour = _colour(one, k)
        if one.low:
            axes.fill_between(
                _rounded(one.x), _rounded(one.low), _rounded(one.high), color=colour, alpha=0.15,
                lw=0,
            )  # fmt: skip
        axes.plot(
            _rounded(one.x), _rounded(one.y), "--" if one.dashed else "-", color=colour, lw=1.2,
            marker=MARKERS[k % len(MARKERS)] if markers else "", ms=3.2, label=one.label,
        )  # fmt: skip


def curves(series: Sequence[Series], x_label: str, y_label: str) -> str:
    """Learning curves with their bands."""
    with matplotlib.rc_context(_STYLE):
        figure = Figure((NARROW, 3.5), layout="constrained")
        axes = figure.subplots()
        _plot(axes, series, markers=False)
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        axes.set_xlim(0, max(x for one in series for x in one.x))
        axes.set_ylim(0, 100)
        axes.xaxis.set_major_formatter(lambda step, _: f"{step:,.0f}")
        axes.locator_params(axis="x", nbins=5)
        figure.legend(loc="outside upper left", ncols=2, fontsize=7.5)
        return _svg(figure)


def reliability(series: Sequence[Series]) -> str:
    """How often an answer is right against how sure it was, both in percent."""
    with matplotlib.rc_context(_STYLE):
        figure = Figure((NARROW, 3.9), layout="constrained")
        axes = figure.subplots()
        axes.plot([0, 100], [0, 100], ":", color=GREY, lw=1, label="as sure as right")
        _plot(axes, series, markers=True)
        axes.set_xlabel("how sure, in percent")
        axes.set_ylabel("how often right, in percent")
        axes.set_xlim(0, 100)
        axes.set_ylim(0, 100)
        axes.set_aspect("equal")
        figure.legend(loc="outside upper left", ncols=2, fontsize=7.5)
        return _svg(figure)
