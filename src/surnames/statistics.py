"""Means over replicates and how sure one can be of them."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Estimate:
    """A mean over replicates with its interval; the diverged replicates are counted apart.

    `low` and `high` are not a number where one replicate alone is all there is.
    """

    replicates: int
    diverged: int
    mean: float
    sd: float
    low: float
    high: float


def scored_share(protocol: str, folds: int, held_out_share: float) -> float:
    """Scored names per training name, or 0 where replicates do not share a split of the names."""
    if protocol == "held_out":
        return 1 / (folds - 1)
    if protocol == "random_split":
        return held_out_share / (1 - held_out_share)
    return 0.0


def estimate(values: np.ndarray, confidence: float, share: float) -> Estimate:
    """Mean and Student's t interval of one metric over replicates.

    `share` is that of `scored_share`: training sets of different folds overlap, so their scores are
    correlated, and the variance of the mean is sd^2 (1 / n + share) instead of sd^2 / n (Nadeau &
    Bengio, "Inference for the Generalization Error", Machine Learning 52, 2003).
    """
    from scipy import stats

    finite = values[np.isfinite(values)]
    count = len(finite)
    mean = float(finite.mean()) if count else np.nan
    if count < 2:
        return Estimate(count, len(values) - count, mean, np.nan, np.nan, np.nan)
    # equal scores would leave a residue of rounding, another one on each processor
    sd = float(finite.std(ddof=1)) if np.ptp(finite) else 0.0
    error = sd * np.sqrt(1 / count + share)
    reach = float(stats.t.ppf((1 + confidence) / 2, count - 1) * error)
    return Estimate(count, len(values) - count, mean, sd, mean - reach, mean + reach)
