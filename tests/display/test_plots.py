"""The figures, and DVC's own views with our templates."""

import json
import math
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Browser
from support.projects import ROOT, Project

from surnames.core import params
from surnames.display import confusion_matrix as heatmap
from surnames.display import plots
from surnames.networks.lookup import architectures
from surnames.workflow import plots_page as vega

TEMPLATES = sorted((ROOT / ".dvc/plots").glob("*.json"))
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


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_templates_take_dvcs_data_and_title(path: Path) -> None:
    """Without the first anchor DVC refuses, without the second a plot is nameless."""
    text = path.read_text()
    assert '"<DVC_METRIC_DATA>"' in text and "<DVC_METRIC_TITLE>" in text


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_grids_are_not_sorted_by_a_list(path: Path) -> None:
    """With gaps in the grid, Vega-Lite puts panels of a grid sorted by a list in wrong places."""
    facet = json.loads(path.read_text()).get("facet", {})
    if {"row", "column"} <= facet.keys():
        assert not any(isinstance(side.get("sort"), list) for side in facet.values())


def test_every_run_can_be_chosen() -> None:
    """The lists of the confusion plot hold every protocol and architecture of the study."""
    choices = json.loads((ROOT / ".dvc/plots/taken_for.json").read_text())["params"]
    assert all(choice["value"] in choice["bind"]["options"] for choice in choices)
    options = {choice["name"]: choice["bind"]["options"] for choice in choices}
    assert options["protocol"] == list(params.PROTOCOLS)
    assert set(options["architecture"]) >= set(architectures())


def test_page_has_dvcs_places_and_no_address() -> None:
    """DVC fills in `plot_divs`; `scripts` would fetch Vega from elsewhere."""
    page = vega.page()
    assert page.count("{plot_divs}") == 1 and "{scripts}" not in page
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=\"http", page)


@pytest.fixture(scope="module")
def drawn(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A study with the page that set-up writes."""
    project = finished.copy(tmp_path_factory.mktemp("drawn") / "surnames")
    project.run("python", "-m", "surnames.workflow.plots_page")
    return project


@pytest.fixture
def page(browser: Browser) -> Iterator[Any]:
    """A page of Chromium without a network; what it complains about is in `complaints`."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_offline(True)
    opened: Any = context.new_page()
    opened.complaints = []
    opened.on("console", lambda message: opened.complaints.append(message.text))
    opened.on("pageerror", lambda error: opened.complaints.append(str(error)))
    yield opened
    context.close()


def marks(page: Any, path: Path) -> dict[str, int]:
    """How many dots, lines, areas, ticks and cells each plot of DVC's page has drawn."""
    page.goto(path.as_uri())
    page.wait_for_function("document.querySelectorAll('svg.marks').length >= 5", timeout=10_000)
    return page.eval_on_selector_all(
        "svg.marks",
        """all => Object.fromEntries(all.map(one => [
            one.closest('body > div').id,
            [...one.querySelectorAll('.marks [class^="mark-"] > *')].filter(
                mark => mark.closest('.mark-symbol, .mark-rule, .mark-rect, .mark-line')
                    && !mark.closest('.role-axis, .role-legend')
                    && mark.getBoundingClientRect().width + mark.getBoundingClientRect().height > 2
            ).length,
        ]))""",
    )


def test_plots_show_draws_without_a_network(drawn: Project, page: Any) -> None:
    """Every run, network and language has its mark, and nothing is missed."""
    drawn.run("dvc", "plots", "show")
    found = marks(page, drawn.folder / "dvc_plots/index.html")
    screenshots = ROOT / "tests/screenshots"
    screenshots.mkdir(exist_ok=True)
    page.screenshot(path=screenshots / "dvc-plots.png", full_page=True)
    runs = len(drawn.params()["runs"])
    assert found["confusion"] == 18 * 18
    assert found["results_recall_csv"] == 18 * runs
    assert found["results_replicates_csv"] == 2 * runs - 1  # majority is one network
    assert found["results_summary_csv"] == 2 * runs - 1  # a dot and an interval each, but for that
    assert found["learning"] == 5  # what trains step by step
    assert page.locator("img").first.evaluate("one => one.naturalWidth") > 0
    assert not page.complaints
    assert drawn.run("git", "status", "--short") == ""


def test_plots_diff_shows_both_versions(drawn: Project, page: Any, tmp_path: Path) -> None:
    """Before and after in the same picture."""
    project = drawn.copy(tmp_path / "surnames")
    table = project.folder / "results/summary.csv"
    table.write_text(table.read_text().replace("macro_recall,2,0,0.", "macro_recall,2,0,0.1"))
    project.run("dvc", "plots", "diff", "HEAD")
    text = (project.folder / "dvc_plots/index.html").read_text()
    assert '"rev": "HEAD"' in text and '"rev": "workspace"' in text
    found = marks(page, project.folder / "dvc_plots/index.html")
    assert found["results_summary_csv"] == 2 * (2 * len(project.params()["runs"]) - 1)
    assert not page.complaints


def test_plots_show_without_the_page(finished: Project, tmp_path: Path) -> None:
    """A clone that was never set up draws with DVC's own page instead of failing."""
    out = tmp_path / "plots"
    finished.run("dvc", "plots", "show", "--out", str(out))
    assert "cdn.jsdelivr.net" in (out / "index.html").read_text()
