"""The scores against scikit-learn and against slow references written out here."""

import math
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import metrics as oracle

from surnames.architectures import elman
from surnames.architectures.majority import Majority
from surnames.core import alphabet, files
from surnames.core.corpus import LANGUAGES, Corpus
from surnames.core.errors import TrainingError
from surnames.evaluation import scoring
from surnames.networks.network import Network, Weights

K = len(LANGUAGES)
BASELINES = [name for name in scoring.METRICS if name not in scoring.OF_NETWORKS]


@st.composite
def scored(draw: st.DrawFn, ties: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (names, languages) and the right languages, few of them or all."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    names = draw(st.integers(1, 60))
    spoken = draw(st.integers(1, K))
    languages = rng.choice(rng.permutation(K)[:spoken], names)
    if ties:  # quarters, so that many are equal
        probabilities = np.round(rng.dirichlet(np.ones(K), names) * 40)
        probabilities[:, 0] += 1
        return probabilities / probabilities.sum(axis=1, keepdims=True), languages
    return rng.dirichlet(np.full(K, draw(st.sampled_from([0.1, 0.5, 5.0]))), names), languages


def found(given_: tuple[np.ndarray, np.ndarray]) -> dict[str, float]:
    """The metrics of these probabilities."""
    return scoring.metrics(scoring.predict(*given_))


@given(scored())
def test_metrics_are_those_of_scikit_learn(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    """Accuracy, macro recall, macro F1, top-3, log loss and the confusion counts."""
    probabilities, languages = drawn
    said = probabilities.argmax(axis=1)
    ours, every = found(drawn), np.arange(K)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a language that was said but never right
        recall = oracle.balanced_accuracy_score(languages, said)
    assert_allclose(ours["macro_recall"], recall)
    assert_allclose(ours["accuracy"], oracle.accuracy_score(languages, said))
    assert_allclose(ours["macro_f1"], oracle.f1_score(languages, said, average="macro"))
    top = oracle.top_k_accuracy_score(languages, probabilities, k=3, labels=every)
    assert_allclose(ours["top3_accuracy"], top)
    floored = np.maximum(probabilities, 1e-12)
    floored /= floored.sum(axis=1, keepdims=True)
    log_loss = oracle.log_loss(languages, floored, labels=every)
    assert_allclose(ours["log_loss"], log_loss, rtol=1e-5)
    predictions = scoring.predict(*drawn)
    assert_array_equal(
        scoring.confusion_counts(predictions),
        oracle.confusion_matrix(languages, said, labels=every),
    )
    per_language = oracle.recall_score(
        languages, said, labels=every, average=None, zero_division=np.nan
    )
    assert_allclose(scoring.recalls(scoring.confusion_counts(predictions)), per_language)


@given(scored() | scored(ties=True))
def test_calibration_error_is_that_of_its_definition(
    drawn: tuple[np.ndarray, np.ndarray],
) -> None:
    """Guo et al. 2017, equation 3, bin by bin and name by name."""
    probabilities, languages = drawn
    error = 0.0
    for bin_ in range(15):
        inside = []
        for row, right in zip(probabilities, languages, strict=True):
            confidence = float(np.float32(row.max()))
            if min(math.floor(confidence * 15), 14) == bin_:
                inside.append((confidence, float(row.argmax() == right)))
        if inside:
            confidence, accuracy = np.mean(inside, axis=0)
            error += len(inside) / len(languages) * abs(accuracy - confidence)
    assert_allclose(found(drawn)["ece"], error, atol=1e-9)


@given(scored(ties=True))
def test_ranks_break_ties_as_the_answer_does(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    """A stable sort, best first: rank 0 is the answer itself, and each name has one rank."""
    probabilities, languages = drawn
    predictions = scoring.predict(*drawn)
    order = np.argsort(-probabilities, axis=1, kind="stable")
    ranks = (order == languages[:, None]).argmax(axis=1)
    assert_array_equal(predictions.rank, ranks)
    assert_array_equal(predictions.rank == 0, predictions.predicted == languages)
    assert_allclose(found(drawn)["top3_accuracy"], (ranks < 3).mean())


def test_constant_answer_scores_by_hand() -> None:
    """Nothing known: the first language is the answer, and top-3 are the first three."""
    probabilities = np.full((4, K), 1 / K)
    languages = np.array([0, 0, 2, 5])
    ours = found((probabilities, languages))
    assert_allclose(ours["macro_recall"], 1 / 3)
    assert_allclose(ours["accuracy"], 1 / 2)
    assert_allclose(ours["macro_f1"], (2 * 2 / (2 + 4)) / 3)
    assert_allclose(ours["top3_accuracy"], 3 / 4)
    assert_allclose(ours["log_loss"], np.log(K), rtol=1e-6)
    assert_allclose(ours["ece"], abs(1 / 2 - 1 / K), rtol=1e-6)


def test_certain_and_wrong_costs_a_finite_loss() -> None:
    """A probability of zero is floored at 1e-12; a certain answer stays in the last bin."""
    predictions = scoring.predict(np.eye(K)[[1, 1]], np.array([0, 1]))
    bins = scoring.calibration(predictions)
    assert bins.shape == (15, 3)
    assert_array_equal(bins[-1], [2, 2, 1])
    ours = scoring.metrics(predictions)
    assert_allclose(ours["log_loss"], -np.log(1e-12) / 2)
    assert_allclose(ours["ece"], 1 / 2)


def test_language_that_was_not_scored_does_not_count() -> None:
    """Its recall is not a number, and the macro recall is the mean of the others."""
    probabilities = np.eye(K)[[0, 3, 3]]
    predictions = scoring.predict(probabilities, np.array([0, 0, 3]))
    recall = scoring.recalls(scoring.confusion_counts(predictions))
    assert_array_equal(np.isnan(recall), [k not in (0, 3) for k in range(K)])
    assert scoring.metrics(predictions)["macro_recall"] == 0.75


class Answers(Majority):
    """An architecture that gives prepared probabilities, one row for each name."""

    def probabilities(self, weights: Weights, names: list[str]) -> np.ndarray:
        """The row that a name stands for."""
        return weights["rows"][[int(name) for name in names]]


def evaluations() -> list[scoring.Evaluation]:
    """Three replicates, the second diverged; the last name is outside."""
    rng = np.random.default_rng(5)
    names = Corpus(list(map(str, range(40))), rng.integers(0, K, 40))
    outside = Corpus(["40", "41"], np.array([3, 4]))
    networks = [Network({"rows": rng.dirichlet(np.ones(K), 42)}) for _ in range(3)]
    networks[1].weights["rows"][7, 7] = np.nan
    trained = Corpus(["0", "1", "2", "3"], np.array([0, 0, 0, 5]))
    return [scoring.evaluate(Answers(), network, names, trained, outside) for network in networks]


def test_diverged_network_is_left_out_and_counted() -> None:
    """It has no metric and no prediction; the means are those of the others."""
    first, second, third = evaluations()
    assert second.metrics == {}
    assert second.counts.sum() == 0
    means = scoring.means([first, second, third])
    assert means["diverged"] == 1
    for name in (*BASELINES, "starter_accuracy", "starter_macro_recall"):
        assert_allclose(means[name], (first.metrics[name] + third.metrics[name]) / 2)


def test_tables_hold_what_was_scored(tmp_path: Path) -> None:
    """Every file that a run leaves, read again: to six digits, the diverged one empty."""
    ones = evaluations()
    scoring.save(ones, tmp_path)
    columns = scoring.load_columns(tmp_path / files.SCORES)
    assert set(BASELINES) <= set(columns)
    for name, values in columns.items():
        assert_allclose(values[[0, 2]], [ones[k].metrics[name] for k in (0, 2)], rtol=1e-5)
        assert np.isnan(values[1])
    recall = scoring.load_columns(tmp_path / files.RECALL)
    assert list(recall) == list(LANGUAGES)
    wanted = np.array([scoring.recalls(one.counts) for one in ones]).T
    assert_allclose(list(recall.values()), wanted, rtol=1e-5)
    confusion = scoring.load_confusion(tmp_path / files.CONFUSION)
    assert_array_equal(confusion, ones[0].counts + ones[2].counts)
    bins = scoring.load_columns(tmp_path / files.CALIBRATION)
    assert bins["names"].sum() == 80
    right = (bins["accuracy"] * bins["names"]).sum()
    assert_allclose(right, sum(np.trace(one.counts) for one in ones), rtol=1e-4)
    answers = scoring.load_predictions(tmp_path / files.PREDICTIONS)
    for one, (predictions, otherwise) in zip(ones, answers, strict=True):
        assert_array_equal(predictions.predicted, one.predictions.predicted)
        wanted = one.otherwise.get(scoring.WITH_PRIOR, np.zeros(0))
        assert_array_equal(otherwise[scoring.WITH_PRIOR], wanted)


def test_prior_is_the_shares_of_training() -> None:
    """By hand: an even answer goes to the language that training had more often, and costs less."""
    rows = np.full((3, K), 0.02)
    rows[:, [0, 5]] = 0.34
    trained = Corpus(["0", "1", "2", "0"], np.array([5, 5, 5, 0]))
    scored, nothing = Corpus(["0", "1", "2"], np.array([5, 5, 0])), Corpus([], np.zeros(0, int))
    one = scoring.evaluate(Answers(), Network({"rows": rows}), scored, trained, nothing)
    assert_allclose(one.metrics["accuracy"], 1 / 3)
    assert_allclose(one.metrics["accuracy_with_prior"], 2 / 3)
    loss = -(2 * math.log(0.75) + math.log(0.25)) / 3
    assert_allclose(one.metrics["log_loss_with_prior"], loss, rtol=1e-6)
    assert_allclose(one.metrics["ece_with_prior"], 0.75 - 2 / 3, rtol=1e-6)
    assert_array_equal(one.otherwise[scoring.WITH_PRIOR], [True, True, False])


@given(st.text(st.sampled_from(alphabet.LETTERS), min_size=1, max_size=12))
def test_one_letter_is_replaced(name: str) -> None:
    """At its place, by another one of the same case, always the same; the rest stays."""
    for place in (0, -1):
        other = scoring.replaced(name, place)
        changed = [k for k in range(len(name)) if other[k] != name[k]]
        assert (len(other), changed) == (len(name), [place % len(name)])
        assert other[place].isalpha() and other[place].isupper() == name[place].isupper()
        assert other == scoring.replaced(name, place)


def test_networks_are_asked_more() -> None:
    """The names that they were trained on, and with letters replaced, each by the plain way."""
    row = elman.ARCHITECTURES["fixed"]
    weights = row.initial_weights(8, np.random.default_rng(3))
    scored = Corpus(["Smith", "Maier", "Rossi", "Li"], np.array([4, 6, 9, 1]))
    trained, nothing = Corpus(["Wu", "Ricci"], np.array([1, 9])), Corpus([], np.zeros(0, int))
    one = scoring.evaluate(row, Network(weights), scored, trained, nothing)
    assert set(one.metrics) == set(scoring.METRICS)

    def share(names: list[str], languages: np.ndarray) -> float:
        return float((row.probabilities(weights, names).argmax(axis=1) == languages).mean())

    first = [scoring.replaced(name, 0) for name in scored.names]
    last = [scoring.replaced(name, -1) for name in scored.names]
    assert one.metrics["macro_recall_trained_on"] == share(trained.names, trained.languages)
    assert one.metrics["macro_recall_first_replaced"] == share(first, scored.languages)
    assert one.metrics["macro_recall_last_replaced"] == share(last, scored.languages)
    assert one.otherwise[scoring.LAST_REPLACED].mean() == share(last, scored.languages)


@pytest.mark.parametrize(("scale", "diverged"), [(1e3, False), (1e10, True), (1e30, True)])
def test_huge_weights_are_scored_or_counted_as_diverged(scale: float, diverged: bool) -> None:
    """Weights are finite, but not always the answers: no crash, no warning and no wrong number."""
    row = elman.ARCHITECTURES["fixed"]
    weights = row.initial_weights(4, np.random.default_rng(1))
    weights = {name: (array * scale).astype(np.float32) for name, array in weights.items()}
    names = Corpus(["Smith", "Maier"], np.array([4, 6]))
    one = scoring.evaluate(row, Network(weights), names, names, Corpus([], np.zeros(0, np.int64)))
    assert (one.metrics == {}) == diverged
    assert all(map(math.isfinite, one.metrics.values()))
    if diverged:
        with pytest.raises(TrainingError, match="all networks diverged"):
            scoring.means([one])


@pytest.mark.parametrize("count", [1, 300])
def test_predictions_fit_their_types(count: int) -> None:
    """Counts beyond 255 names, and every language's index."""
    languages = np.arange(count) % K
    predictions = scoring.predict(np.eye(K)[languages], languages)
    assert scoring.confusion_counts(predictions).sum() == count
    assert scoring.metrics(predictions)["accuracy"] == 1


def test_the_median_replicate() -> None:
    """The lower one of an even number; a diverged network never represents its architecture."""
    assert scoring.median_replicate(np.array([0.3, 0.1, 0.2])) == 2
    assert scoring.median_replicate(np.array([0.3, 0.1, 0.2, 0.4])) == 2
    assert scoring.median_replicate(np.array([np.nan, 0.9, np.nan])) == 1
