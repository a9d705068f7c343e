"""What the report is made of: the tables of a study, by run."""

from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np

from surnames.core.params import Params
from surnames.display.sentences import COMPARED
from surnames.display.wording import level
from surnames.report.try_a_name import ShownNetwork
from surnames.study.summary import Summary

Rows = list[dict[str, str]]  # of `tables.read_table`
Claim = dict[str, Any]  # of results/claims.json

FEATURED = (*COMPARED, "ngram_logistic")  # where eight lines would be too many


@dataclass(frozen=True)
class ReportData:
    """The tables, as they were read."""

    config: Params
    data_set: dict[str, str]
    summary: Summary
    ledger: dict[str, Any]
    effects: Rows
    recall: Rows
    groups: Rows
    cells: Rows  # of the grid of other recipes
    curves: Rows
    confusions: Rows
    calibration: dict[tuple[str, str], Rows]
    card: dict[str, Any]  # of data/normalized/card.json
    changes: Rows
    checks: dict[str, dict[str, Any]]  # of data/checked, by protocol
    outside: int  # names of the starter corpus that the data do not hold
    networks: list[ShownNetwork]  # of the field for a name
    digests: dict[str, str]  # MD5 of the files that the page is made from, as in dvc.lock

    @property
    def confidence(self) -> str:
        """Of the intervals, in percent."""
        return level(self.config.study.confidence)

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

    def shares(self, protocol: str, name: str) -> np.ndarray:
        """The confusion of one run, (languages, languages); empty where the study lacks it."""
        shares = [float(row["share"]) for row in of_run(self.confusions, protocol, name)]
        return np.reshape(shares, (-1, len(self.languages)))

    def recalls(self, protocol: str, name: str) -> dict[str, float]:
        """The recall of each language in percent; NaN where the study lacks the run."""
        rows = {row["language"]: row["recall"] for row in of_run(self.recall, protocol, name)}
        return {one: 100 * float(rows.get(one) or nan) for one in self.languages}


def of_run(rows: Rows, protocol: str, name: str) -> Rows:
    """The rows of one run."""
    return [row for row in rows if (row["protocol"], row["architecture"]) == (protocol, name)]
