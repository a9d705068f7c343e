"""Which network deserves to be called the champion: better on names that it has not seen, or not.

Nothing here knows MLflow.
"""

from dataclasses import dataclass

import numpy as np

from surnames.study.statistics import Term, contrast


@dataclass(frozen=True)
class Contender:
    """An architecture with its held-out macro recall, by replicate."""

    architecture: str
    scores: np.ndarray  # (replicates,), or (1,) for what cannot differ between them
    split: str  # digest of the split that it was scored on
    fingerprint: str
    starter: bool  # trained on made-up names

    @property
    def mean(self) -> float:
        """Over the replicates that did not diverge; below all others where none is left."""
        finite = self.scores[np.isfinite(self.scores)]
        return float(finite.mean()) if len(finite) else -np.inf


@dataclass(frozen=True)
class Decision:
    """Who becomes the champion (nobody new: None), and why."""

    winner: Contender | None
    reason: str


def decide(
    contenders: list[Contender],
    champion: Contender | None,
    clean: bool,
    confidence: float,
    share: float,
) -> Decision:
    """Whether the best mean of a study takes the title from the champion that there is.

    Only with the code committed, and only if the paired difference is more than 0 at the study's
    confidence; `share` is that of `statistics.test_train_ratio`. Scores on other splits cannot be
    paired: there the study's own network of the champion's architecture stands for it. A study on
    made-up names takes no title from one on real names.
    """
    best = max(contenders, key=lambda one: one.mean)
    if champion is None or champion.fingerprint == best.fingerprint or not clean:
        return _without_comparing(best, champion, clean)
    if champion.starter < best.starter:
        return Decision(None, "not moved: this study is on the starter corpus")
    if champion.split == best.split:
        better, said = _better(best, champion, confidence, share)
        return Decision(best, f"moved: {said}") if better else Decision(None, f"not moved: {said}")
    note = "the former champion was scored on other names"
    for one in contenders:
        if one.architecture == champion.architecture and one is not best:
            better, said = _better(best, one, confidence, share)
            return Decision(best if better else one, f"moved: {note}; {said}")
    return Decision(best, f"moved: {note}; the best mean, {best.mean:.4f}")


def _without_comparing(best: Contender, champion: Contender | None, clean: bool) -> Decision:
    if champion is not None and champion.fingerprint == best.fingerprint:
        return Decision(None, f"kept: {best.architecture} has the best mean itself")
    if not clean:
        return Decision(None, "not moved: the work tree has changes that are not committed")
    return Decision(best, f"moved: the first champion, with the best mean, {best.mean:.4f}")


def _better(one: Contender, other: Contender, confidence: float, share: float) -> tuple[bool, str]:
    """Whether one is better than the other in each case but chance, and the figures."""
    terms = [
        Term(1.0, "held_out", one.scores, share),
        Term(-1.0, "held_out", other.scores, share),
    ]
    found = contrast(terms, confidence)
    name = other.architecture
    against = name if name != one.architecture else "the champion's network of that architecture"
    said = f"{one.architecture} against {against}: {100 * found.effect:+.1f} points"
    if found.low is None or found.high is None:
        return False, f"{said}, and no spread to judge it by"
    interval = f"{confidence:.0%} interval {100 * found.low:+.1f} to {100 * found.high:+.1f}"
    return found.low > 0, f"{said} ({interval})"
