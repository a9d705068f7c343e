"""The figures: the same bytes for the same values, legible, and labelled without overlaps."""

import math
import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from surnames.display import confusion_matrix as heatmap
from surnames.display import plots

SERIES = [
    plots.Series("one", [10.0, math.nan], [20.0, 30.0], [8.0, math.nan], [12.0, math.nan]),
    plots.Series("other", [40.0, 60.0], [45.0, 50.0]),
]
SLOPES = [
    plots.Series("fixed", [0, 1], [70.0, 45.0], [69.0, 44.0], [71.0, 46.0]),
    plots.Series("other", [0, 1], [69.5, 45.5], [math.nan] * 2, [math.nan] * 2, dashed=True),
]


def drawings() -> dict[str, str]:
    """One of each kind."""
    shares = [[0.9, 0.1], [0.25, 0.75]]
    return {
        "dots": plots.dots(["first", "second\nin two lines"], SERIES, "percent"),
        "confusion": heatmap.draw(shares, ["Czech", "Dutch"], title="fixed"),
        "difference": heatmap.draw(shares, ["Czech", "Dutch"], difference=True),
        "differences": plots.dots(["first", "second"], SERIES, "points", limits=(-20, 80)),
        "slopes": plots.slopes(SLOPES, ["names it was trained on", "unseen"], "percent"),
        "curves": plots.curves(SERIES[1:], "steps", "right"),
        "reliability": plots.reliability(SERIES[1:]),
    }


def luminance(colour: str) -> float:
    """Relative luminance of a colour (WCAG 2)."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_same_values_same_bytes() -> None:
    """An SVG with a date or a random id would make every report a new one."""
    first, second = drawings(), drawings()
    assert first == second
    for name, svg in first.items():
        assert "date" not in svg.lower(), name


def test_figures_are_svg_on_white() -> None:
    """Legible on a dark page too; matplotlib's are the same on a machine without our font."""
    for name, svg in drawings().items():
        root = ElementTree.fromstring(svg)
        assert root.tag.endswith("svg"), name
        if name in ("confusion", "difference"):
            assert '<rect width="100%" height="100%" fill="#ffffff"/>' in svg, name
        else:
            assert "<text" not in svg, name
            assert "fill: #ffffff" in svg.split("axes_1")[0], name


def test_cells_tell_their_share_and_sign() -> None:
    """In a difference more often is vermillion, less often blue; the largest is strongest."""
    svg = heatmap.draw([[0.4, -0.2], [0.0, 0.0]], ["Czech", "<Dutch>"], difference=True)
    more, less = re.findall(r'<rect x=.*fill="(.*)" fill-opacity="(.*)"><title>(.*)</title>', svg)
    assert more == (heatmap.VERMILLION, "1.0", "Czech, answered Czech: 40.0 %")
    assert less == (heatmap.BLUE, "0.5", "Czech, answered &lt;Dutch&gt;: -20.0 %")


def test_labels_keep_apart_and_in_order() -> None:
    """Near to what they name, none over another, the higher one above."""
    assert plots.apart([10.0, 30.0], 5) == [10.0, 30.0]
    assert plots.apart([50.0, 49.0, 51.0], 4) == [50.0, 46.0, 54.0]
    crowd = [44.4, 44.5, 45.1, 46.3, 47.8, 47.9, 60.2]
    places = plots.apart(crowd, 3.6)
    assert all(b - a > 3.6 - 1e-9 for a, b in pairwise(places))
    assert max(abs(a - b) for a, b in zip(crowd, places, strict=True)) < 3 * 3.6
    assert plots.apart(crowd[::-1], 3.6) == places[::-1]


def test_languages_taken_for_each_other_stand_together() -> None:
    """Two groups, shuffled: an order keeps each of them together, whichever way one errs."""
    groups = [0, 1, 0, 1, 0, 1]
    shares = [
        [0.5 if a == b else 0.2 if groups[a] == groups[b] and a < b else 0.0 for b in range(6)]
        for a in range(6)
    ]
    order = heatmap.clustered(shares)
    assert sorted(order) == list(range(6))
    assert [groups[k] for k in order] in ([0, 0, 0, 1, 1, 1], [1, 1, 1, 0, 0, 0])


def test_drawings_of_one_page_keep_their_colours() -> None:
    """A page that holds several has one gradient for each: a name of its own."""
    one, other = (heatmap.draw([[1.0]], ["Czech"], key=key) for key in ("fixed", "difference"))
    assert 'id="fixed"' in one and "url(#fixed)" in one and "fixed" not in other


def test_last_digits_are_not_drawn() -> None:
    """What differs between processors, far behind the point, is the same picture."""
    one, other = (
        plots.dots(["first"], [plots.Series("one", [50.0 + noise], [])], "percent")
        for noise in (0.0, 1e-6)
    )
    assert one == other


@pytest.mark.parametrize("colour", plots.COLOURS)
def test_colours_stand_out(colour: str) -> None:
    """A mark on white has a contrast of nearly three to one or more (WCAG 1.4.11)."""
    assert 1.05 / (luminance(colour) + 0.05) > 2.9
