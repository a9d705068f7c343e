"""results/summary.csv by run and metric."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan, nan
from pathlib import Path

from surnames.core import corpus, tables
from surnames.core.errors import StudyError
from surnames.study.paths import SUMMARY


@dataclass(frozen=True)
class Cell:
    """The mean of one metric of one run; `low` and `high` are NaN where it has no interval."""

    mean: float
    low: float
    high: float
    replicates: int
    diverged: int

    @property
    def has_interval(self) -> bool:
        """Not where one network is all there is."""
        return not isnan(self.low)


class Summary:
    """The table by (protocol, architecture, metric), in the study's own order."""

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
        return corpus.is_starter(self.data_set)

    def cell(self, protocol: str, name: str, metric: str = "macro_recall") -> Cell | None:
        """None where the study has no such run."""
        return self._cells.get((protocol, name, metric))

    def rows(self, metric: str = "macro_recall") -> dict[str, list[Cell | None]]:
        """The cells of each architecture, one for each protocol; only those that have any."""
        every = {
            name: [self.cell(p, name, metric) for p in self.protocols]
            for name in self.architectures
        }
        return {name: cells for name, cells in every.items() if any(cells)}


def _number(cell: str) -> float:
    return float(cell) if cell else nan


def load(path: Path = SUMMARY) -> Summary:
    """The study's summary; StudyError before the first study."""
    if not path.is_file():
        raise StudyError(f"{path} is not there yet; run `make repro`")
    return Summary(tables.read_table(path))
