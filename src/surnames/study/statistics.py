"""Means over replicates, contrasts of them, and how sure one can be of either."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from surnames.core.corpus import LANGUAGES


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
    """A contrast of runs, its interval and its p-values; None where nothing varies."""

    replicates: int  # of the protocol that has fewest
    effect: float
    low: float | None
    high: float | None
    p: float | None  # two-sided, of the effect being the threshold
    error: float | None  # standard error of the effect
    freedom: float | None  # its degrees of freedom
    worst_case: float | None = None  # the effect if those that diverged had guessed; None: none did


CHANCE = 1 / len(LANGUAGES)  # what a guess is right
UNTESTED = {"low": None, "high": None, "p": None, "error": None, "freedom": None}


@dataclass(frozen=True)
class Names:
    """What each name's answers add to a metric that is a mean of right answers."""

    parts: np.ndarray  # (names, repetitions): their sum over names is the metric; NaN if diverged
    languages: np.ndarray  # (names,)


@dataclass(frozen=True)
class Term:
    """One metric of one run, by replicate, with its weight in a contrast."""

    weight: float
    protocol: str
    values: np.ndarray  # (replicates,), or (1,) for what cannot differ between replicates
    ratio: float  # `test_train_ratio`
    names: Names | None = None  # under held_out, of what is a mean of right answers
    elsewhere: Effect | None = None  # of other networks, estimated elsewhere: nothing else counts

    def with_weight(self, weight: float) -> "Term":
        """The same with another weight."""
        return replace(self, weight=weight)


def networks_and_names(found: Estimate, terms: Sequence[Term]) -> list[tuple[float, float]]:
    """The two-way variance: which networks were trained, and which names they were asked.

    Returns its independent parts, each with its degrees of freedom: s2_D / J over the J replicates'
    contrasts, and for each language n s2 over its n names, of what a name adds to the contrast on
    average over its repetitions (docs/method.md has the formula).
    """
    names = [term.names for term in terms if term.names is not None]
    parts = sum(term.weight * term.names.parts for term in terms if term.names is not None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # names all of whose networks diverged
        means = np.nanmean(np.asarray(parts), axis=1)
    variances = [(found.sd**2 / found.replicates, found.replicates - 1.0)]
    for language in np.unique(names[0].languages):
        own = means[(names[0].languages == language) & np.isfinite(means)]
        if len(own) > 1 and np.ptp(own):
            variances.append((len(own) * float(own.var(ddof=1)), len(own) - 1.0))
    return variances


def contrast(terms: Sequence[Term], confidence: float, threshold: float = 0.0) -> Effect:
    """The weighted sum of some means, and whether it differs from the threshold (Student's t).

    Within a protocol replicate r of every run has the same names, order and first weights, so the
    sum is formed for each replicate and its spread is that of paired differences; replicates in
    which one run diverged are left out. Its variance is two-way where each term knows its names,
    else Nadeau and Bengio's, as in `estimate`. Between protocols the sums are independent, and of
    what was estimated elsewhere. The parts of the variance add up, with Satterthwaite's degrees of
    freedom.
    """
    from scipy.special import stdtr, stdtrit

    effect, worst, diverged, counts = 0.0, 0.0, False, []
    variances: list[tuple[float, float]] = []  # each with its degrees of freedom
    for weight, known in ((one.weight, one.elsewhere) for one in terms if one.elsewhere):
        effect += weight * known.effect
        worst += weight * (known.effect if known.worst_case is None else known.worst_case)
        diverged |= known.worst_case is not None
        counts.append(known.replicates)
        if known.error is not None and known.freedom is not None:
            variances.append((weight**2 * known.error**2, known.freedom))
    ours = [term for term in terms if term.elsewhere is None]
    guessed = [np.where(np.isnan(term.values), CHANCE, term.values) for term in ours]
    worst += sum(term.weight * float(own.mean()) for term, own in zip(ours, guessed, strict=True))
    diverged |= any(np.isnan(term.values).any() for term in ours)
    worst_case = worst if diverged else None
    for protocol in dict.fromkeys(term.protocol for term in ours):
        own = [term for term in ours if term.protocol == protocol]
        paired = np.asarray(sum(term.weight * term.values for term in own))
        found = estimate(paired, confidence, own[0].ratio)
        effect += found.mean
        if len(paired) == 1:  # one network, a constant
            continue
        counts.append(found.replicates)
        if found.replicates > 1:
            if all(term.names is not None for term in own):
                variances += networks_and_names(found, own)
            else:
                widened = found.sd**2 * (1 / found.replicates + own[0].ratio)
                variances.append((widened, found.replicates - 1.0))
    variance = sum(part for part, _ in variances)
    if not variance > 0 or min(counts) < 2:  # nothing varies, or one replicate alone is left
        return Effect(min(counts, default=1), effect, **UNTESTED, worst_case=worst_case)
    freedom = variance**2 / sum(part**2 / own for part, own in variances)
    error = float(np.sqrt(variance))
    reach = float(stdtrit(freedom, (1 + confidence) / 2)) * error
    p = float(2 * stdtr(freedom, -abs(effect - threshold) / error))
    interval, tested = (effect - reach, effect + reach), (p, error, float(freedom))
    return Effect(min(counts), effect, *interval, *tested, worst_case)


def equivalence(found: Effect, threshold: float, margin: float) -> float | None:
    """The p-value of two one-sided tests: small if the effect is within the margin of a threshold.

    Source: Schuirmann (1987). None where nothing varies.
    """
    from scipy.special import stdtr

    if found.error is None or found.freedom is None:
        return None
    room = margin - abs(found.effect - threshold)
    return float(stdtr(found.freedom, -room / found.error))


def detectable(found: Effect, level: float, power: float = 0.8) -> float | None:
    """The smallest distance from a threshold that a two-sided test at a level finds with a power.

    None where nothing varies.
    """
    from scipy.special import stdtrit

    if found.error is None or found.freedom is None:
        return None
    reach = stdtrit(found.freedom, 1 - level / 2) + stdtrit(found.freedom, power)
    return float(reach * found.error)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Adjusted for there being several (Holm, 1979): no false alarm in all, at the same level."""
    from statsmodels.stats.multitest import multipletests

    known = [p for p in p_values if p is not None]
    adjusted = iter(multipletests(known, method="holm")[1].tolist() if known else [])
    return [None if p is None else next(adjusted) for p in p_values]
