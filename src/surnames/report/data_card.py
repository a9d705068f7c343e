"""The data card: what the names are, what is wrong with them, and what leaks into training."""

from typing import Any

from surnames.display import html as layout
from surnames.display.html import Table
from surnames.display.wording import percent

Rows = list[dict[str, str]]
Card = dict[str, Any]  # of files.CARD
Checks = dict[str, dict[str, Any]]  # of files.checked, by protocol


def markdown(
    card: Card, changes: Rows, checks: Checks, data_set: dict[str, str], starter: bool
) -> str:
    """The data card as markdown."""
    return (
        layout.environment(False)
        .get_template("data.md")
        .render(
            starter=starter,
            data_set=data_set,
            facts=facts(card, checks),
            tables=tables(card, changes, checks),
            pipes=layout.pipes,
        )
    )


def facts(card: Card, checks: Checks) -> list[str]:
    """What a reader has to know of the names, in sentences."""
    lost = sum(card["letters_lost"].values())
    changes = card["changes"]
    limits = card["ceilings"]
    largest = max(card["languages"], key=lambda name: card["languages"][name]["lines"])
    told = [
        f"{card['lines']:,} lines in {len(card['languages'])} files; as the tutorial reads them "
        f"{card['distinct_names']:,} distinct names and {card['distinct_pairs']:,} distinct pairs "
        f"of name and language. Cleaned: {card['clean_names']:,} pairs.",
        f"{changes.get('repeated', 0):,} lines repeat an earlier line of their language.",
        f"{card['names_under_several_languages']:,} names stand under more than one language, one "
        f"of them under {card['most_languages_of_one_name']}. So the best possible accuracy is "
        f"{percent(limits['lines']['accuracy'])} % over all lines and "
        f"{percent(limits['names']['accuracy'])} % over clean names, and the best possible macro "
        f"recall {percent(limits['lines']['macro_recall'])} % and "
        f"{percent(limits['names']['macro_recall'])} %.",
        f"{changes.get('not a name', 0):,} lines are no names at all, and are dropped by cleaning.",
        f"{lost:,} characters are dropped by the tutorial's normalization without a word"
        + (
            ": " + ", ".join(f"‘{sign}’ {count}×" for sign, count in card["letters_lost"].items())
            if lost
            else ""
        )
        + ".",
        f"{largest} is {percent(card['languages'][largest]['lines'] / card['lines'])} % of all "
        "lines: always answering it is as accurate as that.",
    ]
    told += [
        f"Under {protocol}, {percent(check['scored_names_that_stand_in_training'])} % of the "
        "scored names also stand in training."
        for protocol, check in checks.items()
    ]
    return told


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
            row["language"], row["line"], _visible(row["text"]), _visible(row["published"]),
            _visible(row["cleaned"]) or "(dropped)", row["reasons"],
        ]
        for row in changes
        if not all(reason.startswith("repeats ") for reason in row["reasons"].split("; "))
    ]  # fmt: skip
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


def _visible(text: str) -> str:
    """White space at the ends, and any that is no plain space, made visible."""
    inner = text.strip(" ")
    shown = text.replace("\u00a0", "⍽")
    return shown if inner == text else shown.replace(inner, inner + "␣", 1).rstrip(" ")
