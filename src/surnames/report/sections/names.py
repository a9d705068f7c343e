"""The data card, and what a random split gives away."""

from surnames.display import plots
from surnames.display.html import Figure, Section, Table, code
from surnames.display.wording import PROTOCOLS
from surnames.report import data_card
from surnames.report.report_data import ReportData
from surnames.report.sections import parts
from surnames.report.sections.parts import number, prose


def names(data: ReportData) -> Section:
    """The recall of the language whose lines repeat most, by protocol; then the card's tables."""
    language = data_card.most_repeated(data.card)
    counts = data.card["languages"][language]
    featured = dict.fromkeys(name for p in data.protocols for name in data.featured(p))
    found = {
        name: [data.recalls(protocol, name)[language] for protocol in data.protocols]
        for name in featured
    }
    places = [PROTOCOLS[protocol].replace(", ", ",\n") for protocol in data.protocols]
    series = [plots.Series(name, values, []) for name, values in found.items()]
    figure = Figure(
        plots.dots(places, series, f"recall of {language} in percent"),
        f"Recall of {language} under each protocol, for {', '.join(found)}; the table beneath "
        "holds the figures.",
        f"{language}: {counts['lines']:,} lines, but {counts['distinct']:,} distinct names.",
    )
    table = Table(
        f"Recall of {language}, in percent",
        ["architecture", *parts.names(list(data.protocols))],
        [[code(name), *map(number, values)] for name, values in found.items()],
        folded=True,
    )
    text = prose(
        "names",
        language=language,
        lines=f"{counts['lines']:,}",
        distinct=f"{counts['distinct']:,}",
    )
    tables = [table, *data_card.tables(data.card, data.changes, data.checks)]
    facts = data_card.facts(data.card, data.checks)
    return Section("data", "The data, and the leak", [text], [figure], tables, facts)
