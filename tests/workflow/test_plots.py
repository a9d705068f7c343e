"""`dvc plots` with our templates, in the page that set-up writes."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser
from support.browser import offline
from support.projects import ROOT, SCREENSHOTS, Project

from surnames.core import params, streams
from surnames.workflow import plots

TEMPLATES = {path.stem: path for path in sorted((ROOT / ".dvc/plots").iterdir())}


@pytest.fixture(scope="module")
def written() -> dict[Path, str]:
    """What the definition gives for this study's architectures."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        return plots.templates()


def test_the_committed_templates_are_those_of_the_definition(written: dict[Path, str]) -> None:
    """Otherwise `surnames repro` would leave a dirty tree; `make readme` writes them."""
    assert {path: path.read_text() for path in map(ROOT.joinpath, written)} == {
        ROOT / path: text for path, text in written.items()
    }
    assert {path.stem for path in written} == set(TEMPLATES)


def test_every_template_is_used(written: dict[Path, str]) -> None:
    """dvc.yaml names each of them, and no other."""
    text = (ROOT / "dvc.yaml").read_text()
    assert set(re.findall(r"template: (\w+)", text)) == {path.stem for path in written}


@pytest.mark.parametrize("name", TEMPLATES)
def test_templates_take_dvcs_data_and_title(name: str) -> None:
    """Without the first anchor DVC refuses, without the second a plot is nameless."""
    text = TEMPLATES[name].read_text()
    assert '"<DVC_METRIC_DATA>"' in text and "<DVC_METRIC_TITLE>" in text


@pytest.mark.parametrize("name", TEMPLATES)
def test_grids_are_not_sorted_by_a_list(name: str) -> None:
    """With gaps in the grid, Vega-Lite puts panels of a grid sorted by a list in wrong places."""
    facet = json.loads(TEMPLATES[name].read_text()).get("facet", {})
    if {"row", "column"} <= facet.keys():
        assert not any(isinstance(side.get("sort"), list) for side in facet.values())


def test_every_run_can_be_chosen(written: dict[Path, str]) -> None:
    """The lists of the confusion plot hold every protocol and architecture of params.yaml."""
    choices = json.loads(written[plots.FOLDER / "taken_for.json"])["params"]
    assert all(choice["value"] in choice["bind"]["options"] for choice in choices)
    options = {choice["name"]: choice["bind"]["options"] for choice in choices}
    assert options["protocol"] == list(streams.PROTOCOLS)
    architectures = list(params.load(ROOT / "params.yaml").architectures)
    assert options["architecture"] == architectures
    definition = plots.DEFINITION.read_text()
    assert [name for name in architectures if name in definition] == ["fixed"]  # the first shown


def test_the_page_has_dvcs_anchors_and_no_address() -> None:
    """DVC fills in `plot_divs`; `scripts` would fetch Vega from elsewhere."""
    page = plots.page()
    assert page.count("{plot_divs}") == 1 and "{scripts}" not in page
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=\"http", page)


@pytest.fixture(scope="module")
def drawn(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A study with the page that set-up writes."""
    project = finished.copy(tmp_path_factory.mktemp("drawn") / "surnames")
    project.run("python", "-m", "surnames.workflow.plots")
    return project


@pytest.fixture
def page(browser: Browser) -> Iterator[Any]:
    """A page of Chromium without a network; its errors and messages are in `complaints`."""
    with offline(browser) as opened:
        yield opened


def marks(page: Any, path: Path) -> dict[str, int]:
    """How many dots, lines, areas, ticks and cells each plot of DVC's page has drawn."""
    page.goto(path.as_uri())
    page.wait_for_function("document.querySelectorAll('svg.marks').length >= 7", timeout=10_000)
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
    """Every run, network, language and claim has its mark, and none is missing."""
    drawn.run("dvc", "plots", "show")
    counts = marks(page, drawn.folder / "dvc_plots/index.html")
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / "dvc-plots.png", full_page=True)
    runs = len(drawn.params()["runs"])
    claims = len(json.loads((drawn.folder / "results/claims.json").read_text())["claims"])
    assert counts == {
        "confusion": 18 * 18,
        "results_recall_csv": 18 * runs,
        "results_replicates_csv": 2 * runs - 1,  # majority is one network
        "results_summary_csv": 2 * runs - 1,  # a dot and an interval each, but for that
        "learning": 5,  # what trains step by step
        "results_claims_json": 3 * claims,  # a dot, an interval and the line at zero
        "results_effects_csv": 0,  # the small study has no whole factorial
    }
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
    counts = marks(page, project.folder / "dvc_plots/index.html")
    assert counts["results_summary_csv"] == 2 * (2 * len(project.params()["runs"]) - 1)
    assert not page.complaints


def test_plots_show_without_the_page(finished: Project, tmp_path: Path) -> None:
    """A clone that was never set up draws with DVC's own page instead of failing."""
    out = tmp_path / "plots"
    finished.run("dvc", "plots", "show", "--out", str(out))
    assert "cdn.jsdelivr.net" in (out / "index.html").read_text()
