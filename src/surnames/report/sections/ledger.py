"""The ledger: each claim with its verdict, and its interval as a bar."""

from statistics import median
from typing import Any, get_args

import numpy as np

from surnames.report.report_data import Claim, ReportData
from surnames.study.claims import Verdict

WIDTH, HEIGHT = 240, 28  # of a bar, in units of its picture
FAR = 3  # times the median reach: what lies beyond would press all others together


def ledger(data: ReportData) -> dict[str, Any]:
    """The claims, their bars, and how many have each verdict."""
    claims = data.ledger["claims"]
    along = scale(claims)
    verdicts = [claim["verdict"] for claim in claims]
    return {
        "claims": claims,
        "bars": [bar(claim, along) for claim in claims],
        "along": along,
        "counts": {verdict: verdicts.count(verdict) for verdict in get_args(Verdict)},
        "width": WIDTH,
        "height": HEIGHT,
    }


def _ends(claim: Claim) -> list[float]:
    """What a bar shows: its interval, or the effect alone where there is none."""
    return [claim[end] if claim[end] is not None else claim["effect"] for end in ("low", "high")]


def scale(claims: list[Claim]) -> tuple[float, float]:
    """The ends of all bars, around zero, every threshold and all intervals but those far off."""
    bars = [_ends(claim) for claim in claims if claim["effect"] is not None]
    reaches = [max(map(abs, ends)) for ends in bars]
    far = FAR * median(reaches) if reaches else 0.0
    shown = [end for ends, reach in zip(bars, reaches, strict=True) if reach <= far for end in ends]
    shown += [0.01, -0.01, *(claim["more_than"] for claim in claims)]
    return min(shown), max(shown)


def bar(claim: Claim, along: tuple[float, float]) -> dict[str, Any] | None:
    """Places of the parts of one bar; `beyond` is the end at which it leaves the scale."""
    if claim["effect"] is None:
        return None
    low, high = _ends(claim)
    shares = {"low": low, "high": high, "effect": claim["effect"], "threshold": claim["more_than"]}
    places = np.interp([*shares.values(), 0], along, (8, WIDTH - 8)).round(1).tolist()
    return dict(zip([*shares, "zero"], places, strict=True)) | {
        "beyond": "high" if high > along[1] else "low" if low < along[0] else "",
        "off": not along[0] <= low < along[1],
    }
