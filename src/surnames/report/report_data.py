"""What the report is made of: the tables of a study, by run."""

from dataclasses import dataclass
from math import nan
from typing import Any

from markupsafe import Markup

from surnames.report.provenance import Settings
from surnames.study.summary import Summary

Rows = list[dict[str, str]]  # of `tables.read_table`
Claim = dict[str, Any]  # of results/claims.json
Card = dict[str, Any]  # of data/normalized/card.json
Checks = dict[str, dict[str, Any]]  # of data/checked, by protocol

COMPARED = ("tutorial_2017", "fixed")  # the two networks that the question is about
FEATURED = (*COMPARED, "ngram_logistic")  # where eight lines would be too many


@dataclass(frozen=True)
class ReportData:
    """The tables, as they were read."""

    settings: Settings
    data_set: dict[str, str]
    summary: Summary
    ledger: dict[str, Any]
    effects: Rows
    recall: Rows
    curves: Rows
    confusions: Rows
    calibration: dict[tuple[str, str], Rows]
    card: Card
    changes: Rows
    checks: Checks
    outside: int  # names of the starter corpus that the data do not hold
    digests: dict[str, str]  # MD5 of the files that the page is made from, as in dvc.lock
    try_a_name: Markup  # of `try_a_name.section`

    @property
    def confidence(self) -> str:
        """Of the intervals, in percent."""
        return f"{100 * self.settings.study.confidence:g} %"

    @property
    def protocols(self) -> dict[str, list[str]]:
        """The architectures of each protocol, in the study's order."""
        return {
            protocol: [name for other, name in self.summary.runs if other == protocol]
            for protocol in self.summary.protocols
        }

    @property
    def languages(self) -> list[str]:
        """In the order of all tables."""
        return list(self.card["languages"])

    def claim(self, key: str) -> Claim | None:
        """A claim of the ledger with its verdict; None where the ledger lacks it."""
        return next((row for row in self.ledger["claims"] if row["id"] == key), None)

    def featured(self, protocol: str) -> list[str]:
        """The architectures that a crowded figure shows: those of interest, or the first three."""
        names = self.protocols[protocol]
        return [name for name in FEATURED if name in names] or names[:3]

    def shares(self, protocol: str, name: str) -> list[list[float]]:
        """The confusion of one run, (languages, languages); [] where the study lacks it."""
        found: dict[str, list[float]] = {}
        for row in of_run(self.confusions, protocol, name):
            found.setdefault(row["language"], []).append(float(row["share"]))
        return list(found.values())

    def recalls(self, protocol: str, name: str) -> dict[str, float]:
        """The recall of each language in percent; NaN where the study lacks the run."""
        found = {
            row["language"]: 100 * float(row["recall"])
            for row in of_run(self.recall, protocol, name)
            if row["recall"]
        }
        return {language: found.get(language, nan) for language in self.languages}


def of_run(rows: Rows, protocol: str, name: str) -> Rows:
    """The rows of one run."""
    return [row for row in rows if (row["protocol"], row["architecture"]) == (protocol, name)]
