"""The README's block of results: the answer, the table and the verdicts, between two marks."""

from pathlib import Path
from typing import Any

from markupsafe import Markup

from surnames.core import tables
from surnames.core.errors import StudyError
from surnames.display import sentences
from surnames.display.escaping import code
from surnames.display.escaping import markdown as escaped
from surnames.display.html import render
from surnames.display.tables import markdown as table
from surnames.display.wording import PROTOCOLS, level, points, words
from surnames.documents.paths import README
from surnames.study import claims, summary
from surnames.study.summary import Summary

BEGIN, END = "<!-- results: written by `make readme` -->", "<!-- end of results -->"


def block(page: str, path: Path = README) -> tuple[str, str, str]:
    """What stands before the marks of a page, between them and behind them; both marks excluded."""
    before, _, rest = page.partition(BEGIN)
    inside, _, after = rest.partition(END)
    if not rest or not after:
        raise StudyError(f"{path} lacks the marks {BEGIN!r} and {END!r}")
    return before, inside, after


def markdown(figures: Summary, ledger: dict[str, Any]) -> str:
    """The block: the answer, the table, what its figures are, and the ledger."""
    confidence = level(ledger["confidence"])
    protocols = [Markup(f"{PROTOCOLS[p]} ({code(p)})") for p in figures.protocols]
    head = ["network", "architecture", *protocols]
    rows = [
        [Markup(words(name)) or name, code(name), *row] for name, *row in sentences.table(figures)
    ]
    judged = [
        [Markup(f"**{escaped(row['verdict'])}**"), row["claim"], effect(row)]
        for row in ledger["claims"]
    ]
    page = render(
        "documents/templates/readme.md",
        starter=figures.starter,
        plain=sentences.plain(ledger),
        doubted=sentences.doubted(ledger),
        answer=" ".join(sentences.answer(figures)),
        networks=table(head, rows, right=range(2, len(head))),
        confidence=confidence,
        margin=ledger["margin"],
        diverged=sentences.diverged(figures),
        data_set=sentences.data_set(figures),
        verdicts=table(["verdict", "claim", f"points ({confidence} interval)"], judged, right=[2]),
    )
    return str(page).rstrip("\n")


def effect(claim: dict[str, Any]) -> str:
    """A judged claim's effect in points, with its interval where it has one."""
    between = f" ({points(claim['low'])} to {points(claim['high'])})"
    return points(claim["effect"]) + (between if claim["low"] is not None else "")


def write(path: Path = README) -> None:
    """Put the block between the README's two marks."""
    page = path.read_text(encoding="utf-8")
    before, _, after = block(page, path)
    written = f"{before}{BEGIN}\n{markdown(summary.load(), claims.verdicts())}\n{END}{after}"
    if written != page:
        tables.replace_text(path, written)
