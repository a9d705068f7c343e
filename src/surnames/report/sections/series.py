"""What the figures of several sections are drawn from."""

from collections.abc import Sequence
from itertools import cycle
from math import nan
from typing import Any

from surnames.display import plots
from surnames.networks.lookup import architectures
from surnames.study.summary import Cell

COLOURS = {"linear": plots.BLACK, "tanh": plots.BLUE, "relu": plots.VERMILLION}


def percents(cells: Sequence[Cell | None]) -> tuple[list[float], list[float], list[float]]:
    """Means, lows and highs in percent; NaN for no run."""
    known = [(cell.mean, cell.low, cell.high) if cell else (nan, nan, nan) for cell in cells]
    mean, low, high = ([100 * value for value in column] for column in zip(*known, strict=True))
    return mean, low, high


def looks(shown: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Colour by activation and dashes by readout, as an architecture's card says them.

    What has no such card gets one of the colours that are left, by its place.
    """
    known, others, lines = architectures(), cycle((plots.GREEN, plots.PURPLE)), {}
    for name in shown:
        card = (known[name].card() if name in known else None) or {}
        colour = COLOURS.get(card.get("activation", "")) or next(others)
        lines[name] = {"colour": colour, "dashed": card.get("readout") == "combined"}
    return lines
