"""How the networks learned: curves with their bands."""

from typing import Any

from surnames.display import plots
from surnames.report.report_data import ReportData, of_run
from surnames.report.sections.series import looks

COLUMNS = ("accuracy", "accuracy_low", "accuracy_high")
LABELS = ("training steps, one name each", "names read right, in percent")


def learning(data: ReportData) -> dict[str, Any]:
    """A figure for each protocol, and its curves: by step the accuracy, lowest and highest."""
    protocols = {}
    for protocol, trained in data.protocols.items():
        lines, curves, series = looks(trained), {}, []
        for name in trained:
            rows = of_run(data.curves, protocol, name)
            if rows:  # counting and regression have none
                steps = [float(row["step"]) for row in rows]
                bands = [[100 * float(row[column]) for column in COLUMNS] for row in rows]
                curves[name] = dict(zip(steps, bands, strict=True))
                mean, low, high = zip(*bands, strict=True)
                series.append(plots.Series(name, steps, mean, low, high, **lines[name]))
        if curves:
            every = sorted({step for curve in curves.values() for step in curve})
            protocols[protocol] = (plots.curves(series, *LABELS), curves, every)
    return {"protocols": protocols}
