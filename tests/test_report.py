"""The report: self-contained, the same bytes each time, honest about what is missing."""

import importlib.util
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import ModuleType

import pytest
from conftest import ROOT, Project

from surnames import report
from surnames.headline import Summary

SCREENSHOTS = ROOT / "tests/screenshots"


def script() -> ModuleType:
    """pipeline/report.py as a module."""
    spec = importlib.util.spec_from_file_location("report_stage", ROOT / "pipeline/report.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tables(finished: Project, monkeypatch: pytest.MonkeyPatch) -> report.Study:
    """What the stage reads, of the finished study."""
    monkeypatch.chdir(finished.folder)
    return script().load()


def only(tables: report.Study, keep: Callable[[str, str], bool]) -> report.Study:
    """The same study with fewer runs."""

    def kept(rows: report.Rows) -> report.Rows:
        return [row for row in rows if keep(row["protocol"], row["architecture"])]

    rows = [
        {"protocol": protocol, "architecture": name, "metric": metric, "replicates": "2",
         "diverged": "0", "mean": str(cell.mean), "ci_low": "", "ci_high": "", "data_set": "x 1"}
        for protocol, name in tables.summary.runs
        for metric in ("macro_recall", "accuracy")
        if (cell := tables.summary.cell(protocol, name, metric))
    ]  # fmt: skip
    return replace(
        tables,
        summary=Summary(kept(rows)),
        recall=kept(tables.recall),
        curves=kept(tables.curves),
        confusions=kept(tables.confusions),
        calibration={run: bins for run, bins in tables.calibration.items() if keep(*run)},
    )


def test_page_needs_nothing_else(finished: Project) -> None:
    """No network, no other file, no script but one: what the page shows is in it."""
    page = (finished.folder / "reports/index.html").read_text()
    scripts = re.findall(r"<script[^>]*>", page)
    assert scripts == ['<script type="application/json" id="try-data">', "<script>"]
    assert '<link rel="stylesheet' not in page
    assert set(re.findall(r'(?:src|href)="([^"#:]*)', page)) <= {"", "data"}
    assert "url(" not in page and "@import" not in page


def test_same_bytes_in_another_folder(finished: Project, study: Project) -> None:
    """dvc.lock holds the report's digest: no date, no path, no order by chance may be in it."""
    study.run("python", "pipeline/report.py", PYTHONHASHSEED="7", LC_ALL="C", MPLBACKEND="agg")
    for path in (finished.folder / "reports").rglob("*.*"):
        other = study.folder / path.relative_to(finished.folder)
        assert other.read_bytes() == path.read_bytes(), path.name
        assert str(finished.folder) not in path.read_text()


def test_starter_corpus_stands_on_top(finished: Project) -> None:
    """Nobody may take the stand-in's figures for an answer: not the page, the card, a picture."""
    page = (finished.folder / "reports/index.html").read_text()
    assert page.index("THE STARTER CORPUS") < page.index("<h1>")
    assert "THE STARTER CORPUS" in (finished.folder / "reports/data.md").read_text()


def test_every_run_is_in_the_table(tables: report.Study) -> None:
    """A table for each protocol, a row for each architecture, replicates counted."""
    section = report.results(tables)
    rows = [row for table in section.tables for row in table.rows]
    assert len(rows) == len(tables.summary.runs)
    assert {str(row[3]) for row in rows} == {"1", "2"}  # majority is one network


def test_a_diverged_network_is_counted(tables: report.Study) -> None:
    """It is in no mean, so the table and the answer must say that it was there."""
    row = {
        "protocol": "held_out", "architecture": "fixed", "metric": "macro_recall",
        "replicates": "1", "diverged": "1", "mean": "0.5", "ci_low": "", "ci_high": "",
        "data_set": "x 1",
    }  # fmt: skip
    told = replace(tables, summary=Summary([row]))
    assert "1 of 2 of fixed under held_out" in str(report.answer(told).paragraphs)
    assert report.results(told).tables[0].rows[0][3] == "1 + 1 diverged"


@pytest.mark.parametrize(
    ("keep", "said"),
    [
        (lambda protocol, name: name == "majority", "None of the six networks"),
        (lambda protocol, name: name == "majority", "there are no curves"),
        (lambda protocol, name: name != "fixed", "Not drawn: fixed under held_out"),
        (lambda protocol, name: protocol != "held_out", "no run under held_out"),
        (lambda protocol, name: protocol == "held_out", "no run under published"),
        (lambda protocol, name: name == "fixed", "does not hold both tutorial_2017 and fixed"),
    ],
)
def test_any_part_of_the_study_makes_a_page(
    tables: report.Study, keep: Callable[[str, str], bool], said: str
) -> None:
    """What cannot be drawn says why, and the rest is there."""
    page = report.page(only(tables, keep))
    assert said in page
    assert page.count("<section") == len(report.SECTIONS)


def test_record_of_changes_leaves_out_mere_repeats(tables: report.Study) -> None:
    """A line that was changed *and* repeats another is in the record, a mere repeat is not."""
    changes = [
        {"language": "German", "line": "1", "text": text, "published": "Gro", "cleaned": "",
         "reasons": reasons}
        for text, reasons in (
            ("Groß", "the tutorial drops ß; cleaned; repeats line 9"), ("Gross", "repeats line 9"),
        )
    ]  # fmt: skip
    rows = report.data(replace(tables, changes=changes)).tables[-1].rows
    assert [row[2] for row in rows] == ["Groß"]


def test_white_space_is_visible() -> None:
    """A space at the end is why a line was changed: it has to be seen."""
    assert report._visible("See ") == "See␣"
    assert report._visible("To\u00a0The") == "To⍽The"
    assert report._visible("Van Dyke") == "Van Dyke"


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    """Debian's Chromium without a window."""
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        yield chromium
        chromium.close()


@pytest.mark.parametrize("width", [390, 1440])
def test_page_as_a_person_sees_it(finished: Project, browser: object, width: int) -> None:
    """Without a network, on a phone and on a desk: all is drawn, and nothing spills."""
    context = browser.new_context(viewport={"width": width, "height": 900})  # type: ignore[attr-defined]
    context.set_offline(True)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto((finished.folder / "reports/index.html").as_uri())
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"report-{width}.png", full_page=True)
    pictures = page.eval_on_selector_all(
        "img", "all => all.map(one => [one.naturalWidth, one.alt.length, one.clientWidth])"
    )
    assert len(pictures) >= 8
    assert all(natural > 0 and alt > 20 and shown > 300 for natural, alt, shown in pictures)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("h1").count() == 1
    headings = page.eval_on_selector_all("h1, h2, h3", "all => all.map(one => one.tagName)")
    assert headings == ["H1"] + ["H2"] * len(report.SECTIONS)
    unreached = page.eval_on_selector_all(
        "table", "all => all.filter(one => !one.querySelector('th[scope=col]')).length"
    )
    assert unreached == 0
    assert not complaints
    context.close()
