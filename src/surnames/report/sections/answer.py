"""The three parts of the question, each answered by the verdicts of the ledger."""

from surnames.display import sentences
from surnames.display.html import Section
from surnames.display.wording import percent
from surnames.report import ledger
from surnames.report.report_data import COMPARED, ReportData
from surnames.report.sections.parts import prose

CLAIMS = {
    "published": "fix-raises-published",
    "unseen": "fix-raises-unseen",
    "activation": "relu-alone-published",
    "readout": "readout-alone-published",
    "both": "halves-help-each-other",
    "ngrams": "ngrams-beat-the-network",
}
SHORT = {"supported": "Yes", "refuted": "No", "undecided": "Undecided"}


def answer(data: ReportData) -> Section:
    """A paragraph for each part; where the ledger lacks its claim, the means by themselves."""
    claims = {name: data.claim(key) for name, key in CLAIMS.items()}
    halves = [
        f"the {half}"
        for half in ("activation", "readout")
        if (claim := claims[half]) is not None and claim["verdict"] == "supported"
    ]
    text = prose(
        "answer",
        claims=claims,
        means={protocol: means(data, protocol) for protocol in ("published", "held_out")},
        plain=sentences.answer(data.summary),
        which=" and ".join(halves).capitalize() or "Neither half by itself",
        diverged=sentences.diverged(data.summary),
        languages=len(data.languages),
        guess=percent(1 / len(data.languages)),
        confidence=data.confidence,
        short=SHORT,
        spelled=ledger.spelled,
        badge=ledger.badge,
    )
    return Section("answer", "The answer", [text])


def means(data: ReportData, protocol: str) -> str:
    """The fixed network's mean against the tutorial's; "" where the study lacks one."""
    old, new = (data.summary.cell(protocol, name) for name in COMPARED)
    if old is None or new is None:
        return ""
    return f"{percent(new.mean)} % against {percent(old.mean)} %"
