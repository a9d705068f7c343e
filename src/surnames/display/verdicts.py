"""The judged ledger of claims as a table for a terminal."""

from typing import Any

from surnames.display.tables import aligned
from surnames.display.wording import level, percent, points


def text(ledger: dict[str, Any]) -> str:
    """A row for each claim; (!) marks a verdict that is not the expected one.

    `finds` is how far from the threshold an effect must be for an undecided claim to be decided in
    four studies of five, in points.
    """
    between = f"{level(ledger['confidence'])} interval"
    head = ["verdict", "points", between, "more than", "p (Holm)", "finds", "family", "claim"]
    rows = [
        [
            row["verdict"] + ("" if row["verdict"] == row["expect"] else " (!)"),
            points(row["effect"]),
            "" if row["low"] is None else f"{points(row['low'])} to {points(row['high'])}",
            points(row["more_than"]),
            "" if row["p_adjusted"] is None else f"{row['p_adjusted']:.2g}",
            "" if row["detectable"] is None else percent(row["detectable"]),
            row["family"],
            row["id"],
        ]
        for row in ledger["claims"]
    ]
    return aligned(head, rows)
