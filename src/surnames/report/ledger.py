"""The ledger as it stands on the page: each claim's verdict, and its interval as a bar."""

from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from markupsafe import Markup

from surnames.display.html import environment
from surnames.display.wording import points

TEMPLATES = Path(__file__).parent / "templates"
SIGNS = {"supported": "✓", "refuted": "✗", "undecided": "?"}
WIDTH, HEIGHT = 240, 28  # of a bar, in units of its picture
FAR = 3  # times the median reach: what lies beyond would press all others together


@dataclass(frozen=True)
class Scale:
    """From shares to places on a bar; all bars have the same one."""

    low: float
    high: float

    def place(self, share: float) -> float:
        """Where a share is drawn; at an end if beyond it."""
        inside = min(max(share, self.low), self.high)
        return round(8 + (WIDTH - 16) * (inside - self.low) / (self.high - self.low), 1)


def _ends(claim: dict[str, Any]) -> list[float]:
    """What a bar shows: its interval, or the effect alone where there is none."""
    return [claim[end] if claim[end] is not None else claim["effect"] for end in ("low", "high")]


def scale(claims: list[dict[str, Any]]) -> Scale:
    """One that holds zero, every threshold and the intervals, but for those that lie far off."""
    bars = [_ends(claim) for claim in claims if claim["effect"] is not None]
    reaches = [max(map(abs, ends)) for ends in bars]
    far = FAR * median(reaches) if reaches else 0.0
    shown = [end for ends, reach in zip(bars, reaches, strict=True) if reach <= far for end in ends]
    shown += [0.01, -0.01, *(claim["more_than"] for claim in claims)]
    return Scale(min(shown), max(shown))


def bar(claim: dict[str, Any], along: Scale) -> dict[str, Any] | None:
    """Places of the parts of one bar; `beyond` is the end at which it leaves the scale."""
    if claim["effect"] is None:
        return None
    low, high = _ends(claim)
    beyond = "high" if high > along.high else "low" if low < along.low else ""
    shares = {"low": low, "high": high, "effect": claim["effect"], "threshold": claim["more_than"]}
    return {name: along.place(share) for name, share in shares.items()} | {
        "zero": along.place(0),
        "beyond": beyond,
        "off": not along.low <= low < along.high,
    }


def probability(p: float | None) -> str:
    """A p-value for people."""
    if p is None:
        return ""
    return "p < 0.0001" if p < 0.0001 else f"p = {p:#.2g}"


def spelled(claim: dict[str, Any]) -> str:
    """An effect with its interval, in points."""
    if claim["effect"] is None:
        return "without a figure"
    told = f"{points(claim['effect'])} points"
    if claim["low"] is None:
        return told
    return f"{told} ({points(claim['low'])} to {points(claim['high'])})"


def badge(verdict: str) -> Markup:
    """A verdict as sign, word and colour, so that none of them is needed."""
    return Markup(
        '<span class="verdict {0}"><span aria-hidden="true">{1}</span> {0}</span>'
    ).format(verdict, SIGNS[verdict])


def listing(claims: list[dict[str, Any]]) -> Markup:
    """All claims with their bars, as HTML."""
    along = scale(claims)
    template = environment(TEMPLATES, escape=True).get_template("ledger.html")
    text = template.render(
        claims=claims,
        bars=[bar(claim, along) for claim in claims],
        along=along,
        badge=badge,
        points=points,
        probability=probability,
        width=WIDTH,
        height=HEIGHT,
    )
    return Markup(text)
