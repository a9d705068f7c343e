"""The report's field for a surname: in a real browser, from disk, the same as in Python."""

import base64
import csv
import json
import random
import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page
from support.browser import offline
from support.projects import ROOT, SCREENSHOTS, Project
from support.strategies import NAMELIKE

from surnames.architectures.elman import Elman
from surnames.core import alphabet, params
from surnames.core.corpus import LANGUAGES
from surnames.data.names import starter_names
from surnames.display.html import render
from surnames.display.sentences import COMPARED
from surnames.networks.lookup import get_architecture
from surnames.networks.network import Network, ReplicateStreams, load_networks, save_networks
from surnames.prediction.reading import read
from surnames.report import try_a_name

RUN = "results/runs/held_out"
LONG = "Wolfeschlegelsteinhausenbergerdorffwelch"  # 40 letters
NAMES = ["Satoshi", "Schmidhuber", LONG, "Ślusàrski", "Ou-Yang", "Groß", "St. John", "x"]
CLOSE = 1e-5  # 1e-3 is asked for; the weights are not rounded, so that it is the arithmetic alone


def seen(sign: str) -> bool:
    """Whether there is anything to see of it."""
    return sign.isprintable() and not sign.isspace()


def trained(project: Project, name: str) -> list[Network]:
    """A run's networks."""
    path = project.folder / RUN / name / "weights.safetensors"
    return load_networks(path, get_architecture(name))


def beliefs(project: Project, name: str, written: str) -> np.ndarray:
    """(letters, languages): what Python says after each letter, by the median network."""
    networks = trained(project, name)
    cleaned = alphabet.cleaned_form(written)
    prefixes = [cleaned[:end] for end in range(1, len(cleaned) + 1)]
    return get_architecture(name).probabilities(networks[median(project, name)].weights, prefixes)


def median(project: Project, name: str) -> int:
    """Of two replicates the worse one, by the run's own table."""
    with open(project.folder / RUN / name / "evaluation/scores.csv", encoding="utf-8") as stream:
        scores = [float(row["macro_recall"]) for row in csv.DictReader(stream)]
    assert len(scores) == 2
    return int(np.argmin(scores))


@pytest.fixture(scope="module")
def project(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The finished study with networks of the default study's size and training: made by it."""
    project = finished.copy(tmp_path_factory.mktemp("full") / "surnames")
    recipe = params.load(ROOT / "params.yaml").recipes["online"]
    names = starter_names(ROOT / "data/starter")
    for name in COMPARED:
        row = get_architecture(name)
        networks = [
            row.fit(
                names, recipe, ReplicateStreams.of(1, "published", replicate), lambda steps: None
            )
            for replicate in range(2)
        ]
        path = project.folder / RUN / name / "weights.safetensors"
        path.unlink()  # it may be a link to DVC's cache
        save_networks(networks, path)
    project.run("python", "pipeline/report.py")
    return project


@pytest.fixture(scope="module")
def report(project: Project) -> Path:
    """The page itself."""
    return project.folder / "reports/index.html"


@pytest.fixture(scope="module")
def page(browser: Browser, report: Path) -> Iterator[Page]:
    """The report, opened from disk with the network off; nothing may complain or be fetched."""
    with offline(browser) as page:
        page.goto(report.as_uri())
        yield page
        assert page.complaints == []


def field(networks: Sequence[try_a_name.ShownNetwork]) -> str:
    """The section by itself."""
    return render("report/templates/sections/try-a-name.html", **try_a_name.values(networks))


def data(report: Path) -> dict[str, Any]:
    """What the page was given."""
    found = re.search(r'id="try-data">(.*?)</script>', report.read_text(encoding="utf-8"))
    assert found
    return json.loads(found[1])


def test_the_median_networks_are_in_the_page(project: Project, report: Path) -> None:
    """Those of the registry, bit for bit, and said by their number."""
    for given_network, name in zip(data(report)["networks"], COMPARED, strict=True):
        replicate = median(project, name)
        assert f"<code>{name}</code>: replicate {replicate}" in report.read_text(encoding="utf-8")
        weights = trained(project, name)[replicate]
        assert given_network["weights"].keys() == weights.weights.keys()
        for key, text in given_network["weights"].items():
            assert base64.b64decode(text) == weights.weights[key].tobytes(), key


def test_same_numbers_as_python(page: Page, project: Project) -> None:
    """After each letter, for every language and both networks: examples and 200 of the corpus."""
    with open(project.folder / "data/normalized/names.csv", encoding="utf-8") as stream:
        known = [row["name"] for row in csv.DictReader(stream)]
    written = [*NAMES, *random.Random(1).sample(known, 200)]
    found = page.evaluate("names => names.map(tryAName.read)", written)
    for name, one in zip(written, found, strict=True):
        assert one["name"] == alphabet.cleaned_form(name)
        for reading, architecture in zip(one["readings"], COMPARED, strict=True):
            np.testing.assert_allclose(
                reading, beliefs(project, architecture, name), rtol=0, atol=CLOSE, err_msg=name
            )


@pytest.mark.parametrize("written", NAMES)
def test_what_is_shown_is_what_was_computed(page: Page, project: Project, written: str) -> None:
    """Typed by keys: a column for each letter, the leading languages, the answer above."""
    page.fill("#try-name", "")
    page.locator("#try-name").press_sequentially(written)
    cleaned = alphabet.cleaned_form(written)
    ends = []
    for table, name in zip(page.locator("#try-networks table").all(), COMPARED, strict=True):
        expected = beliefs(project, name, written)
        head = table.locator("thead th").all_inner_texts()
        assert head == [*cleaned.replace(" ", "␣"), "in the end"]
        answer = int(expected[-1].argmax())
        said = f"{LANGUAGES[answer]}, {100 * expected[-1, answer]:.1f} %"
        assert table.locator("caption strong").inner_text() == said
        assert f"{name} answers {said}" in (page.locator("#try-status").text_content() or "")
        rows = table.locator("tbody tr").all()[:-1]  # the last one is about all others
        shown = []
        for row in rows:
            k = LANGUAGES.index(row.locator("th").inner_text())
            shown.append(k)
            cells = row.locator("td").all_inner_texts()
            np.testing.assert_allclose(
                list(map(float, cells[:-1])), 100 * expected[:, k], rtol=0, atol=0.51
            )
            assert abs(float(cells[-1].removesuffix(" %")) - 100 * expected[-1, k]) < 0.06
            leads = row.locator("td").evaluate_all("all => all.map(one => one.className)")
            assert [bool(one) for one in leads[:-1]] == list(expected.argmax(axis=1) == k)
        assert answer in shown and len(shown) <= 5
        ends.append((set(shown), set(np.argsort(-expected[-1])[:3])))
    (shown, first), (other, second) = ends
    assert shown == other and shown <= first | second
    assert page.locator(".try-message").count() == 0


@pytest.mark.parametrize(
    ("written", "said", "tables"),
    [
        ("", "the name is empty", 0),
        (" \u00a0", "the name is empty", 0),
        ("李", "no letter of this name is in the alphabet", 0),
        ("' .", "no letter of this name is in the alphabet", 0),
        ("李Satoshi 1李", "left out: 李, 1", 2),
        ("Maxa/B", "left out: /, B", 2),
        ("Sato\u200dshi", "left out: U+200D", 2),
        ("김Kim, 金", "left out: 김, ,, 金", 2),
    ],
)
def test_messages(page: Page, written: str, said: str, tables: int) -> None:
    """Word for word, announced to those who do not see it, and no answer out of nothing."""
    page.fill("#try-name", written)
    assert page.locator("[role=status] .try-message").inner_text() == said
    assert said == read(written).note  # as `surnames predict` says it
    assert page.locator("#try-networks table").count() == tables


def settled(page: Page, signs: set[str]) -> set[str]:
    """Those of which the browser's version of Unicode and Python's say the same.

    That is, whether they are marks and whether they can be seen.
    """
    kinds = page.evaluate(
        """text => [...text].map(one => /\\p{Mn}/u.test(one) ? "mark"
             : /[\\p{C}\\p{Z}]/u.test(one) ? "unseen" : "seen").join(" ")""",
        "".join(sorted(signs)),
    )
    return {
        one
        for one, kind in zip(sorted(signs), kinds.split(), strict=True)
        if kind
        == ("mark" if unicodedata.category(one) == "Mn" else "seen" if seen(one) else "unseen")
    }


@settings(deadline=None)  # a browser's answer takes as long as it takes
@given(names=st.lists(NAMELIKE, max_size=50))
def test_names_are_cleaned_as_in_python(page: Page, names: list[str]) -> None:
    """Marks, spelling, slash, white space, letters: the same name, and the same said of it."""
    assert page.evaluate("names => names.map(tryAName.cleaned)", names) == [
        alphabet.cleaned_form(one) for one in names
    ]
    same = settled(page, set("".join(names)))
    known = ["".join(sign for sign in one if sign in same) for one in names]
    assert page.evaluate("names => names.map(one => tryAName.read(one).message)", known) == [
        read(one).note for one in known
    ]


def test_every_character_is_cleaned_as_in_python(page: Page) -> None:
    """Of all planes that hold letters or marks: what stays, and whether anything is lost."""
    planes = (*range(0xD800), *range(0xE000, 0x20000), *range(0xE0000, 0xE0200))
    signs = list(map(chr, planes))
    same = settled(page, set(signs))
    assert len(same) > 0.95 * len(signs)  # Python 3.11 lacks three years of new characters
    cleaned, lost = page.evaluate(
        """signs => {
            const texts = [...signs].map(one => `a${one}a`);
            const lost = texts.map(one => tryAName.leftOut(one).join());
            return [texts.map(tryAName.cleaned).join("\\n"), lost.join("\\n")];
        }""",
        "".join(signs),
    )
    texts = [f"a{one}a" for one in signs]
    assert cleaned.split("\n") == list(map(alphabet.cleaned_form, texts))
    for sign, text, said in zip(signs, texts, lost.split("\n"), strict=True):
        assert sign not in same or said == ",".join(read(text).left_out), hex(ord(sign))


def test_works_with_the_keyboard(page: Page) -> None:
    """From the field by tab to the examples, and on to the tables, which scroll."""
    page.fill("#try-name", "")
    page.focus("#try-name")
    page.keyboard.press("Enter")  # leads nowhere: the page stays, and says what is wrong
    assert page.locator(".try-message").inner_text() == "the name is empty"
    for example in try_a_name.EXAMPLES:
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.input_value("#try-name") == example
        head = page.locator("#try-networks thead").first.inner_text().split()
        assert "".join(head[:-3]) == alphabet.cleaned_form(example)
    for name in COMPARED:
        page.keyboard.press("Tab")
        focused = page.evaluate("document.activeElement.getAttribute('aria-label')")
        assert focused == f"{name}, letter by letter"


@pytest.mark.parametrize("width", [390, 1440])
def test_as_a_person_sees_it(browser: Browser, report: Path, width: int) -> None:
    """It opens with an example, and a name of 40 letters scrolls in its own place."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(report.as_uri())
    assert page.input_value("#try-name") == "Satoshi"
    SCREENSHOTS.mkdir(exist_ok=True)
    for name in ("Satoshi", LONG, "李-Ou 1"):
        page.fill("#try-name", name)
        page.locator("#try-a-name").screenshot(
            path=SCREENSHOTS / f"try-{alphabet.cleaned_form(name).replace(' ', '')}-{width}.png"
        )
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for table in page.locator("#try-networks .scroll").all():
            box, end = table.bounding_box(), table.locator("td").last.bounding_box()
            assert box and end
            assert end["x"] + end["width"] <= box["x"] + box["width"] + 1  # the answer is in view
    page.close()


def test_prints_the_last_answer(browser: Browser, report: Path) -> None:
    """On paper nothing can be typed, and what was asked must be said."""
    page = browser.new_page()
    page.goto(report.as_uri())
    page.fill("#try-name", "Ślusàrski")
    page.emulate_media(media="print")
    assert not page.locator("#try-form").is_visible()
    heard = page.locator(".try-heard").bounding_box()
    assert heard and heard["height"] > 10
    assert page.locator(".try-heard").inner_text().startswith("Slusarski: tutorial_2017 answers ")
    page.close()


def test_page_stays_small(report: Path) -> None:
    """3 MB for all; the networks of the default study's size take a tenth of it."""
    assert len(base64.b64decode(data(report)["networks"][0]["weights"]["cell.weight"])) > 90_000
    assert len(json.dumps(data(report))) < 0.32e6
    assert report.stat().st_size < 3e6


def test_script_is_strict_and_plain(report: Path) -> None:
    """What a careful reader looks for first: no code out of text, no handlers in the markup."""
    page = report.read_text(encoding="utf-8")
    assert '<script>\n"use strict";\n' in page
    assert not re.findall(r"\beval\b|new Function|innerHTML|document\.write|\son\w+=\"", page)


@pytest.mark.parametrize("name", COMPARED)
def test_one_network_reads_alone(browser: Browser, name: str) -> None:
    """A study without the other one says so, and answers."""
    row = get_architecture(name)
    assert isinstance(row, Elman)
    weights = row.initial_weights(16, np.random.default_rng(1))
    (missing,) = set(COMPARED) - {name}
    page = browser.new_page()
    page.set_content(field([try_a_name.ShownNetwork(name, 0, weights)]))
    assert f"does not hold {missing} under held_out" in page.locator("body").inner_text()
    found = page.evaluate("tryAName.read('Satoshi').readings[0].at(-1)")
    np.testing.assert_allclose(found, row.probabilities(weights, ["Satoshi"])[0], atol=CLOSE)
    assert page.locator("table").count() == 1
    page.close()


def test_no_network_no_field() -> None:
    """A study with neither says that, and brings no script."""
    html = field([])
    assert "holds neither tutorial_2017 nor fixed" in html
    assert "<script" not in html and "<input" not in html
