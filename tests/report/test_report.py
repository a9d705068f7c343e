"""The report: self-contained, the same bytes each time, honest about what is missing."""

import importlib.util
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from support.browser import offline
from support.projects import ROOT, SCREENSHOTS, Project
from support.tables import summary_row

from surnames.core.tables import read_table
from surnames.display import plots
from surnames.display.wording import points
from surnames.networks.lookup import architectures
from surnames.report import data_card
from surnames.report.page import SECTIONS, section
from surnames.report.page import page as render
from surnames.report.report_data import ReportData, Rows
from surnames.report.sections import ledger, series
from surnames.study.paths import EFFECTS
from surnames.study.summary import Summary


def script() -> ModuleType:
    """pipeline/report.py as a module."""
    spec = importlib.util.spec_from_file_location("report_stage", ROOT / "pipeline/report.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tables(finished: Project, monkeypatch: pytest.MonkeyPatch) -> ReportData:
    """What the stage reads, of the finished study."""
    monkeypatch.chdir(finished.folder)
    return script().load()


def only(tables: ReportData, keep: Callable[[str, str], bool]) -> ReportData:
    """The same study with fewer runs."""

    def kept(rows: Rows) -> Rows:
        return [row for row in rows if keep(row["protocol"], row["architecture"])]

    rows = [
        summary_row(protocol, name, cell.mean, metric=metric, reach=None)
        for protocol, name in tables.summary.runs
        for metric in ("macro_recall", "accuracy")
        if (cell := tables.summary.cell(protocol, name, metric))
    ]
    return replace(
        tables,
        summary=Summary(kept(rows)),
        recall=kept(tables.recall),
        curves=kept(tables.curves),
        confusions=kept(tables.confusions),
        calibration={run: bins for run, bins in tables.calibration.items() if keep(*run)},
    )


def rows_of(html: str) -> list[list[list[str]]]:
    """The rows of each table, head excluded, as the HTML of their cells."""
    return [
        [
            re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)
            for row in re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
        ]
        for body in re.findall(r"<tbody>(.*?)</tbody>", html, re.DOTALL)
    ]


def test_page_needs_nothing_else(finished: Project) -> None:
    """No network, no other file, no script but one; only links lead out."""
    page = (finished.folder / "reports/index.html").read_text()
    scripts = re.findall(r"<script[^>]*>", page)
    assert scripts == ['<script type="application/json" id="try-data">', "<script>"]
    assert '<link rel="stylesheet' not in page
    assert set(re.findall(r'src="([^"#:]*)', page)) <= {"data"}
    assert set(re.findall(r'<(\w+)[^>]* href="https:', page)) <= {"a"}
    assert set(re.findall(r"url\((.)", page)) <= {"#"} and "@import" not in page


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


def test_every_run_is_in_the_table(tables: ReportData) -> None:
    """A row for each architecture, a column for each protocol, a dash for what is no run."""
    table, _ = rows_of(section("results", tables))
    cells = {
        (protocol, name): cell
        for name, row in zip(tables.summary.architectures, table, strict=True)
        for protocol, cell in zip(tables.summary.protocols, row[1:], strict=True)
    }
    assert {run for run, cell in cells.items() if cell != "–"} == set(tables.summary.runs)
    for run in tables.summary.runs:
        found = tables.summary.cell(*run)
        assert found and cells[run].startswith(f"{100 * found.mean:.1f}")
        assert ("interval" in cells[run]) == (run != ("published", "majority"))


def test_a_diverged_network_is_counted(tables: ReportData) -> None:
    """It is in no mean, so the table and the answer must say that it was there."""
    row = summary_row("held_out", "fixed", 0.5, reach=None, replicates=1, diverged=1)
    told = replace(tables, summary=Summary([row]))
    assert "1 of 2 of fixed under held_out" in section("answer", told)
    assert "1 of 2 diverged" in rows_of(section("results", told))[0][0][1]


@pytest.mark.parametrize(
    ("keep", "said"),
    [
        (
            lambda protocol, name: name == "majority",
            "No protocol of this study holds the four networks",
        ),
        (lambda protocol, name: name == "majority", "there are no curves"),
        (lambda protocol, name: name != "fixed", "Not drawn: fixed under held_out"),
        (lambda protocol, name: protocol != "held_out", "no run under held_out"),
        (lambda protocol, name: protocol == "held_out", "no run under published"),
        (lambda protocol, name: name == "fixed", "does not hold both tutorial_2017 and fixed"),
    ],
)
def test_any_part_of_the_study_makes_a_page(
    tables: ReportData, keep: Callable[[str, str], bool], said: str
) -> None:
    """What cannot be drawn says why, and the rest is there."""
    shown = render(only(tables, keep))
    assert said in shown
    assert shown.count("<section") == len(SECTIONS)


def test_record_of_changes_leaves_out_mere_repeats(tables: ReportData) -> None:
    """A line that was changed *and* repeats another is in the record, a mere repeat is not."""
    changes = [
        {
            "language": "German",
            "line": "1",
            "text": text,
            "published": "Gro",
            "cleaned": "",
            "reasons": reasons,
        }
        for text, reasons in (
            ("Groß", "the tutorial drops ß; cleaned; repeats line 9"),
            ("Gross", "repeats line 9"),
        )
    ]
    rows = rows_of(section("data", replace(tables, changes=changes)))[-1]
    assert [row[2] for row in rows] == ["Groß"]


def test_white_space_is_visible() -> None:
    """A space at the end is why a line was changed: it has to be seen."""
    assert data_card.visible("See ") == "See␣"
    assert data_card.visible("To\u00a0The") == "To⍽The"
    assert data_card.visible("Van Dyke") == "Van Dyke"


def claim(verdict: str = "supported", **changed: Any) -> dict[str, Any]:
    """A row of the judged ledger."""
    return {
        "id": "fix-raises-published",
        "claim": "The fix <helps>.",
        "more_than": 0.0,
        "sources": [{"name": "a thread", "url": "https://example.org/1"}],
        "effect": 0.1,
        "low": 0.05,
        "high": 0.15,
        "p_adjusted": 0.001,
        "family": "secondary",
        "worst_case": None,
        "detectable": 0.031 if verdict == "undecided" else None,
        "verdict": verdict,
        "expect": verdict,
        "nadeau_bengio": {"verdict": verdict, "low": 0.0, "high": 0.2, "p_adjusted": 0.01},
    } | changed


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        ("supported", "Did it help? Yes:"),
        ("refuted", "Did it help? No:"),
        ("negligible", "Did it help? Hardly:"),
        ("undecided", "Did it help? Undecided:"),
    ],
)
def test_answer_follows_the_verdict(tables: ReportData, verdict: str, said: str) -> None:
    """Yes only where the ledger supports it, however far apart the means are."""
    ledger = {"confidence": 0.95, "margin": 0.02, "grid": {}, "claims": [claim(verdict)]}
    assert said in section("answer", replace(tables, ledger=ledger))
    small = ledger | {"claims": [claim(verdict, effect=0.015, low=0.01, high=0.02)]}
    told = section("answer", replace(tables, ledger=small))
    assert ("Yes, by less than 2.0 points:" in told) == (verdict == "supported")


def test_ledger_says_all_of_a_claim(tables: ReportData) -> None:
    """Sign, word, sentence, source, effect, interval, p, and where a verdict is a new one."""
    told = replace(
        tables,
        ledger={
            "confidence": 0.95,
            "margin": 0.02,
            "claims": [claim("refuted", expect="supported")],
        },
    )
    shown = section("ledger", told)
    for part in (
        "✗",
        "refuted",
        "The fix &lt;helps&gt;.",
        'href="https://example.org/1"',
        "+10.0",
        "+5.0 to +15.0",
        "p = 0.0010",
        "expected: supported",
    ):
        assert part in shown
    none = replace(tables, ledger={"confidence": 0.95, "margin": 0.02, "claims": []})
    assert section("ledger", none).strip() == "<p>This study tests no claim.</p>"


def test_bars_have_one_scale(tables: ReportData) -> None:
    """Left is less, the threshold has its place, and what lies far off does not press the rest."""
    claims = [
        claim(effect=-0.03, low=-0.04, high=-0.02),
        claim(more_than=0.1),
        claim(effect=0.9, low=0.8, high=1.0),
        claim(effect=0.02, low=None, high=None),
        claim(effect=None, low=None, high=None),
    ]
    along = ledger.scale(claims)
    assert along == (-0.04, 0.15)
    less, more, far, alone, nothing = (ledger.bar(one, along) for one in claims)
    assert less and more and far and alone
    assert less["low"] < less["effect"] < less["high"] < less["zero"] == more["zero"]
    assert more["threshold"] == more["effect"] > more["zero"]
    assert (far["beyond"], far["off"], more["beyond"]) == ("high", True, "")
    assert alone["low"] == alone["effect"] == alone["high"]
    assert nothing is None
    told = replace(tables, ledger={"confidence": 0.95, "margin": 0.02, "claims": claims})
    assert "no figure" in section("ledger", told)


def test_halves_are_those_of_the_table(tables: ReportData) -> None:
    """Of the committed study: ReLU and tanh, each part and protocol with its interval."""
    rows = read_table(ROOT / EFFECTS)
    shown = section("halves", replace(tables, effects=rows))
    assert shown.count("<img") == len(rows_of(shown)) == 2
    cells = [cell for table in rows_of(shown) for row in table for cell in row[1:]]
    assert len(cells) == len(rows)
    for row in rows:
        assert any(cell.startswith(points(row["effect"])) for cell in cells)


def test_lines_are_told_apart_by_an_architectures_card(monkeypatch: pytest.MonkeyPatch) -> None:
    """What another activation, or no card at all, leaves unsaid is a colour by its place."""

    class Other:
        words = "something else"

        def __init__(self, card: dict[str, str] | None) -> None:
            self.card = lambda: card

    others = {"gelu": Other({"activation": "gelu", "readout": "combined"}), "gru": Other(None)}
    monkeypatch.setattr(series, "architectures", lambda: architectures() | others)
    assert series.looks(["fixed", "gelu", "tutorial_2017", "gru", "forgotten"]) == {
        "fixed": {"colour": plots.VERMILLION, "dashed": False},
        "gelu": {"colour": plots.GREEN, "dashed": True},
        "tutorial_2017": {"colour": plots.BLACK, "dashed": True},
        "gru": {"colour": plots.PURPLE, "dashed": False},
        "forgotten": {"colour": plots.GREEN, "dashed": False},
    }


def test_digests_are_those_of_dvc_lock(finished: Project, tables: ReportData) -> None:
    """What the page is made of can be found in dvc.lock, with what it came from."""
    lock = (finished.folder / "dvc.lock").read_text()
    page = (finished.folder / "reports/index.html").read_text()
    assert len(tables.digests) > len(tables.summary.runs)
    for path, digest in tables.digests.items():
        assert re.search(rf"path: {re.escape(path)}\n\s+hash: md5\n\s+md5: {digest}\n", lock), path
        assert digest in page


def test_copy_says_where_it_comes_from(study: Project) -> None:
    """Commit, lock and whether the lock knows the page; the page of DVC itself is left alone."""
    index, copy = study.folder / "reports/index.html", study.folder / "site/index.html"
    before = index.read_text()
    study.run("surnames", "report", "--to", "site/index.html")
    commit = study.run("git", "rev-parse", "HEAD").strip()
    assert f"from commit {commit} of 20" in copy.read_text()
    assert "> and holds the original of this page" in copy.read_text()
    assert index.read_text() == before and '<span id="stamp">Not in this file' in before
    index.write_text(before + " ")
    study.run("surnames", "report", "--to", "site/index.html")
    assert "> and does NOT hold the original of this page" in copy.read_text()
    page = study.folder / "docs/page.html"
    study.run("sh", "-c", "cd docs && surnames report --to page.html")
    assert page.is_file()  # where the user stands
    index.write_text("another page")
    said = study.run("surnames", "report", "--to", "site/index.html", fails=True)
    assert "was written by other code; run `make repro`" in said
    index.unlink()
    assert "is not there yet" in study.run("surnames", "report", fails=True)


@pytest.fixture(params=[390, 1440])
def opened(finished: Project, browser: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """The report on a phone or on a desk, read from disk without a network."""
    with offline(browser, request.param) as page:
        page.goto((finished.folder / "reports/index.html").as_uri())
        yield page


def test_page_as_a_person_sees_it(opened: Any) -> None:
    """All is drawn, nothing spills, headings are in order, and the browser complains of nothing."""
    width = opened.viewport_size["width"]
    SCREENSHOTS.mkdir(exist_ok=True)
    opened.screenshot(path=SCREENSHOTS / f"report-{width}.png", full_page=True)
    pictures = opened.eval_on_selector_all(
        "figure img",
        "all => all.map(one => [one.naturalWidth, one.alt.length, one.clientWidth])",
    )
    assert len(pictures) >= 8
    assert all(natural > 0 and alt > 20 and shown > 300 for natural, alt, shown in pictures)
    cells = opened.eval_on_selector_all(
        "figure .drawing", "all => all.map(one => one.querySelectorAll('rect').length)"
    )
    assert len(cells) == 3 and min(cells) > 18
    bars = opened.eval_on_selector_all(
        ".ledger .bar", "all => all.map(one => one.clientWidth > 200 && one.clientHeight > 15)"
    )
    assert len(bars) == opened.locator(".ledger li").count() > 2 and all(bars)
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    headings = opened.eval_on_selector_all("h1, h2", "all => all.map(one => one.tagName)")
    assert headings == ["H1"] + ["H2"] * len(SECTIONS)
    unreached = opened.eval_on_selector_all(
        "table", "all => all.filter(one => !one.querySelector('th[scope=col]')).length"
    )
    assert unreached == 0
    assert not opened.complaints


def test_page_keeps_nobody_out(opened: Any) -> None:
    """No serious violation of axe-core's rules (WCAG 2 A and AA among them), folded parts open."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    opened.eval_on_selector_all("details", "all => all.forEach(one => { one.open = true; })")
    found = axe.run(opened).response
    assert len(found["passes"]) > 20
    grave = [rule for rule in found["violations"] if rule["impact"] in ("serious", "critical")]
    assert not grave, json.dumps(grave, indent=1)[:3000]


def test_prints_on_paper(finished: Project, browser: Any, tmp_path: Path) -> None:
    """The width of A4 less its margins holds all of it, without the links of the screen."""
    page = browser.new_page(viewport={"width": 680, "height": 900})
    page.goto((finished.folder / "reports/index.html").as_uri())
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth") <= 680
    assert not page.locator("nav").is_visible()
    page.screenshot(path=SCREENSHOTS / "report-print.png", full_page=True)
    page.close()
