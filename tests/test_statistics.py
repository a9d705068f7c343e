"""Means and intervals over replicates, against scipy and by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats

from surnames.statistics import Estimate, estimate, scored_share

SCORES = st.lists(st.floats(0, 1), min_size=2, max_size=20).map(np.array)


@given(SCORES, st.floats(0.5, 0.999))
def test_interval_is_that_of_scipy(values: np.ndarray, confidence: float) -> None:
    """Without shared training names: Student's t interval of a mean."""
    found = estimate(values, confidence, share=0.0)
    assert_allclose(found.mean, values.mean())
    if np.ptp(values) < 1e-9:
        return  # scipy has no interval without a spread; see below for equal scores
    low, high = stats.t.interval(
        confidence, len(values) - 1, loc=values.mean(), scale=stats.sem(values)
    )
    assert_allclose([found.low, found.high], [low, high], atol=1e-12)
    assert_allclose(found.sd, np.std(values, ddof=1))


def test_overlapping_training_sets_widen_it() -> None:
    """Nadeau and Bengio's formula by hand: 10 scores of 5 folds, a quarter as many held out."""
    values = np.array([0.70, 0.72, 0.71, 0.69, 0.73, 0.70, 0.71, 0.72, 0.68, 0.74])
    share = scored_share("held_out", 5, 0.15)
    assert share == 0.25
    deviations = [(value - 0.71) ** 2 for value in values]
    error = math.sqrt(sum(deviations) / 9 * (1 / 10 + 1 / 4))
    t = 2.2621571628  # the 97.5 % point of Student's t with 9 degrees, from a table
    found = estimate(values, 0.95, share)
    assert_allclose(found.mean, 0.71)
    assert_allclose([found.low, found.high], [0.71 - t * error, 0.71 + t * error])


@pytest.mark.parametrize(
    ("protocol", "share"), [("published", 0.0), ("held_out", 1 / 4), ("random_split", 15 / 85)]
)
def test_share_is_scored_per_training_name(protocol: str, share: float) -> None:
    """n2 / n1 of the paper; replicates that score the names that they train on have no split."""
    assert_allclose(scored_share(protocol, 5, 0.15), share)


@given(SCORES, st.lists(st.integers(0, 20), min_size=1, max_size=5))
def test_diverged_are_counted_and_left_out(values: np.ndarray, places: list[int]) -> None:
    """The estimate is that of the others, and their number is told."""
    mixed = np.insert(values, [min(place, len(values)) for place in places], np.nan)
    alone, found = estimate(values, 0.95, 0.1), estimate(mixed, 0.95, 0.1)
    assert (found.replicates, found.diverged) == (len(values), len(places))
    assert found == Estimate(**{**vars(alone), "diverged": len(places)})


def test_one_replicate_has_no_interval() -> None:
    """A mean, and nothing that is not known."""
    found = estimate(np.array([0.5, np.nan]), 0.95, 0.0)
    assert (found.replicates, found.diverged, found.mean) == (1, 1, 0.5)
    assert np.isnan([found.sd, found.low, found.high]).all()


def test_none_left_has_no_mean() -> None:
    """All diverged: counted, and not a number, without a warning."""
    found = estimate(np.array([np.nan, np.nan]), 0.95, 0.0)
    assert (found.replicates, found.diverged) == (0, 2)
    assert np.isnan([found.mean, found.sd, found.low, found.high]).all()


@given(st.floats(0, 1), st.integers(2, 30))
def test_equal_scores_have_no_spread(score: float, count: int) -> None:
    """Exactly zero: a residue of rounding would differ between processors."""
    found = estimate(np.full(count, score), 0.95, 0.25)
    assert found.sd == 0
    assert found.low == found.mean == found.high
