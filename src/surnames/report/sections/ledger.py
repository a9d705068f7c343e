"""The ledger: each claim with its verdict, and its interval as a bar."""

from dataclasses import dataclass
from statistics import median
from typing import Any

from surnames.report.report_data import Claim, ReportData

WIDTH, HEIGHT = 240, 28  # of a bar, in units of its picture
FAR = 3  # times the median reach: what lies beyond would press all others together
VERDICTS = ("supported", "refuted", "undecided")


@dataclass(frozen=True)
class Scale:
    """From shares to places on a bar; all bars have the same one."""

    low: float
    high: float

    def place(self, share: float) -> float:
        """Where a share is drawn; at an end if beyond it."""
        inside = min(max(share, self.low), self.high)
        return round(8 + (WIDTH - 16) * (inside - self.low) / (self.high - self.low), 1)


def ledger(data: ReportData) -> dict[str, Any]:
    """The claims, their bars, and how many have each verdict."""
    claims = data.ledger["claims"]
    along = scale(claims)
    verdicts = [claim["verdict"] for claim in claims]
    return {
        "claims": claims,
        "bars": [bar(claim, along) for claim in claims],
        "along": along,
        "counts": {verdict: verdicts.count(verdict) for verdict in VERDICTS},
        "width": WIDTH,
        "height": HEIGHT,
    }


def _ends(claim: Claim) -> list[float]:
    """What a bar shows: its interval, or the effect alone where there is none."""
    return [claim[end] if claim[end] is not None else claim["effect"] for end in ("low", "high")]


def scale(claims: list[Claim]) -> Scale:
    """One that holds zero, every threshold and the intervals, but for those that lie far off."""
    bars = [_ends(claim) for claim in claims if claim["effect"] is not None]
    reaches = [max(map(abs, ends)) for ends in bars]
    far = FAR * median(reaches) if reaches else 0.0
    shown = [end for ends, reach in zip(bars, reaches, strict=True) if reach <= far for end in ends]
    shown += [0.01, -0.01, *(claim["more_than"] for claim in claims)]
    return Scale(min(shown), max(shown))


def bar(claim: Claim, along: Scale) -> dict[str, Any] | None:
    """Places of the parts of one bar; `beyond` is the end at which it leaves the scale."""
    if claim["effect"] is None:
        return None
    low, high = _ends(claim)
    shares = {"low": low, "high": high, "effect": claim["effect"], "threshold": claim["more_than"]}
    return {name: along.place(share) for name, share in (shares | {"zero": 0}).items()} | {
        "beyond": "high" if high > along.high else "low" if low < along.low else "",
        "off": not along.low <= low < along.high,
    }
