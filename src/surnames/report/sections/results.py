"""Every network, every protocol."""

from surnames.display.html import Section
from surnames.report.report_data import ReportData
from surnames.report.sections.parts import across, prose


def results(data: ReportData) -> Section:
    """Macro recall and accuracy of every run, architecture by protocol."""
    text = prose("results", confidence=data.confidence, replicates=data.settings.study.replicates)
    accuracy = "Accuracy: the share of all names that is right"
    tables = [
        across(data, "macro_recall", "Macro recall"),
        across(data, "accuracy", accuracy, folded=True),
    ]
    return Section("results", "Every network, every protocol", [text], tables=tables)


def outside(data: ReportData) -> Section:
    """The starter names that the data do not hold, read by the trained networks."""
    table = across(data, "starter_macro_recall", "Macro recall on names from elsewhere")
    text = prose("outside", names=f"{data.outside:,}", read=bool(table.rows))
    return Section("outside", "Names from elsewhere", [text], tables=[table] if table.rows else [])
