"""Means over replicates, contrasts of them, and how sure one can be of either."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

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


def test_train_ratio(protocol: str, folds: int, held_out_share: float) -> float:
    """Scored names per training name, or 0 where replicates do not share a split of the names."""
    if protocol == "held_out":
        return 1 / (folds - 1)
    if protocol == "random_split":
        return held_out_share / (1 - held_out_share)
    return 0.0


def estimate(values: np.ndarray, confidence: float, ratio: float) -> Estimate:
    """Mean and Student's t interval of one metric over replicates.

    `ratio` is `test_train_ratio`: training sets of different folds overlap, so their scores are
    correlated, and the variance of the mean is sd^2 (1 / n + ratio) instead of sd^2 / n (Nadeau &
    Bengio, "Inference for the Generalization Error", Machine Learning 52, 2003).
    """
    from scipy.special import stdtrit  # scipy.stats would cost half a second more

    finite = values[np.isfinite(values)]
    count = len(finite)
    mean = float(finite.mean()) if count else np.nan
    if count < 2:
        return Estimate(count, len(values) - count, mean, np.nan, np.nan, np.nan)
    # equal scores would leave a residue of rounding, another one on each processor
    sd = float(finite.std(ddof=1)) if np.ptp(finite) else 0.0
    error = sd * np.sqrt(1 / count + ratio)
    reach = float(stdtrit(count - 1, (1 + confidence) / 2) * error)
    return Estimate(count, len(values) - count, mean, sd, mean - reach, mean + reach)


@dataclass(frozen=True)
class Effect:
    """A contrast of runs with its interval and its p-value; None where nothing varies."""

    replicates: int  # of the protocol that has fewest
    effect: float
    low: float | None
    high: float | None
    p: float | None  # two-sided, of the effect being the threshold


@dataclass(frozen=True)
class Term:
    """One metric of one run, by replicate, with its weight in a contrast."""

    weight: float
    protocol: str
    values: np.ndarray  # (replicates,), or (1,) for what cannot differ between replicates
    ratio: float  # `test_train_ratio`

    def with_weight(self, weight: float) -> "Term":
        """The same with another weight."""
        return replace(self, weight=weight)


def contrast(terms: Sequence[Term], confidence: float, threshold: float = 0.0) -> Effect:
    """The weighted sum of some means, and whether it differs from the threshold (Student's t).

    Within a protocol replicate r of every run has the same names, order and first weights, so the
    sum is formed for each replicate and its spread is that of paired differences; replicates in
    which one run diverged are left out. Training sets of folds overlap: Nadeau and Bengio's
    variance, as in `estimate`. Between protocols the sums are taken as independent: their variances
    add up, with the degrees of freedom of Welch and Satterthwaite.
    """
    from scipy.special import stdtr, stdtrit

    effect, variances, degrees, counts = 0.0, [], [], []
    for protocol in dict.fromkeys(term.protocol for term in terms):
        own = [term for term in terms if term.protocol == protocol]
        paired = np.asarray(sum(term.weight * term.values for term in own))
        found = estimate(paired, confidence, own[0].ratio)
        effect += found.mean
        if len(paired) > 1:
            counts.append(found.replicates)
            variances.append(found.sd**2 * (1 / max(found.replicates, 1) + own[0].ratio))
            degrees.append(found.replicates - 1)
    variance = sum(variances)
    if not variance > 0:  # nothing varies, or one replicate alone is left
        return Effect(min(counts, default=1), effect, None, None, None)
    freedom = variance**2 / sum(v**2 / d for v, d in zip(variances, degrees, strict=True))
    error = float(np.sqrt(variance))
    reach = float(stdtrit(freedom, (1 + confidence) / 2)) * error
    p = float(2 * stdtr(freedom, -abs(effect - threshold) / error))
    return Effect(min(counts), effect, effect - reach, effect + reach, p)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Adjusted for there being several (Holm, 1979): no false alarm in all, at the same level."""
    from statsmodels.stats.multitest import multipletests

    known = [p for p in p_values if p is not None]
    adjusted = iter(multipletests(known, method="holm")[1].tolist() if known else [])
    return [None if p is None else next(adjusted) for p in p_values]
