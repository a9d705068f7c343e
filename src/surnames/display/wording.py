"""Numbers and names in words."""

from math import isnan

from surnames.networks.lookup import architectures
from surnames.study.summary import Cell

MINUS = "\N{MINUS SIGN}"
PROTOCOLS = {
    "published": "names it was trained on",
    "held_out": "names it has not seen",
    "random_split": "random split, duplicates and all",
}
PARTS = {
    "activation_alone": "the activation alone, with the output from [input, previous state]",
    "readout_alone": "the readout alone, without an activation",
    "activation": "the activation, on the mean of both readouts",
    "readout": "the readout, on the mean of with and without activation",
    "interaction": "what both add together beyond each alone",
    "whole": "the whole fix",
}


def words(architecture: str) -> str:
    """What an architecture is made of; "" for one that this code does not define."""
    known = architectures()
    return known[architecture].words if architecture in known else ""


def number(value: float) -> str:
    """To a tenth; a dash for NaN."""
    return "–" if isnan(value) else f"{value:.1f}"


def percent(share: float) -> str:
    """A share in percent to a tenth, without the sign."""
    return f"{100 * share:.1f}"


def points(share: float | str | None, signed: bool = True) -> str:
    """A share, or a table's cell with one, as points to a tenth with a real minus; "" for none."""
    if share in (None, ""):
        return ""
    text = f"{100 * float(share):+.1f}" if signed else f"{100 * float(share):.1f}"
    return text.replace("-", MINUS)


def level(confidence: float) -> str:
    """The confidence of intervals in percent."""
    return f"{100 * confidence:g} %"


def interval(cell: Cell) -> str:
    """The interval of a mean in percent; "" where it has none."""
    return f"{percent(cell.low)} to {percent(cell.high)}" if cell.has_interval else ""


def estimate(cell: Cell, sign: str = "") -> str:
    """A mean in percent with its interval in brackets."""
    between = f" ({interval(cell)})" if cell.has_interval else ""
    return percent(cell.mean) + sign + between
