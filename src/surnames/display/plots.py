"""Every figure, as the text of an SVG file: the same values give the same bytes.

Drawn without pyplot, so without any state. Colours are Okabe and Ito's, told apart by colour-blind
eyes, each also with a marker or a dash of its own. Texts are outlines: no font is needed to read
them. Widths are in inches; 3.9 is a phone's.
"""

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from surnames.display import confusion_matrix

BLACK, GREEN, PURPLE, GREY = "#000000", "#009E73", "#CC79A7", "#767676"
BLUE, VERMILLION = confusion_matrix.BLUE, confusion_matrix.VERMILLION
COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, BLACK)
MARKERS = "osD^v"
NARROW, WIDE = 3.9, 7.6
MINUS = "\N{MINUS SIGN}"
LINE = 3.6  # percent: no two labels of a slope stand closer
LEGEND: dict[str, Any] = {"loc": "outside upper left", "ncols": 2, "fontsize": 7.5}
STYLE = Path(__file__).parent / "templates/figures.mplstyle"


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

    @property
    def line(self) -> str:
        """Its line in matplotlib's notation."""
        return "--" if self.dashed else "-"


def _figure(height: float, width: float = NARROW) -> tuple[Figure, Axes]:
    figure = Figure((width, height), layout="constrained")
    return figure, figure.subplots()


def _svg(figure: Figure) -> str:
    stream = io.StringIO()
    metadata = {"Date": None, "Creator": None}
    figure.savefig(stream, format="svg", facecolor="white", metadata=metadata)
    return "".join(f"{line.rstrip()}\n" for line in stream.getvalue().splitlines())


def _colours(series: Sequence[Series]) -> list[str]:
    return [one.colour or COLOURS[k % len(COLOURS)] for k, one in enumerate(series)]


def _rounded(values: Sequence[float]) -> list[float]:
    """To a ten-thousandth: beyond it processors differ, and nobody sees it."""
    return [round(float(value), 4) for value in values]


@matplotlib.rc_context(fname=STYLE)
def dots(
    rows: Sequence[str],
    series: Sequence[Series],
    label: str,
    width: float = NARROW,
    limits: tuple[float, float] = (0, 100),
) -> str:
    """A row for each thing compared, a dot with its interval for each series, in percent.

    Each series has an `x` for each row, nan where the study does not hold it. Where the limits go
    below zero, these are differences: zero is a line.
    """
    lines = max(row.count("\n") + 1 for row in rows)
    columns = 1 if width == NARROW else len(series)
    around = 0.6 + 0.17 * math.ceil(len(series) / columns)  # the axis and the legend
    height = around + max(len(rows), 2) * (0.13 * lines + 0.17)
    figure, axes = _figure(height, width)
    offset = 0.46 / max(len(series), 2)
    for k, (one, colour) in enumerate(zip(series, _colours(series), strict=True)):
        places = [row + (k - (len(series) - 1) / 2) * offset for row in range(len(rows))]
        if one.low:
            axes.hlines(places, _rounded(one.low), _rounded(one.high), color=colour, lw=1.6)
        marker = MARKERS[k % len(MARKERS)]
        axes.plot(_rounded(one.x), places, marker, c=colour, label=one.label, ms=4.2, clip_on=False)
    axes.set_yticks(range(len(rows)), rows)
    axes.set(ylim=(len(rows) - 0.5, -0.5), xlim=limits, xlabel=label)
    if limits[0] < 0:
        axes.axvline(0, color=BLACK, lw=0.8)
        axes.xaxis.set_major_formatter(
            lambda points, _: f"{points:+g}".replace("-", MINUS) if points else "0"
        )
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    figure.legend(loc="outside upper left", ncols=columns)
    return _svg(figure)


def apart(places: Sequence[float], distance: float) -> list[float]:
    """Places for labels, in the order given, each as near to what it names as the distance allows.

    Labels that would overlap share the space around the mean of their places, as a block.
    """
    order = sorted(range(len(places)), key=lambda k: places[k])
    blocks: list[tuple[float, int]] = []  # the middle of a block and how many stand in it
    for k in order:
        middle, count = places[k], 1
        while blocks and middle - blocks[-1][0] < distance * (count + blocks[-1][1]) / 2:
            before, other = blocks.pop()
            middle = (middle * count + before * other) / (count + other)
            count += other
        blocks.append((middle, count))
    spread = [
        middle + distance * (k - (count - 1) / 2) for middle, count in blocks for k in range(count)
    ]
    return [place for _, place in sorted(zip(order, spread, strict=True))]


@matplotlib.rc_context(fname=STYLE)
def slopes(series: Sequence[Series], ends: Sequence[str], label: str) -> str:
    """A line for each thing compared between two conditions, in percent, named at its right end.

    Each series has two values of `y`, `low` and `high`; an interval may be nan.
    """
    figure, axes = _figure(5.0)
    colours = _colours(series)
    for k, (one, colour) in enumerate(zip(series, colours, strict=True)):
        shift = 0.05 * (k / max(len(series) - 1, 1) - 0.5)  # or the intervals hide each other
        places = [shift, 1 + shift]
        axes.vlines(places, _rounded(one.low), _rounded(one.high), color=colour, lw=1, alpha=0.6)
        axes.plot(places, _rounded(one.y), one.line + "o", color=colour, lw=1.3, ms=3.2)
    for end, side, away in ((0, "right", -0.16), (1, "left", 0.16)):
        values = [round(one.y[end], 1) for one in series]
        for k, place in enumerate(apart(values, LINE)):
            name = f"  {series[k].label}" if end else ""
            arrow = {"arrowstyle": "-", "color": colours[k], "lw": 0.6, "shrinkA": 1, "shrinkB": 0}
            arrow["relpos"] = (1 - end, 0.5)
            look: dict[str, Any] = {"va": "center", "ha": side, "arrowprops": arrow}
            text = f"{values[k]:.1f}{name}"
            axes.annotate(text, (end + away / 4, values[k]), (end + away, place), **look)
    axes.set(xlim=(-0.45, 2.05), ylim=(0, 100), ylabel=label)
    axes.set_xticks((0, 1), [end.replace(" it ", "\nit ", 1) for end in ends])
    axes.grid(axis="x", visible=False)
    return _svg(figure)


def _plot(axes: Axes, series: Sequence[Series], markers: bool) -> None:
    for k, (one, colour) in enumerate(zip(series, _colours(series), strict=True)):
        x, y = _rounded(one.x), _rounded(one.y)
        if one.low:
            low, high = _rounded(one.low), _rounded(one.high)
            axes.fill_between(x, low, high, color=colour, alpha=0.15, lw=0)
        look = one.line + (MARKERS[k % len(MARKERS)] if markers else "")
        axes.plot(x, y, look, color=colour, label=one.label, lw=1.2, ms=3.2)


@matplotlib.rc_context(fname=STYLE)
def curves(series: Sequence[Series], x_label: str, y_label: str) -> str:
    """Learning curves with their bands."""
    figure, axes = _figure(3.5)
    _plot(axes, series, markers=False)
    last = max(x for one in series for x in one.x)
    axes.set(xlabel=x_label, ylabel=y_label, xlim=(0, last), ylim=(0, 100))
    axes.xaxis.set_major_formatter(lambda step, _: f"{step:,.0f}")
    axes.locator_params(axis="x", nbins=5)
    figure.legend(**LEGEND)
    return _svg(figure)


@matplotlib.rc_context(fname=STYLE)
def reliability(series: Sequence[Series]) -> str:
    """How often an answer is right against how sure it was, both in percent."""
    figure, axes = _figure(3.9)
    axes.plot([0, 100], [0, 100], ":", color=GREY, lw=1, label="as sure as right")
    _plot(axes, series, markers=True)
    axes.set(xlabel="how sure, in percent", ylabel="how often right, in percent")
    axes.set(xlim=(0, 100), ylim=(0, 100), aspect="equal")
    figure.legend(**LEGEND)
    return _svg(figure)


@matplotlib.rc_context(fname=STYLE)
def multiverse(
    panels: Mapping[str, Sequence[Series]],
    ticks: Sequence[str],
    blocks: Mapping[str, int],
    label: str,
) -> str:
    """Many analyses of one question: a mark with its interval for each, in points.

    A panel for each title, above each other; a place on the axis for each tick, in blocks of so
    many, and side by side at a place a mark for each series; nan for none. Zero is a line.
    """
    figure = Figure((WIDE, 0.9 + 2.1 * len(panels)), layout="constrained")
    rows = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (title, series) in zip(rows, panels.items(), strict=True):
        colours = _colours(series)
        for k, one in enumerate(series):
            places = [x + (k - (len(series) - 1) / 2) * 0.25 for x in range(len(ticks))]
            low, high = _rounded(one.low), _rounded(one.high)
            axes.vlines(places, low, high, color=colours[k], lw=1.3)
            axes.plot(places, _rounded(one.y), MARKERS[k], c=colours[k], label=one.label, ms=3.2)
        axes.axhline(0, color=BLACK, lw=0.8)
        axes.set(ylabel=label, xlim=(-0.6, len(ticks) - 0.4))
        axes.set_title(title, loc="left", fontsize=8)
        axes.grid(axis="x", visible=False)
        edge = -0.5
        for size in [*blocks.values()][:-1]:
            edge += size
            axes.axvline(edge, color=GREY, lw=0.6)
    rows[-1].set_xticks(range(len(ticks)), ticks)
    start = 0
    for name, size in blocks.items():
        middle = (start + start + size - 1) / 2
        place = (middle, -0.2)
        rows[-1].annotate(
            name, place, xycoords=("data", "axes fraction"), ha="center", va="top", fontsize=7.5
        )
        start += size
    handles, labels = rows[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=len(handles), fontsize=7.5)
    return _svg(figure)
