"""The README's block of results: the answer, the table and the verdicts, between two marks."""

from pathlib import Path
from typing import Any

from surnames.core import tables
from surnames.core.errors import StudyError
from surnames.display import sentences
from surnames.display.tables import markdown as table
from surnames.display.wording import PROTOCOLS, points, words
from surnames.documents.paths import README
from surnames.study import claims, summary
from surnames.study.summary import Summary

BEGIN, END = "<!-- results: written by `make readme` -->", "<!-- end of results -->"
STARTER = """\
> **THE STARTER CORPUS.** No source of the real names could be reached, so these are the figures of
> a small stand-in, and no answer to the question."""


def block(page: str, path: Path = README) -> tuple[str, str, str]:
    """What stands before the marks of a page, between them and behind them; both marks excluded."""
    before, _, rest = page.partition(BEGIN)
    inside, _, after = rest.partition(END)
    if not rest or not after:
        raise StudyError(f"{path} lacks the marks {BEGIN!r} and {END!r}")
    return before, inside, after


def markdown(figures: Summary, ledger: dict[str, Any]) -> str:
    """The block: the answer, the table, what its figures are, and the ledger."""
    confidence = f"{100 * ledger['confidence']:g} %"
    head = ["network", "architecture", *(f"{PROTOCOLS[p]} (`{p}`)" for p in figures.protocols)]
    rows = [[words(name) or name, f"`{name}`", *row] for name, *row in sentences.table(figures)]
    return "\n\n".join(
        [
            *([STARTER] if figures.starter else []),
            " ".join(sentences.answer(figures)),
            table(head, rows, right=range(2, len(head))),
            f"Macro recall in percent (the mean of the languages' recalls): mean and {confidence} "
            f"interval over replicates. {sentences.diverged(figures)}".rstrip()
            + f" Data set: {sentences.data_set(figures)}.",
            "What has been claimed of the tutorial and its fix, tested on every run, all claims "
            "together (Holm), so that an interval may leave out zero and its claim stay undecided. "
            "Sources and details: [docs/findings.md](docs/findings.md).",
            table(
                ["verdict", "claim", f"points ({confidence} interval)"],
                [[f"**{row['verdict']}**", row["claim"], effect(row)] for row in ledger["claims"]],
                right=[2],
            ),
        ]
    )


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
