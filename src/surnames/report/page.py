"""The report: what a study found, as one page that needs nothing else, and its data card.

The page is a list of sections, each a function of the report's data; a new one is a function and a
row of SECTIONS. A section that the study holds nothing for says so in a sentence.
"""

from collections.abc import Callable
from pathlib import Path

from surnames.display import plots
from surnames.display.html import Section, environment
from surnames.display.wording import percent, words
from surnames.report import data_card, provenance
from surnames.report.report_data import ReportData
from surnames.report.sections.answer import answer
from surnames.report.sections.calibration import calibration
from surnames.report.sections.confusions import confusions
from surnames.report.sections.halves import halves
from surnames.report.sections.learning import learning
from surnames.report.sections.names import names
from surnames.report.sections.parts import by_protocol, prose
from surnames.report.sections.recalls import recalls
from surnames.report.sections.results import outside, results
from surnames.report.sections.unseen import unseen
from surnames.report.sections.verdicts import verdicts

TEMPLATES = Path(__file__).parent / "templates"
QUESTION = (
    "Did fixing the PyTorch character-RNN tutorial help, which part of the fix did it, "
    "and does it hold on names that the network has not seen?"
)


def page(data: ReportData) -> str:
    """The report as HTML, with nothing to fetch; its only script is that of `try_a_name`."""
    return (
        environment(TEMPLATES, escape=True)
        .get_template("index.html")
        .render(
            question=QUESTION,
            sections=[section(data) for section in SECTIONS],
            starter=data.summary.starter,
            data_set=data.data_set,
        )
    )


def card(data: ReportData) -> str:
    """The data card as markdown."""
    starter = data.summary.starter
    return data_card.markdown(data.card, data.changes, data.checks, data.data_set, starter)


def headline_figure(data: ReportData) -> str:
    """The README's picture: macro recall by architecture and protocol."""
    rows = [f"{name}\n{words(name)}".strip() for name in data.summary.architectures]
    loud = " (STARTER CORPUS: no answer)" if data.summary.starter else ""
    label = (
        f"macro recall in percent, mean and {data.confidence} interval\n"
        f"data set {data.summary.data_set}{loud}"
    )
    return plots.dots(rows, by_protocol(data), label, plots.WIDE)


def try_a_name(data: ReportData) -> Section:
    """A field for a surname, and how the networks read it."""
    return Section("try-a-name", "Try a name", [data.try_a_name])


def method(data: ReportData) -> Section:
    """Protocols, recipe, scoring and limits; the long form is docs/method.md."""
    protocols = data.settings.protocols
    text = prose(
        "method",
        folds=protocols.held_out.folds,
        share=percent(protocols.random_split.held_out_share),
        confidence=data.confidence,
        languages=len(data.languages),
        claims=len(data.ledger["claims"]),
    )
    return Section("method", "Method and limits", [text])


def sources(data: ReportData) -> Section:
    """What the page is made of, and by what."""
    return provenance.section(data.data_set, data.digests, data.settings)


SECTIONS: tuple[Callable[[ReportData], Section], ...] = (
    *(answer, verdicts, try_a_name, results, halves, unseen, confusions, recalls, learning),
    *(calibration, names, outside, method, sources),
)
