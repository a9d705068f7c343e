"""The study in a few sentences and one table: for the terminal, the README and the report's top."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from surnames.core import files, params, tables
from surnames.core.errors import StudyError
from surnames.display.wording import percent, points
from surnames.documents.paths import README
from surnames.networks.lookup import architectures
from surnames.study import claims
from surnames.study.paths import SUMMARY

BEGIN, END = "<!-- results: written by `make readme` -->", "<!-- end of results -->"
PROTOCOLS = {
    "published": "names it was trained on",
    "held_out": "names it has not seen",
    "random_split": "random split, duplicates and all",
}


def words(architecture: str) -> str:
    """What an architecture is made of; "" for one that this code no longer has."""
    known = architectures()
    return known[architecture].words if architecture in known else ""


@dataclass(frozen=True)
class Cell:
    """A row of summary.csv: the mean of one metric of one run; no interval is not a number."""

    mean: float
    low: float
    high: float
    replicates: int
    diverged: int

    @property
    def interval(self) -> str:
        """In percent, "" where one network is all there is."""
        return "" if math.isnan(self.low) else f"{percent(self.low)} to {percent(self.high)}"

    def __str__(self) -> str:
        return percent(self.mean) + (f" ({self.interval})" if self.interval else "")


class Summary:
    """results/summary.csv by (protocol, architecture, metric), in the study's own order."""

    def __init__(self, rows: Sequence[dict[str, str]]) -> None:
        self.data_set = rows[0]["data_set"] if rows else ""
        self._cells = {
            (row["protocol"], row["architecture"], row["metric"]): Cell(
                _number(row["mean"]),
                _number(row["ci_low"]),
                _number(row["ci_high"]),
                int(row["replicates"]),
                int(row["diverged"]),
            )
            for row in rows
        }
        self.runs = list(dict.fromkeys((protocol, name) for protocol, name, _ in self._cells))
        self.protocols = list(dict.fromkeys(protocol for protocol, _ in self.runs))
        self.architectures = list(dict.fromkeys(name for _, name in self.runs))

    @property
    def starter(self) -> bool:
        """Whether this is about the starter corpus, and so answers nothing."""
        return self.data_set.split(" ")[0] == "starter"

    def cell(self, protocol: str, name: str, metric: str = "macro_recall") -> Cell | None:
        """None where the study does not hold it."""
        return self._cells.get((protocol, name, metric))


def _number(cell: str) -> float:
    return float(cell) if cell else math.nan


def load() -> Summary:
    """The study's summary; StudyError before the first study."""
    if not SUMMARY.is_file():
        raise StudyError(f"{SUMMARY} is not there yet; run `make repro`")
    return Summary(tables.read_table(SUMMARY))


def on_starter() -> bool:
    """Whether the names at hand are the starter corpus, for want of a source."""
    return files.DATA_SET.is_file() and tables.read_json(files.DATA_SET)["name"] == "starter"


def data_set(summary: Summary) -> str:
    """The data set that a summary is about; the starter corpus said loudly."""
    loud = " (THE STARTER CORPUS: no answer to the question)" if summary.starter else ""
    return summary.data_set + loud


def difference(one: float, other: float) -> str:
    """How much higher or lower the first share is, in points."""
    points = f"{100 * abs(one - other):.1f}"
    if points == "0.0":
        return "the same to a tenth of a point"
    return f"{points} points {'higher' if one > other else 'lower'}"


def answer(summary: Summary) -> list[str]:
    """The question's answer in sentences that the figures choose: means and intervals, no verdict.

    Whether a difference is more than chance is not said: overlapping intervals do not tell.
    """
    sentences = []
    for protocol, place in (
        ("published", "Scored on the very names that it was trained on, as in the article,"),
        ("held_out", "On names that it has not seen,"),
    ):
        old, new = (summary.cell(protocol, name) for name in ("tutorial_2017", "fixed"))
        if old is None or new is None:
            sentences.append(
                f"This study does not hold both tutorial_2017 and fixed under {protocol}, "
                "so it says nothing there."
            )
            continue
        sentences.append(
            f"{place} the fixed network's macro recall is {_spelled(new)} and that of the 2017 "
            f"tutorial's network {_spelled(old)}: {difference(new.mean, old.mean)}."
        )
    ngrams = summary.cell("held_out", "ngram_logistic")
    if ngrams is not None:
        sentences.append(
            "Character n-grams and logistic regression, without any network, "
            f"reach {_spelled(ngrams)} on unseen names."
        )
    return sentences


def _spelled(cell: Cell) -> str:
    return f"{percent(cell.mean)} %" + (f" ({cell.interval})" if cell.interval else "")


def diverged(summary: Summary) -> str:
    """The networks whose weights are no longer numbers, counted and named; "" where there is none.

    They are left out of the means, which is why they must be said.
    """
    found = [
        f"{cell.diverged} of {cell.diverged + cell.replicates} of {name} under {protocol}"
        for protocol, name in summary.runs
        if (cell := summary.cell(protocol, name)) is not None and cell.diverged
    ]
    if not found:
        return ""
    return f"Diverged in training, and so in no mean: {'; '.join(found)}."


def table(summary: Summary) -> list[list[str]]:
    """Header and rows: an architecture, then macro recall with interval for each protocol."""
    rows = [["architecture", *summary.protocols]]
    for name in summary.architectures:
        cells = [summary.cell(protocol, name) for protocol in summary.protocols]
        rows.append([name, *map(_with_diverged, cells)])
    return rows


def _with_diverged(cell: Cell | None) -> str:
    if cell is None:
        return ""
    return str(cell) + (f", {cell.diverged} diverged" if cell.diverged else "")


def confidence() -> str:
    """Of the intervals, in percent."""
    return f"{100 * params.load().study.confidence:g} %"


def text() -> str:
    """The table for a terminal, with the data set that it is about."""
    summary = load()
    rows = table(summary)
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    title = (
        f"Macro recall in percent, mean and {confidence()} interval over replicates\n"
        f"Data set: {data_set(summary)}"
    )
    return "\n".join([title, "", lines[0], "-" * max(map(len, lines)), *lines[1:]])


def markdown() -> str:
    """The README's block: the answer, the table, and what its figures are."""
    summary = load()
    head, *rows = table(summary)
    lines = [
        [
            "network",
            "architecture",
            *(f"{PROTOCOLS[protocol]} (`{protocol}`)" for protocol in head[1:]),
        ],
        ["---", "---", *["---:"] * len(head[1:])],
        *([words(name) or name, f"`{name}`", *cells] for name, *cells in rows),
    ]
    parts = [" ".join(answer(summary)), _pipes(lines)]
    if summary.starter:
        parts.insert(
            0,
            "> **THE STARTER CORPUS.** No source of the real names could be reached, so these are "
            "the figures of a small\n> stand-in, and no answer to the question.",
        )
    parts.append(
        f"Macro recall in percent (the mean of the languages' recalls): mean and {confidence()} "
        f"interval over replicates. {diverged(summary)}".rstrip()
        + f" Data set: {data_set(summary)}."
    )
    parts.append(verdicts())
    return "\n\n".join(parts)


def verdicts() -> str:
    """The ledger as a table: each claim with its verdict and its effect in points."""
    rows = claims.verdicts()["claims"]
    lines = [["verdict", "claim", f"points ({confidence()} interval)"], ["---", "---", "---:"]]
    for row in rows:
        interval = f"{points(row['low'])} to {points(row['high'])}"
        interval = "" if row["low"] is None else f" ({interval})"
        lines.append([f"**{row['verdict']}**", row["claim"], points(row["effect"]) + interval])
    return (
        "What has been claimed of the tutorial and its fix, tested on every run, all claims "
        "together (Holm), so that an interval may leave out zero and its claim stay undecided. "
        "Sources and details: [docs/findings.md](docs/findings.md).\n\n" + _pipes(lines)
    )


def _pipes(lines: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def block(page: str, path: Path = README) -> tuple[str, str, str]:
    """What stands before the marks of a page, between them and behind them; both marks excluded."""
    before, _, rest = page.partition(BEGIN)
    inside, _, after = rest.partition(END)
    if not rest or not after:
        raise StudyError(f"{path} lacks the marks {BEGIN!r} and {END!r}")
    return before, inside, after


def write_readme(path: Path = README) -> None:
    """Put the block between the README's two marks."""
    page = path.read_text(encoding="utf-8")
    before, _, after = block(page, path)
    written = f"{before}{BEGIN}\n{markdown()}\n{END}{after}"
    if written != page:
        tables.replace_text(path, written)
