"""How far the confidence of a network can be believed."""

from typing import Any

from surnames.display import plots
from surnames.report.report_data import ReportData

METRICS = {  # with what a table of it is called
    "accuracy": "Accuracy in percent",
    "accuracy_with_prior": "Accuracy in percent, probabilities times training shares",
    "ece": "Expected calibration error in percent, over 15 bins",
    "ece_with_prior": "Expected calibration error in percent, probabilities times training shares",
    "log_loss": "Log loss in hundredths of a nat",
    "log_loss_with_prior": "Log loss in hundredths of a nat, probabilities times training shares",
}
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
    rows = {metric: data.summary.rows(metric) for metric in METRICS}
    return {
        "captions": METRICS,
        "protocols": protocols,
        "smallest": SMALLEST,
        "tables": {k: v for k, v in rows.items() if v},
    }
