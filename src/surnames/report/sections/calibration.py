"""How far the confidence of a network can be believed."""

from surnames.display import plots
from surnames.display.html import Figure, Section, Table, code
from surnames.display.wording import PROTOCOLS
from surnames.report.report_data import ReportData
from surnames.report.sections.parts import across, number, prose

SMALLEST_BIN = 100  # predictions; the share of fewer says little


def calibration(data: ReportData) -> Section:
    """A reliability diagram and its bins for each protocol, and the calibration errors."""
    figures, tables = [], []
    for protocol in data.protocols:
        series, rows = [], []
        for name in data.featured(protocol):
            bins = [
                (int(row["names"]), 100 * float(row["confidence"]), 100 * float(row["accuracy"]))
                for row in data.calibration[protocol, name]
                if int(row["names"]) >= SMALLEST_BIN
            ]
            sure, right = ([one[k] for one in bins] for k in (1, 2))
            series.append(plots.Series(name, sure, right))
            rows += [[code(name), f"{n:,}", number(a), number(b)] for n, a, b in bins]
        figures.append(
            Figure(
                plots.reliability(series),
                f"Reliability diagram under {protocol}: how often answers are right against how "
                "sure they are; the table beneath holds the figures.",
                f"{protocol}: {PROTOCOLS[protocol]}.",
            )
        )
        head = ["architecture", "answers", "how sure", "how often right"]
        tables.append(Table(f"The bins under {protocol}, in percent", head, rows, folded=True))
    caption = "Expected calibration error in percent, over 15 bins"
    errors = across(data, "ece", caption, folded=True)
    text = prose("calibration", smallest=SMALLEST_BIN)
    return Section("calibration", "How sure, and how right", [text], figures, [errors, *tables])
