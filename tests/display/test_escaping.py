"""What people wrote is shown as it is, wherever it stands, and has no other effect."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markupsafe import Markup
from support.projects import ROOT

from surnames.core.hidden import visible
from surnames.display import escaping, rendering, tables
from surnames.documents import findings, readme
from surnames.study.paths import EFFECTS, LEDGER, SUMMARY
from surnames.tracking import run_record
from surnames.workflow import study_diff
from surnames.workflow.study_diff.compare import Difference, LanguageChange, StudyDiff

HOSTILE = [
    readme.END,
    readme.BEGIN,
    "a | b",
    "<script>alert(1)</script>",
    "![x](http://evil.example/?q=1)",
    "a](http://evil.example) [b",
    "`a` ``b``",
    "**a** __b__ ~~c~~ _d_ $e$",
    "@everyone",
    "# a",
    "- a",
    "1. a",
    "---",
    "&lt;b&gt;",
    "http://evil.example and www.evil.example",
    "\\| \\",
    "line\nbreak\r\n\r\n> a",
    "back\u202ewards and n\u200bothing",
    "\x1b[31mred",
]
READER = MarkdownIt("gfm-like", {"linkify": False, "html": True})
SIGNS = st.text("ab1 \\`*_{}[]()<>#+-.!|&@~$:;='\"/\n\t\u202e\u200b\u2028\u00a0é", max_size=30)


def shown(text: str) -> str:
    """What a reader sees of a text on one line."""
    return visible(" ".join(text.split()))


def read(page: str) -> tuple[list[str], set[str]]:
    """The texts of a markdown page, one a paragraph or cell, and the kinds of its parts."""
    texts, kinds = [], set()
    for token in READER.parse(page):
        kinds.add(token.type)
        if token.type == "inline":
            texts.append("".join(child.content for child in token.children or ()))
            kinds |= {child.type for child in token.children or ()}
    return texts, kinds


@given(SIGNS | st.sampled_from(HOSTILE))
def test_markdown_shows_the_text_and_nothing_else(text: str) -> None:
    """Alone, in a cell, and as what a link is called."""
    texts, kinds = read(str(escaping.markdown(text)))
    assert "".join(texts) == shown(text)
    assert kinds <= {"paragraph_open", "paragraph_close", "inline", "text", "text_special"}

    texts, kinds = read(tables.markdown(["a", "b"], [[text, "end"]]))
    assert texts == ["a", "b", shown(text), "end"]
    assert not kinds & {"html_inline", "html_block", "link_open", "image", "code_inline", "em_open"}

    texts, kinds = read(f"x [{escaping.markdown(text)}](#a) y")
    assert " ".join(texts[0].split()) == " ".join(f"x {shown(text)} y".split())


@given(SIGNS)
def test_code_ends_where_it_should(text: str) -> None:
    """Back quotes in a name do not end it."""
    texts, kinds = read(f"x {escaping.code(text)} y")
    if text.strip():
        assert "code_inline" in kinds and kinds <= {
            *("paragraph_open", "paragraph_close", "inline", "text", "code_inline")
        }
        assert " ".join(texts[0].replace("\\|", "|").split()) == f"x {shown(text)} y"


@given(SIGNS)
def test_a_link_ends_where_it_should(text: str) -> None:
    """An address has no bracket, space or hidden character that would end it."""
    texts, kinds = read(f"x [a]({escaping.link('https://b/' + text)}) y")
    assert texts == ["x a y"] and "link_open" in kinds


@pytest.mark.parametrize("text", HOSTILE)
def test_html_and_terminals_show_the_text(text: str) -> None:
    """Tags are shown as text, and nothing turns a line around or drives a terminal."""
    assert escaping.html(text).unescape() == "\n".join(map(visible, text.split("\n")))
    assert "<" not in escaping.html(text)
    assert escaping.html(Markup("<b>")) == "<b>"  # what is HTML stays it
    drawn = tables.aligned(["a"], [[text]])
    assert not [one for one in drawn if one != "\n" and not one.isprintable()]


def test_every_template_has_its_kind() -> None:
    """Pages are escaped by themselves; the rest is text for a terminal, or data, not read by it."""
    endings = {path.suffix for path in (ROOT / "src/surnames").rglob("templates/**/*.*")}
    assert endings <= {*rendering.ESCAPES, ".txt", ".css", ".js", ".json", ".yaml", ".mplstyle"}


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A folder with the study's documents and tables, and a ledger of hostile claims."""
    for path in (readme.README, SUMMARY, EFFECTS):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, tmp_path / path)
    monkeypatch.chdir(tmp_path)
    ledger = json.loads((ROOT / LEDGER).read_text(encoding="utf-8"))
    like = ledger["claims"][0]
    ledger["claims"] = [
        like | {"id": f"a-{number}", "claim": text, "sources": [{"name": text, "url": None}]}
        for number, text in enumerate(HOSTILE)
    ]
    LEDGER.write_text(json.dumps(ledger), encoding="utf-8")
    return ledger


def test_documents_show_the_claims_and_do_not_grow(written: dict[str, Any]) -> None:
    """The README has its two marks once however often it is written, and each text is a cell."""
    readme.write()
    first = readme.README.read_text(encoding="utf-8")
    readme.write()
    assert readme.README.read_text(encoding="utf-8") == first
    assert first.count(readme.END) == first.count(readme.BEGIN) == 1
    _, block, _ = readme.block(first)
    texts, kinds = read(block)
    assert [text for text in map(shown, HOSTILE) if text not in texts] == []
    assert not kinds & {"html_block", "html_inline", "image"}

    page = findings.markdown()
    texts, kinds = read(page.partition("\n")[2])  # without the comment that opens it
    assert [text for text in map(shown, HOSTILE) if text not in texts] == []
    assert not kinds & {"html_block", "html_inline", "image"}


@pytest.mark.parametrize("text", HOSTILE)
def test_descriptions_in_mlflow_show_the_names(text: str) -> None:
    """Those of a run: the data set, the architecture, the metrics."""
    page = run_record.render(
        "run.md",
        starter=False,
        subject={"replicate": 1},
        run={"architecture": text, "protocol": "held_out"},
        diverged=False,
        scores={text: 1},
        data_set=text,
    )
    texts, kinds = read(page)
    assert f"{shown(text)}\u2003" in texts and f"Data set: {shown(text)}" in texts
    assert not kinds & {"html_block", "html_inline", "image", "link_open"}


def test_a_comparison_shows_what_another_commit_holds() -> None:
    """Claims, parameters, runs, languages, stages and notes of it, as a page and in a terminal."""
    unjudged = {"effect": 0.1, "low": None, "high": None}
    diff = StudyDiff(
        base="base",
        head="head",
        notes=HOSTILE,
        confidence=0.95,
        verdicts=[
            Difference(text, None, unjudged | {"verdict": text, "claim": text}) for text in HOSTILE
        ],
        standing=[Difference(text, None, {"verdict": text}) for text in HOSTILE],
        parameters=[Difference(text, text, [text]) for text in HOSTILE],
        metrics=[],
        gained=[LanguageChange(text, text, 0.1, 0.2, 0.1, None) for text in HOSTILE],
        lost=[],
        data_sets=[Difference("data set", HOSTILE, HOSTILE)],
        stages=[Difference(text, None, text) for text in HOSTILE],
    )
    texts, kinds = read(study_diff.render(diff, "markdown").replace("<details>", ""))
    assert [text for text in map(shown, HOSTILE) if text not in texts] == []
    assert not kinds & {"html_inline", "image", "link_open", "code_inline", "em_open"}
    drawn = study_diff.render(diff, "table")
    assert not [one for one in drawn if one != "\n" and not one.isprintable()]
