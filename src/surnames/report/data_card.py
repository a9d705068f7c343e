"""The data card: what the names are, what is wrong with them, and what leaks into training."""

from pathlib import Path

from surnames.display import tables as text
from surnames.display.html import Table, environment
from surnames.display.wording import percent
from surnames.report.report_data import Card, Checks, Rows

TEMPLATES = Path(__file__).parent / "templates"


def markdown(
    card: Card, changes: Rows, checks: Checks, data_set: dict[str, str], starter: bool
) -> str:
    """The data card as markdown."""
    return (
        environment(TEMPLATES, escape=False)
        .get_template("data.md")
        .render(
            starter=starter,
            data_set=data_set,
            facts=facts(card, checks),
            tables=tables(card, changes, checks),
            markdown=text.markdown,
        )
    )


def facts(card: Card, checks: Checks) -> list[str]:
    """What a reader has to know of the names, in sentences."""
    counts = card["languages"]
    largest = max(counts, key=lambda name: counts[name]["lines"])
    page = environment(TEMPLATES, escape=False).get_template("facts.txt")
    return page.render(
        card=card,
        checks=checks,
        largest=largest,
        largest_share=counts[largest]["lines"] / card["lines"],
        percent=percent,
    ).splitlines()


def tables(card: Card, changes: Rows, checks: Checks) -> list[Table]:
    """Counts, what stands in training too, and what was changed."""
    counts = Table(
        "Names by language",
        ["language", "lines", "distinct", "cleaned"],
        [
            [name, *(f"{row[column]:,}" for column in ("lines", "distinct", "clean"))]
            for name, row in card["languages"].items()
        ],
    )
    leaks = Table(
        "Scored names that also stand in training, in percent",
        ["language", *checks],
        [
            [name, *(percent(check["by_language"][name]) for check in checks.values())]
            for name in card["languages"]
        ],
    )
    kept = [
        [
            *(row["language"], row["line"], visible(row["text"]), visible(row["published"])),
            *(visible(row["cleaned"]) or "(dropped)", row["reasons"]),
        ]
        for row in changes
        if not all(reason.startswith("repeats ") for reason in row["reasons"].split("; "))
    ]
    changed = Table(
        f"The {len(kept)} lines that were changed or dropped for more than repeating another",
        ["language", "line", "as it stands", "as the tutorial reads it", "cleaned", "why"],
        kept,
        folded=True,
    )
    return [counts, leaks, changed]


def most_repeated(card: Card) -> str:
    """The language whose lines repeat most: what a random split gives away first."""
    rows = card["languages"]
    return max(rows, key=lambda name: rows[name]["lines"] / max(rows[name]["distinct"], 1))


def visible(text: str) -> str:
    """White space at the ends, and any that is no plain space, made visible."""
    inner = text.strip(" ")
    shown = text.replace("\u00a0", "⍽")
    return shown if inner == text else shown.replace(inner, inner + "␣", 1).rstrip(" ")
