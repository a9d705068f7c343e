"""The data card, and what a random split gives away."""

from typing import Any

from surnames.display import plots
from surnames.display.wording import PROTOCOLS
from surnames.report import data_card
from surnames.report.report_data import ReportData


def names(data: ReportData) -> dict[str, Any]:
    """The recall of the language whose lines repeat most, by protocol; then the card's tables."""
    counts = data.card["languages"]
    language = max(
        counts, key=lambda name: counts[name]["lines"] / max(counts[name]["distinct"], 1)
    )
    featured = dict.fromkeys(name for p in data.protocols for name in data.featured(p))
    recalls = {
        name: [data.recalls(protocol, name)[language] for protocol in data.protocols]
        for name in featured
    }
    places = [PROTOCOLS[protocol].replace(", ", ",\n") for protocol in data.protocols]
    series = [plots.Series(name, values, []) for name, values in recalls.items()]
    return {
        "language": language,
        "counts": counts[language],
        "recalls": recalls,
        "picture": plots.dots(places, series, f"recall of {language} in percent"),
        "facts": data_card.facts(data),
        "tables": data_card.tables(data),
    }
