"""Published against unseen, as slopes."""

from surnames.display import plots
from surnames.display.html import Figure, Section, Table, code
from surnames.display.wording import PROTOCOLS, points, words
from surnames.report.report_data import ReportData
from surnames.report.sections.parts import LOOKS, estimate, looks, names, percents, prose

ENDS = ("published", "held_out")


def unseen(data: ReportData) -> Section:
    """A line for each architecture, from the names that it was trained on to unseen ones."""
    title = "Published against unseen"
    both = [
        name
        for name in data.summary.architectures
        if all(data.summary.cell(protocol, name) for protocol in ENDS)
    ]
    missing = " nor ".join(p for p in ENDS if p not in data.protocols) or "one of them for all"
    text = prose("unseen", compared=bool(both), missing=missing, looks=LOOKS)
    if not both:
        return Section("unseen", title, [text])
    lines = looks(data.summary.architectures)
    series, rows = [], []
    for name in both:
        cells = [data.summary.cell(protocol, name) for protocol in ENDS]
        mean, low, high = (percents(cells, part) for part in ("mean", "low", "high"))
        series.append(plots.Series(name, [0, 1], mean, low, high, **lines[name]))
        change = points((mean[1] - mean[0]) / 100)
        rows.append([code(name, words(name)), *map(estimate, cells), change])
    label = "macro recall in percent"
    figure = Figure(
        plots.slopes(series, [PROTOCOLS[protocol] for protocol in ENDS], label),
        "A line for each architecture, from its macro recall on the names that it was trained on "
        "down to that on unseen names; the table beneath holds the figures.",
        f"Macro recall of each architecture; bars are {data.confidence} intervals.",
    )
    head = ["architecture", *names(ENDS), "unseen less published, in points"]
    table = Table("The same in figures, in percent", head, rows, folded=True)
    return Section("unseen", title, [text], [figure], [table])
