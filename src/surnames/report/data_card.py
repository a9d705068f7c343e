"""The data card: what the names are, what is wrong with them, and what leaks into training."""

from typing import NamedTuple

from surnames.display.html import render
from surnames.display.wording import percent
from surnames.report.report_data import ReportData


class Table(NamedTuple):
    """A table of plain text, for the page and for markdown; the page folds a long one."""

    caption: str
    head: list[str]
    rows: list[list[str]]
    folded: bool = False


def facts(data: ReportData) -> list[str]:
    """What a reader has to know of the names, in sentences."""
    counts = data.card["languages"]
    largest = max(counts, key=lambda name: counts[name]["lines"])
    text = render("report/templates/facts.txt", card=data.card, checks=data.checks, largest=largest)
    return str(text).splitlines()


def tables(data: ReportData) -> list[Table]:
    """Counts, what stands in training too, and what was changed."""
    counts = [
        [language, *(f"{row[column]:,}" for column in ("lines", "distinct", "clean"))]
        for language, row in data.card["languages"].items()
    ]
    leaks = [
        [language, *(percent(check["by_language"][language]) for check in data.checks.values())]
        for language in data.languages
    ]
    kept = [
        [
            row["language"],
            row["line"],
            visible(row["text"]),
            visible(row["published"]),
            visible(row["cleaned"]) or "(dropped)",
            row["reasons"],
        ]
        for row in data.changes
        if not all(reason.startswith("repeats ") for reason in row["reasons"].split("; "))
    ]
    return [
        Table("Names by language", ["language", "lines", "distinct", "cleaned"], counts),
        Table(
            "Scored names that also stand in training, in percent",
            ["language", *data.checks],
            leaks,
        ),
        Table(
            f"The {len(kept)} lines that were changed or dropped for more than repeating another",
            ["language", "line", "as it stands", "as the tutorial reads it", "cleaned", "why"],
            kept,
            folded=True,
        ),
    ]


def visible(text: str) -> str:
    """White space at the end, and any that is no plain space, made visible."""
    shown = text.rstrip(" ")
    return (shown if shown == text else f"{shown}␣").replace("\u00a0", "⍽")
