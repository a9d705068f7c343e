"""How far the confidence of a network can be believed."""

from typing import Any

from surnames.display import plots
from surnames.report.report_data import ReportData

SMALLEST = 100  # predictions of a bin; the share of fewer says little


def calibration(data: ReportData) -> dict[str, Any]:
    """A reliability diagram for each protocol, and its bins; the calibration errors."""
    protocols = {}
    for protocol in data.protocols:
        bins = {
            name: [
                (int(row["names"]), 100 * float(row["confidence"]), 100 * float(row["accuracy"]))
                for row in data.calibration[protocol, name]
                if int(row["names"]) >= SMALLEST
            ]
            for name in data.featured(protocol)
        }
        series = [
            plots.Series(name, [sure for _, sure, _ in some], [right for *_, right in some])
            for name, some in bins.items()
        ]
        protocols[protocol] = (plots.reliability(series), bins)
    return {"protocols": protocols, "smallest": SMALLEST, "errors": data.summary.rows("ece")}
