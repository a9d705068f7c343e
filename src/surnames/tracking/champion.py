"""Which network is called the champion: the one that no other has beaten on unseen names."""

from dataclasses import dataclass

import numpy as np

from surnames.evaluation.scoring import finite_mean
from surnames.study.statistics import Term, contrast


@dataclass(frozen=True)
class Contender:
    """An architecture with the macro recall of its replicates on held-out names."""

    architecture: str
    scores: np.ndarray  # (replicates,), or (1,) where replicates cannot differ
    split: str  # digest of the split that it was scored on
    fingerprint: str
    starter: bool  # trained on the starter corpus

    @property
    def mean(self) -> float:
        """The mean of the replicates that did not diverge; minus infinity where none is left."""
        mean = finite_mean(self.scores)
        return mean if np.isfinite(mean) else -np.inf


@dataclass(frozen=True)
class Decision:
    """The new champion, or None where it stays as it is, and why."""

    winner: Contender | None
    reason: str


def decide(
    contenders: list[Contender],
    champion: Contender | None,
    confidence: float,
    ratio: float,
) -> Decision:
    """Whether the contender with the best mean replaces the champion.

    Only where the interval of the paired difference, at the study's confidence, is above 0; `ratio`
    is `statistics.test_train_ratio`. Scores on another split cannot be paired: there the study's
    own network of the champion's architecture represents it. A study on the starter corpus never
    replaces a champion of real names.
    """
    best = max(contenders, key=lambda one: one.mean)
    if champion is not None and champion.fingerprint == best.fingerprint:
        return Decision(None, f"kept: {best.architecture} has the best mean itself")
    if champion is not None and champion.starter < best.starter:
        return Decision(None, "not moved: this study is on the starter corpus")
    if champion is None:
        return Decision(best, f"moved: the first champion, with the best mean, {best.mean:.4f}")
    if champion.split == best.split:
        better, figures = _compare(best, champion, confidence, ratio)
        return Decision(best if better else None, f"{'' if better else 'not '}moved: {figures}")
    note = "the former champion was scored on other names"
    for one in contenders:
        if one.architecture == champion.architecture and one is not best:
            better, figures = _compare(best, one, confidence, ratio)
            return Decision(best if better else one, f"moved: {note}; {figures}")
    return Decision(best, f"moved: {note}; the best mean, {best.mean:.4f}")


def _compare(one: Contender, other: Contender, confidence: float, ratio: float) -> tuple[bool, str]:
    """Whether one is better than the other beyond chance, and the figures."""
    pair = ((1.0, one), (-1.0, other))
    difference = contrast([Term(w, "held_out", c.scores, ratio) for w, c in pair], confidence)
    name = other.architecture
    against = name if name != one.architecture else "the champion's network of that architecture"
    figures = f"{one.architecture} against {against}: {100 * difference.effect:+.1f} points"
    low, high = difference.low, difference.high
    if low is None or high is None:
        return False, f"{figures}, and no spread to judge it by"
    return low > 0, f"{figures} ({confidence:.0%} interval {100 * low:+.1f} to {100 * high:+.1f})"
