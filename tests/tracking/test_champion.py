"""Who is called the champion: better on unseen names than chance explains, or nobody new."""

import numpy as np
import pytest

from surnames.tracking import champion
from surnames.tracking.champion import Contender

GOOD = np.array([0.50, 0.52, 0.51, 0.53, 0.52])
NOISE = np.array([0.001, -0.001, 0.002, 0.0, -0.002])


def contender(name: str, scores: np.ndarray, split: str = "s", starter: bool = False) -> Contender:
    return Contender(name, scores, split, f"{name} {scores.sum()} {split}", starter)


def decide(contenders: list[Contender], holder: Contender | None) -> champion.Decision:
    return champion.decide(contenders, holder, 0.95, 0.25)


def test_a_better_one_takes_the_title() -> None:
    """Each replicate about 10 points above the champion's; the reason gives the interval."""
    holder, better = contender("fixed", GOOD), contender("ngram_logistic", GOOD + 0.1 + NOISE)
    found = decide([holder, better], holder)
    assert found.winner is better
    assert found.reason.startswith("moved: ngram_logistic against fixed: +10.0 points (95% ")


def test_a_higher_mean_is_not_enough() -> None:
    """The mean is higher by a point, and the differences scatter by ten."""
    holder = contender("fixed", GOOD)
    lucky = contender("relu_only", GOOD + np.array([0.1, -0.1, 0.08, -0.09, 0.06]))
    found = decide([holder, lucky], holder)
    assert found.winner is None
    assert found.reason.startswith("not moved: relu_only against fixed: +1.0 points")


def test_overlapping_training_sets_ask_for_more() -> None:
    """Nadeau and Bengio's share widens the interval; without it this one would win."""
    holder = contender("fixed", GOOD)
    slight = contender("relu_only", GOOD + 0.01 + 4 * NOISE)
    args = ([holder, slight], holder, 0.95)
    assert champion.decide(*args, ratio=0.0).winner is slight
    assert champion.decide(*args, ratio=0.5).winner is None


def test_the_first_champion() -> None:
    """The best mean, whatever its interval; a diverged architecture is none."""
    lost = contender("gru", np.full(5, np.nan))
    best = contender("fixed", np.array([0.5, np.nan, 0.5, 0.5, 0.5]))
    found = decide([lost, best, contender("majority", np.array([0.056]))], None)
    assert found.winner is best


def test_the_champion_itself_is_kept() -> None:
    """It is not compared with itself."""
    holder = contender("fixed", GOOD)
    found = decide([holder, contender("gru", GOOD - 0.2)], holder)
    assert (found.winner, found.reason[:4]) == (None, "kept")


@pytest.mark.parametrize(("gain", "winner"), [(0.1, "gru"), (0.001, "fixed")])
def test_other_names_are_not_compared(gain: float, winner: str) -> None:
    """The former champion's architecture stands for it, with its network of this study."""
    former = contender("fixed", GOOD + 0.3, split="other names")
    here, other = contender("fixed", GOOD), contender("gru", GOOD + gain + 5 * NOISE)
    found = decide([here, other], former)
    assert found.winner is not None
    assert found.winner.architecture == winner
    assert found.winner.split == "s"
    assert "scored on other names" in found.reason


def test_made_up_names_take_no_title_from_real_ones() -> None:
    """And real ones take it from made-up ones, however high those were scored."""
    real, made_up = contender("fixed", GOOD), contender("fixed", GOOD + 0.4, "t", starter=True)
    assert decide([made_up], real).winner is None
    assert decide([real], made_up).winner is real
