"""The report: what a study found, as one page that needs nothing else, and its data card.

The page is a list of sections: of each a title, a function that computes the values, and a template
that says the sentences. One that the study holds nothing for says so.
"""

from collections.abc import Callable
from typing import Any

from surnames.display import plots
from surnames.display.html import render
from surnames.display.wording import PROTOCOLS, words
from surnames.report import data_card, try_a_name
from surnames.report.report_data import ReportData
from surnames.report.sections.answer import answer
from surnames.report.sections.calibration import calibration
from surnames.report.sections.confusions import confusions
from surnames.report.sections.groups import groups
from surnames.report.sections.halves import halves
from surnames.report.sections.learning import learning
from surnames.report.sections.ledger import ledger
from surnames.report.sections.names import names
from surnames.report.sections.provenance import provenance
from surnames.report.sections.recall import recall
from surnames.report.sections.robustness import robustness
from surnames.report.sections.series import percents
from surnames.report.sections.unseen import unseen

Values = Callable[[ReportData], dict[str, Any]]
SECTIONS: dict[str, tuple[str, Values]] = {
    "answer": ("The answer", answer),
    "ledger": ("The ledger", ledger),
    "try-a-name": ("Try a name", lambda data: try_a_name.values(data.networks)),
    "results": (
        "Every network, every protocol",
        lambda data: {metric: data.summary.rows(metric) for metric in ("macro_recall", "accuracy")},
    ),
    "halves": ("Which half of the fix", halves),
    "unseen": ("Published against unseen", unseen),
    "groups": ("Near and far, short and long", groups),
    "robustness": ("By other recipes", robustness),
    "confusions": ("Who is taken for whom", confusions),
    "recall": ("Recall by language", recall),
    "learning": ("How they learned", learning),
    "calibration": ("How sure, and how right", calibration),
    "data": ("The data, and the leak", names),
    "outside": (
        "Names from elsewhere",
        lambda data: {"rows": data.summary.rows("starter_macro_recall")},
    ),
    "method": ("Method and limits", lambda data: {}),
    "provenance": ("Where this comes from", provenance),
}


def section(key: str, data: ReportData) -> str:
    """One section as HTML."""
    _, values = SECTIONS[key]
    return render(
        f"report/templates/sections/{key}.html", report=data, places=PROTOCOLS, **values(data)
    )


def page(data: ReportData) -> str:
    """The report as HTML, with nothing to fetch; its only script is that of `try_a_name`."""
    sections = [(key, title, section(key, data)) for key, (title, _) in SECTIONS.items()]
    return render("report/templates/index.html", report=data, sections=sections)


def card(data: ReportData) -> str:
    """The data card as markdown."""
    return render(
        "report/templates/data.md",
        report=data,
        facts=data_card.facts(data),
        tables=data_card.tables(data),
    )


def headline_figure(data: ReportData) -> str:
    """The README's picture: macro recall by architecture and protocol."""
    rows = data.summary.rows()
    series = []
    for protocol, cells in zip(data.protocols, zip(*rows.values(), strict=True), strict=True):
        mean, low, high = percents(cells)
        series.append(plots.Series(PROTOCOLS[protocol], mean, [], low, high))
    loud = " (STARTER CORPUS: no answer)" if data.summary.starter else ""
    label = (
        f"macro recall in percent, mean and {data.confidence} interval\n"
        f"data set {data.summary.data_set}{loud}"
    )
    names = [f"{name}\n{words(name)}".strip() for name in rows]
    return plots.dots(names, series, label, plots.WIDE)
