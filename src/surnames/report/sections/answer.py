"""The three parts of the question, each answered by the verdicts of the ledger."""

from typing import Any

from surnames.display import sentences
from surnames.report.report_data import ReportData

CLAIMS = {
    "published": "fix-raises-published",
    "held_out": "fix-raises-unseen",
    "activation": "relu-alone-published",
    "readout": "readout-alone-published",
    "both": "halves-help-each-other",
    "ngrams": "ngrams-beat-the-network",
}


def answer(data: ReportData) -> dict[str, Any]:
    """The claims, and the two networks' means where the study has both."""
    claims = {name: data.claim(key) for name, key in CLAIMS.items()}
    means = sentences.compared(data.summary)
    return {
        "claims": claims,
        "means": {protocol: cells if all(cells) else None for protocol, cells in means.items()},
        "doubted": sentences.doubted(data.ledger),
        "everybody": sentences.plain(data.ledger),
        "plain": sentences.answer(data.summary),
        "diverged": sentences.diverged(data.summary),
    }
