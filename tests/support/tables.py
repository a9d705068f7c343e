"""Rows of the study's tables, made up."""


def summary_row(
    protocol: str,
    architecture: str,
    mean: float,
    *,
    metric: str = "macro_recall",
    reach: float | None = 0.01,
    replicates: int = 3,
    diverged: int = 0,
    data_set: str = "x 1",
) -> dict[str, str]:
    """A row of results/summary.csv; `reach` is half the interval's width, None for no interval."""
    return {
        "protocol": protocol,
        "architecture": architecture,
        "metric": metric,
        "replicates": str(replicates),
        "diverged": str(diverged),
        "mean": str(mean),
        "ci_low": "" if reach is None else str(mean - reach),
        "ci_high": "" if reach is None else str(mean + reach),
        "data_set": data_set,
    }
