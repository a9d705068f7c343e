"""The study in a few sentences and one table: for the terminal, the README and the report's top."""

from typing import Any

from surnames.display.html import render
from surnames.display.tables import aligned
from surnames.display.wording import estimate, level, percent
from surnames.study.summary import Cell, Summary

COMPARED = ("tutorial_2017", "fixed")  # the two networks that the question is about
PLAIN = ("fix-raises-published", "fix-raises-unseen", "less-than-half-is-left")  # claims


def data_set(summary: Summary) -> str:
    """The data set that a summary is about, with a warning for the starter corpus."""
    loud = " (THE STARTER CORPUS: no answer to the question)" if summary.starter else ""
    return summary.data_set + loud


def difference(one: float, other: float) -> str:
    """How much higher or lower the first share is, in points."""
    points = percent(abs(one - other))
    if points == "0.0":
        return "the same to a tenth of a point"
    return f"{points} points {'higher' if one > other else 'lower'}"


def compared(summary: Summary) -> dict[str, list[Cell | None]]:
    """Macro recall of the two networks, by the protocol under which they are compared."""
    return {p: [summary.cell(p, name) for name in COMPARED] for p in ("published", "held_out")}


def answer(summary: Summary) -> list[str]:
    """The question's answer in sentences that the figures choose: means and intervals, no verdict.

    They do not say whether a difference is more than chance: overlapping intervals do not tell.
    """
    ngrams = summary.cell("held_out", "ngram_logistic")
    values = {"cells": compared(summary), "ngrams": ngrams, "difference": difference}
    text = render("display/templates/answer.txt", **values)
    return str(text).splitlines()


def plain(ledger: dict[str, Any]) -> str:
    """The answer in one sentence for everybody, from the verdicts; "" where claims lack for it."""
    claims = {row["id"]: row for row in ledger["claims"] if row["effect"] is not None}
    published, unseen, memory = (claims.get(key) for key in PLAIN)
    if published is None or unseen is None:
        return ""
    grid = zip(("published", "held_out"), ("trained on", "unseen"), strict=True)
    counts = [(ledger["grid"].get(protocol), names) for protocol, names in grid]
    few = [(own, names) for own, names in counts if own and 2 * own["helps"] < own["cells"]]
    values = {"published": published, "unseen": unseen, "memory": memory, "few": few}
    return str(render("display/templates/plain.txt", **values)).strip()


def doubted(ledger: dict[str, Any]) -> str:
    """The verdicts that would be others by Nadeau and Bengio's variance; "" where none would."""
    claims = [row for row in ledger["claims"] if row["family"] != "check"]
    rows = [row for row in claims if row["nadeau_bengio"]["verdict"] != row["verdict"]]
    if not rows:
        return ""
    listed = "; ".join(
        f"{row['id']} {row['nadeau_bengio']['verdict']} instead of {row['verdict']}" for row in rows
    )
    return (
        "As registered for the case that intervals do not hold the truth as often as they should "
        "in simulated studies, verdicts are also given by Nadeau and Bengio's variance. By that "
        f"would be: {listed}."
    )


def diverged(summary: Summary) -> str:
    """The diverged networks, counted and named, since no mean includes them; "" without any."""
    networks = [
        f"{cell.diverged} of {cell.diverged + cell.replicates} of {name} under {protocol}"
        for protocol, name in summary.runs
        if (cell := summary.cell(protocol, name)) is not None and cell.diverged
    ]
    if not networks:
        return ""
    return f"Diverged in training, and so in no mean: {'; '.join(networks)}."


def table(summary: Summary) -> list[list[str]]:
    """A row for each architecture: its name, then macro recall with interval by protocol."""

    def shown(cell: Cell | None) -> str:
        if cell is None:
            return ""
        return estimate(cell) + (f", {cell.diverged} diverged" if cell.diverged else "")

    return [[name, *map(shown, cells)] for name, cells in summary.rows().items()]


def headline(summary: Summary, confidence: float) -> str:
    """The table for a terminal, with the data set that it is about."""
    title = (
        f"Macro recall in percent, mean and {level(confidence)} interval over replicates\n"
        f"Data set: {data_set(summary)}"
    )
    return f"{title}\n\n{aligned(['architecture', *summary.protocols], table(summary))}"
