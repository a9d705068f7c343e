"""Means and intervals over replicates, against scipy and by hand."""

import gc
import math
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import special, stats
from support.projects import ROOT

from surnames.core import params
from surnames.evaluation import scoring
from surnames.study import claims, statistics
from surnames.study.statistics import Estimate, Term, contrast, estimate, holm

SCORES = st.lists(st.floats(0, 1), min_size=2, max_size=20).map(np.array)


@given(SCORES, st.floats(0.5, 0.999))
def test_interval_is_that_of_scipy(values: np.ndarray, confidence: float) -> None:
    """Without shared training names: Student's t interval of a mean."""
    found = estimate(values, confidence, ratio=0.0)
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
    share = statistics.test_train_ratio("held_out", 5, 0.15)
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
    assert_allclose(statistics.test_train_ratio(protocol, 5, 0.15), share)


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


def terms(*runs: tuple[float, str, np.ndarray], share: float = 0.0) -> list[Term]:
    """Terms of one share."""
    return [Term(weight, protocol, values, share) for weight, protocol, values in runs]


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=20))
def test_a_difference_is_paired(pairs: list[tuple[float, float]]) -> None:
    """Within a protocol it is scipy's paired t test."""
    one, other = np.array(pairs).T
    if np.ptp(one - other) < 1e-9:
        return
    found = contrast(terms((1.0, "published", one), (-1.0, "published", other)), 0.95)
    expected = stats.ttest_rel(one, other)
    interval = expected.confidence_interval(0.95)
    assert_allclose([found.effect, found.p], [(one - other).mean(), expected.pvalue], atol=1e-12)
    assert_allclose([found.low, found.high], [interval.low, interval.high], atol=1e-12)


def test_between_protocols_it_is_welchs() -> None:
    """Two protocols share no pairing: scipy's test of unequal variances."""
    rng = np.random.default_rng(5)
    one, other = rng.normal(0.5, 0.01, 10), rng.normal(0.48, 0.04, 7)
    found = contrast(terms((1.0, "published", one), (-1.0, "held_out", other)), 0.9)
    expected = stats.ttest_ind(one, other, equal_var=False)
    interval = expected.confidence_interval(0.9)
    assert_allclose(found.p, expected.pvalue)
    assert_allclose([found.low, found.high], [interval.low, interval.high])


def test_the_threshold_is_what_p_is_about() -> None:
    """The effect of the threshold itself is no surprise; the interval does not move."""
    values = np.array([0.1, 0.12, 0.11, 0.13])
    at = contrast(terms((1.0, "published", values)), 0.95, threshold=values.mean())
    above = contrast(terms((1.0, "published", values)), 0.95, threshold=0.0)
    assert_allclose(at.p, 1)
    assert above.p is not None and above.p < 0.001
    assert (at.low, at.high) == (above.low, above.high)


def test_one_network_stands_for_all_replicates() -> None:
    """A baseline that cannot differ is subtracted from each, and adds no variance."""
    values, constant = np.array([0.4, 0.5, 0.7]), np.array([0.3])
    found = contrast(terms((1.0, "published", values), (-1.0, "published", constant)), 0.95)
    alone = contrast(terms((1.0, "published", values)), 0.95)
    assert_allclose(found.effect, alone.effect - 0.3)
    assert_allclose(found.high - found.low, alone.high - alone.low)


def test_a_diverged_network_takes_its_pair_along() -> None:
    """A difference needs both."""
    one, other = np.array([0.4, np.nan, 0.7, 0.6]), np.array([0.3, 0.2, 0.5, 0.1])
    found = contrast(terms((1.0, "held_out", one), (-1.0, "held_out", other), share=0.25), 0.95)
    kept = [0, 2, 3]
    same = terms((1.0, "held_out", one[kept]), (-1.0, "held_out", other[kept]), share=0.25)
    assert replace(found, worst_case=None) == contrast(same, 0.95)
    assert found.replicates == 3
    means = np.array([0.4, 1 / 18, 0.7, 0.6]).mean() - other.mean()  # a guess among 18 languages
    assert found.worst_case is not None
    assert_allclose(found.worst_case, means)


@pytest.mark.parametrize("values", [[0.5], [0.5, np.nan]])
def test_without_replicates_nothing_is_tested(values: list[float]) -> None:
    """An effect, and neither interval nor p."""
    found = contrast(terms((1.0, "published", np.array(values))), 0.95)
    assert (found.replicates, found.effect) == (1, 0.5)
    assert found.low is found.high is found.p is None


@pytest.mark.usefixtures("frozen")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=12))
def test_holm_by_hand(p_values: list[float | None]) -> None:
    """The smallest times their number, the next times one less, never falling, at most one."""
    known = sorted(p for p in p_values if p is not None)
    expected, largest = {}, 0.0
    for place, p in enumerate(known):
        largest = max(largest, min(1.0, p * (len(known) - place)))
        expected.setdefault(p, largest)
    for p, adjusted in zip(p_values, holm(p_values), strict=True):
        if p is None:
            assert adjusted is None
        else:
            assert_allclose(adjusted, expected[p], atol=1e-12)


def test_an_effect_from_elsewhere_adds_its_own_variance() -> None:
    """Alone it is itself; beside ours it is as independent as another protocol is."""
    one, other = np.array([0.5, 0.6, 0.7]), np.array([0.2, 0.25, 0.3, 0.27])
    theirs = contrast(terms((1.0, "held_out", other)), 0.95)
    known = Term(1.0, "elsewhere", np.zeros(0), 0.0, elsewhere=theirs)
    again = contrast([known], 0.95)
    assert_allclose(
        [again.effect, again.low, again.high, again.p],
        [theirs.effect, theirs.low, theirs.high, theirs.p],
    )
    found = contrast([*terms((1.0, "published", one)), known.with_weight(-2.0)], 0.9)
    both = contrast(terms((1.0, "published", one), (-2.0, "held_out", other)), 0.9)
    assert_allclose([found.effect, found.low, found.high], [both.effect, both.low, both.high])


DRAWS, ROUNDS = 4000, 600


def covered(draws: Iterable[list[Term]], truth: float) -> float:
    """The share of 95 % intervals that hold the truth."""
    found = [contrast(drawn, 0.95) for drawn in draws]
    return float(np.mean([one.low <= truth <= one.high for one in found]))


@pytest.mark.parametrize("replicates", [3, 10])
def test_coverage_where_the_assumptions_hold(replicates: int) -> None:
    """Paired, independent replicates: 95 of 100 intervals hold the true difference."""
    rng = np.random.default_rng(1)
    shared = rng.normal(0, 0.05, (DRAWS, replicates))  # what pairing takes out
    one = 0.7 + shared + rng.normal(0, 0.01, shared.shape)
    other = 0.6 + shared + rng.normal(0, 0.02, shared.shape)
    draws = (
        terms((1.0, "published", a), (-1.0, "published", b))
        for a, b in zip(one, other, strict=True)
    )
    assert 0.93 < covered(draws, 0.1) < 0.97


def test_coverage_of_a_difference_of_differences() -> None:
    """Two protocols of unequal spread, as in the claim about memory."""
    rng = np.random.default_rng(2)
    one = rng.normal(0.14, 0.015, (DRAWS, 10))
    other = rng.normal(0.03, 0.02, (DRAWS, 10))
    draws = (
        terms((0.5, "published", a), (-1.0, "held_out", b)) for a, b in zip(one, other, strict=True)
    )
    assert 0.93 < covered(draws, 0.04) < 0.97


def accuracies(rng: np.random.Generator, folds: int, repetitions: int) -> np.ndarray:
    """(draws, 2, replicates): cross-validated accuracy of least squares on 6 features and on 1.

    Real learning on real folds, so that the scores are correlated as those of a study are.
    """
    draws, names, features = 2000, 150, 6
    x = rng.normal(size=(draws, names, features))
    y = np.sign(x @ np.array([1.0, 0.5, 0.3, 0.0, 0.0, 0.0]) + rng.normal(size=(draws, names)))
    found = []
    for _ in range(repetitions):
        fold = rng.permuted(np.tile(np.arange(names) % folds, (draws, 1)), axis=1)
        for held_out in range(folds):
            tested = (fold == held_out)[..., None]
            pair = []
            for used in (features, 1):
                known = np.where(tested, 0, x[..., :used])
                square = known.swapaxes(1, 2) @ known
                weights = np.linalg.solve(square, known.swapaxes(1, 2) @ y[..., None])
                right = (np.sign(x[..., :used] @ weights) == y[..., None]) & tested
                pair.append(right.sum(axis=(1, 2)) / tested.sum(axis=(1, 2)))
            found.append(pair)
    return np.array(found).transpose(2, 1, 0)


@pytest.mark.parametrize(("folds", "repetitions"), [(5, 2), (5, 1), (2, 3)])
def test_folds_never_cover_too_little(folds: int, repetitions: int) -> None:
    """Corrected, 93 of 100 hold the truth or more; repeated folds uncorrected are far from it."""
    scores = accuracies(np.random.default_rng(3), folds, repetitions)
    truth = float((scores[:, 0] - scores[:, 1]).mean())
    share = statistics.test_train_ratio("held_out", folds, 0.15)

    def coverage(share: float) -> float:
        draws = (
            terms((1.0, "held_out", one), (-1.0, "held_out", other), share=share)
            for one, other in scores
        )
        return covered(draws, truth)

    assert coverage(share) >= 0.93
    assert repetitions == 1 or coverage(0.0) < 0.92


GROUPS = np.repeat(np.arange(6), [12, 20, 30, 60, 120, 300])  # names, as unequally many as ours
EASE = np.array([[0.2], [0.0]])  # how much easier the names are for the first network


def studies(
    folds: int, repetitions: int, chance: float, *, drawn: bool, count: int = 300
) -> tuple[list[Term], float]:
    """Simulated contrasts of two networks' macro recalls, and their true effect.

    Each name has an ease of its own (probit, standard deviation 1), which training moves for all
    names of a language at once by `chance`. `drawn`: the names are others in each study, and the
    truth is about all such names; else it is about these.
    """
    rng = np.random.default_rng((folds, repetitions, int(100 * chance), drawn))
    sizes = np.bincount(GROUPS)
    weights = 1 / len(sizes) / sizes[GROUPS]
    own = rng.normal(0, 1, (2, len(GROUPS)))
    found = []
    for _ in range(count):
        if drawn:
            own = rng.normal(0, 1, own.shape)
        parts = np.full((len(GROUPS), repetitions), np.nan)
        scores = []
        for repetition in range(repetitions):
            fold = rng.permutation(len(GROUPS)) % folds
            for place in range(folds):
                asked = fold == place
                moved = rng.normal(0, chance, (2, len(sizes)))[:, GROUPS]
                right = rng.random(own.shape) < special.ndtr(EASE + own + moved)
                gain = 1.0 * right[0] - right[1]
                parts[asked, repetition] = (gain * weights)[asked]
                there = np.bincount(GROUPS[asked], minlength=len(sizes))
                sums = np.bincount(GROUPS[asked], gain[asked], len(sizes))
                scores.append((sums[there > 0] / there[there > 0]).mean())
        names = statistics.Names(parts, GROUPS)
        found.append(Term(1.0, "held_out", np.array(scores), 1 / (folds - 1), names))
    ease, spread = (EASE, 2 + chance**2) if drawn else (EASE + own, 1 + chance**2)
    chances = special.ndtr(ease / math.sqrt(spread)) * np.ones_like(own)
    return found, float(((chances[0] - chances[1]) * weights).sum())


@pytest.mark.parametrize("drawn", [False, True])
@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(("folds", "repetitions"), [(3, 4), (5, 4), (10, 2), (20, 1)])
def test_the_two_way_variance_covers(
    folds: int, repetitions: int, chance: float, drawn: bool
) -> None:
    """Intervals hold the truth about all such names 95 times of 100 and a few more.

    About the very names of the lists they are too wide: that names vary is in them all the same.
    """
    draws, truth = studies(folds, repetitions, chance, drawn=drawn)
    share = covered(([one] for one in draws), truth)
    assert share >= 0.935
    assert not drawn or share <= 0.995


@pytest.fixture
def frozen() -> Iterator[None]:
    """statsmodels collects garbage at each call, for which the test suite has much to look at."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("frozen")
def test_no_effect_is_found_where_there_is_none() -> None:
    """Every claim of the real ledger, on networks that are all alike: an alarm in 20 at most."""
    config = params.load(ROOT / "params.yaml")
    ledger = claims.load(config.runs, scoring.METRICS, ROOT / "claims.yaml").claims
    ledger = [claim.model_copy(update={"more_than": 0.0}) for claim in ledger]
    rng = np.random.default_rng(4)
    alarms = {"primary": 0, "secondary": 0}
    for _ in range(ROUNDS):
        drawn: dict[tuple[str, str], Term] = {}

        def values(run: str, metric: str) -> Term:
            protocol = config.runs[run].protocol if run in config.runs else run
            key = (run, metric)
            if key not in drawn:  # noqa: B023 - it is called within this round
                drawn[key] = Term(1.0, protocol, rng.normal(0, 0.02, 10), 0.0)  # noqa: B023
            return drawn[key]  # noqa: B023

        rows = claims.judge(ledger, values, 0.95, 0.02)
        for family in alarms:
            own = [row["verdict"] for row in rows if row["family"] == family]
            alarms[family] += bool({"supported", "refuted"} & set(own))
    most = ROUNDS * 0.05 + 3 * (ROUNDS * 0.05 * 0.95) ** 0.5  # of a true twentieth, nearly always
    assert all(count <= most for count in alarms.values()), alarms
