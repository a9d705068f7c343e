"""Recall of each language on unseen names, the best first."""

from surnames.display import plots
from surnames.display.html import Figure, Section, Table
from surnames.display.wording import PROTOCOLS
from surnames.report.report_data import COMPARED, ReportData
from surnames.report.sections.parts import names, number, prose


def recalls(data: ReportData) -> Section:
    """A row for each language, a mark for each of the two networks compared."""
    protocol = "held_out" if "held_out" in data.protocols else data.summary.protocols[0]
    held = data.protocols[protocol]
    shown = [name for name in COMPARED if name in held] or held[:2]
    found = {name: data.recalls(protocol, name) for name in held}
    languages = sorted(data.languages, key=lambda language: -found[shown[-1]][language])
    series = [
        plots.Series(name, [found[name][language] for language in languages], []) for name in shown
    ]
    figure = Figure(
        plots.dots(languages, series, "recall in percent, mean over replicates"),
        f"Recall of each language under {protocol}, for {' and '.join(shown)}; the table beneath "
        "holds the figures.",
        f"Recall by language: {PROTOCOLS[protocol]} ({protocol}), sorted by {shown[-1]}.",
    )
    counts = data.card["languages"]
    rows = [
        [
            language,
            f"{counts[language]['clean']:,}",
            *(number(one[language]) for one in found.values()),
        ]
        for language in languages
    ]
    head = ["language", "clean names", *names(held)]
    table = Table(f"Recall under {protocol}, in percent", head, rows, folded=True)
    return Section("recall", "Recall by language", [prose("recalls")], [figure], [table])
