"""The ledger: each claim with its verdict and its interval as a bar."""

from surnames.display.html import Section
from surnames.display.wording import points
from surnames.report import ledger
from surnames.report.report_data import ReportData
from surnames.report.sections.parts import prose


def verdicts(data: ReportData) -> Section:
    """Every claim, and how many have each verdict."""
    claims = data.ledger["claims"]
    if not claims:
        return Section("ledger", "The ledger", ["This study tests no claim."])
    along = ledger.scale(claims)
    text = prose(
        "verdicts",
        counts={
            verdict: sum(claim["verdict"] == verdict for claim in claims)
            for verdict in ledger.SIGNS
        },
        badge=ledger.badge,
        confidence=f"{100 * data.ledger['confidence']:g}",
        claims=len(claims),
        low=points(along.low),
        high=points(along.high),
    )
    return Section("ledger", "The ledger", [text, ledger.listing(claims)])
