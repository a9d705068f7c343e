"""The README and the documents: what they say is what the pipeline made, and what is there."""

import re
import subprocess
from pathlib import Path

import pytest
from support.projects import ROOT
from support.tables import summary_row as row

from surnames.cli import main
from surnames.core.errors import StudyError
from surnames.display import sentences
from surnames.documents import readme
from surnames.study import claims
from surnames.study import summary as study_summary
from surnames.study.summary import Summary

# by commands, every figure of them
WRITTEN = {"benchmarks.md", "findings.md", "reliability.md", "simulation.md"}
FROZEN = {
    "registration.md"
}  # what was known and chosen on one day, and is never brought up to date
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES = [
    *DOCUMENTS,
    *(ROOT / f"{page}.md" for page in ("CHANGELOG", "CONTRIBUTING", "SECURITY")),
    ROOT / ".github/pull_request_template.md",
]


def prose(path: Path) -> str:
    """A document without its block of results, its code and its addresses."""
    page = path.read_text(encoding="utf-8")
    if path.name == "README.md":
        before, _, after = readme.block(page)
        page = before + after
    page = re.sub(r"```.*?```", "", page, flags=re.DOTALL)
    return re.sub(r"`[^`]*`|\]\([^)]*\)|^ {4}.*$", "", page, flags=re.MULTILINE)


def test_block_is_what_the_results_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """`make repro` writes it; a table that was changed without it would leave it stale."""
    monkeypatch.chdir(ROOT)
    if not (ROOT / "results/summary.csv").is_file():
        pytest.skip("no study has run here yet")
    _, written, _ = readme.block((ROOT / "README.md").read_text(encoding="utf-8"))
    shown = readme.markdown(study_summary.load(), claims.verdicts())
    assert written.strip("\n") == shown


@pytest.mark.parametrize(
    "path",
    [path for path in DOCUMENTS if path.name not in WRITTEN | FROZEN],
    ids=lambda path: path.name,
)
def test_no_figure_is_typed_in(path: Path) -> None:
    """Results stand between the marks; versions, times and sizes may stand anywhere."""
    text = re.sub(
        r"(?i:Python|DVC|MLflow|torch) \d[\d.]*(,? (?:or |and )?3\.\d+)*", "", prose(path)
    )
    text = re.sub(r"\d+\.\d+ (s|MB|GB)\b", "", text)
    assert not re.findall(r"\d+(?:\.\d+)?\s*(?:%|percent|points)", text)
    assert not re.findall(r"\d+\.\d+", text)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    """Every file that a document links is in the project."""
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
        if not target.startswith("http") and target != "reports/headline.svg":  # made by a stage
            assert (path.parent / target).exists(), f"{path.name} links {target}"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_commands_exist(path: Path) -> None:
    """Every make target and every subcommand of surnames that a document names is one."""
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    targets = set(re.findall(r"^make ([a-z-]+) ", listed.stdout, re.M))
    begun = r"(?:^|`)(?:\.venv/bin/)?{} ([a-z][a-z-]*)"  # a line of code, or code in a sentence
    page = path.read_text(encoding="utf-8")
    assert set(re.findall(begun.format("make"), page, re.M)) <= targets
    retired = {"reproduce"} if path.name == "CHANGELOG.md" else set()
    assert set(re.findall(begun.format("surnames"), page, re.M)) <= {*main.commands} | retired


@pytest.mark.parametrize(
    ("new", "said"),
    [(0.7, "20.0 points higher"), (0.3, "20.0 points lower"), (0.50004, "the same to a tenth")],
)
def test_sentences_follow_the_figures(new: float, said: str) -> None:
    """The answer says higher only where it is higher."""
    summary = Summary([row("held_out", "tutorial_2017", 0.5), row("held_out", "fixed", new)])
    assert said in " ".join(sentences.answer(summary))


def test_sentences_say_what_the_study_lacks() -> None:
    """A study without one of the two networks does not compare them."""
    told = " ".join(sentences.answer(Summary([row("held_out", "fixed", 0.5)])))
    assert "does not hold both tutorial_2017 and fixed under published" in told
    assert "does not hold both tutorial_2017 and fixed under held_out" in told


def test_diverged_networks_are_named() -> None:
    """Left out of the means, so said in the table and beneath it."""
    summary = Summary([row("held_out", "readout_only", 0.5, diverged=2)])
    assert sentences.table(summary)[0][1] == "50.0 (49.0 to 51.0), 2 diverged"
    assert "2 of 5 of readout_only under held_out" in sentences.diverged(summary)
    assert not sentences.diverged(Summary([row("held_out", "fixed", 0.5)]))


def test_starter_corpus_is_said_loudly() -> None:
    """In the terminal and on the README's first line of results."""
    summary = Summary([row("held_out", "fixed", 0.5, data_set="starter 123")])
    block = readme.markdown(summary, {"confidence": 0.95, "margin": 0.02, "grid": {}, "claims": []})
    assert block.startswith("> **THE STARTER CORPUS.**")
    assert "THE STARTER CORPUS" in sentences.headline(summary, 0.95)


def test_only_the_block_is_rewritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a person wrote around the marks stays; a page without marks is refused."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(readme, "markdown", lambda figures, ledger: "new")
    page = tmp_path / "README.md"
    page.write_text(f"above\n{readme.BEGIN}\nold\n{readme.END}\nbelow\n")
    readme.write(page)
    assert page.read_text() == f"above\n{readme.BEGIN}\nnew\n{readme.END}\nbelow\n"
    page.write_text("no marks\n")
    with pytest.raises(StudyError, match="lacks the marks"):
        readme.write(page)


def judged(verdict: str, effect: float, other: str = "") -> dict[str, object]:
    """What the plain sentence reads of a claim; `other` is Nadeau and Bengio's verdict."""
    return {
        "verdict": verdict,
        "effect": effect,
        "family": "primary",
        "nadeau_bengio": {"verdict": other or verdict},
    }


@pytest.mark.parametrize(
    ("unseen", "said"),
    [
        (judged("supported", 0.034), "never seen about 3 more, each"),
        (
            judged("supported", 0.017, "undecided"),
            "about 2 more (not by every variance for certain)",
        ),
        (judged("refuted", -0.05), "never seen about 5 fewer, each"),
        (judged("negligible", 0.004), "never seen practically as many, each"),
        (judged("undecided", 0.02), "never seen perhaps 2 more (which may be chance), each"),
    ],
)
def test_the_plain_sentence_follows_the_verdicts(unseen: dict[str, object], said: str) -> None:
    """Whatever comes out; memory only where that is supported, the recipe only where it matters."""
    published, memory = judged("supported", 0.141), judged("supported", 0.05)
    claims_ = [
        {"id": "fix-raises-published"} | published,
        {"id": "fix-raises-unseen"} | unseen,
        {"id": "less-than-half-is-left"} | memory,
    ]
    told = sentences.plain({"grid": {}, "claims": claims_})
    assert "about 14 more right than the tutorial's" in told and said in told
    assert "Most of the gain is memory" in told and "recipe" not in told
    grid = {"held_out": {"helps": 17, "harms": 3, "cells": 48}}
    told = sentences.plain({"grid": grid, "claims": claims_[:2]})
    assert "with the tutorial's recipe" in told and "memory" not in told
    assert "helps on unseen names in 17 of 48 cases and harms in 3" in told
    grid["held_out"]["helps"] = 24
    assert "recipe" not in sentences.plain({"grid": grid, "claims": claims_})
    assert sentences.plain({"grid": {}, "claims": claims_[:1]}) == ""
    doubt = sentences.doubted({"claims": claims_})
    differs = unseen["verdict"] != unseen["nadeau_bengio"]["verdict"]  # type: ignore[index]
    assert ("fix-raises-unseen undecided instead of supported" in doubt) == differs == bool(doubt)
