"""The baselines against scikit-learn itself: same n-grams, same probabilities."""

import numpy as np
import pytest
import sklearn
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.utils.class_weight import compute_sample_weight
from support.projects import ROOT

from surnames.architectures import elman
from surnames.architectures.ngram_logistic import TOLERANCE, fit_ngrams, ngram_probabilities, ngrams
from surnames.core import alphabet, params
from surnames.core.corpus import LANGUAGES, Corpus
from surnames.data.names import starter_names
from surnames.networks.lookup import architectures
from surnames.networks.network import ReplicateStreams

WORDS = st.text(st.sampled_from("aábB' .,;-"), max_size=12)


@given(WORDS | st.text(max_size=12), st.integers(1, 6))
def test_ngrams_are_those_of_scikit_learn(name: str, longest: int) -> None:
    """`char_wb`, with one- and two-letter words, apostrophes and spaces anywhere."""
    analyze = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(1, longest), lowercase=False
    ).build_analyzer()
    assert sorted(ngrams(name, longest).elements()) == sorted(analyze(name))


@pytest.fixture(scope="module")
def names() -> Corpus:
    """A third of the starter corpus; unevenly, so that balance matters."""
    clean = starter_names(ROOT / "data" / "starter")
    return clean.take(np.flatnonzero(np.arange(len(clean.names)) % (2 + clean.languages % 3) == 0))


@pytest.mark.parametrize("balanced", [True, False])
def test_probabilities_are_those_of_scikit_learn(names: Corpus, balanced: bool) -> None:
    """scikit-learn's own pipeline, fitted by itself, on names that it has and has not seen."""
    recipe = params.LogisticRegression(
        method="logistic_regression",
        longest=4,
        inverse_regularization=2.0,
        passes=30,
        balanced=balanced,
    )
    weights = fit_ngrams(names, recipe, len(LANGUAGES))
    with sklearn.config_context(enable_metadata_routing=True):
        binary = LogisticRegression(
            solver="liblinear",
            dual=True,
            C=2.0,
            tol=TOLERANCE,
            max_iter=30,
            random_state=0,
        )
        pipeline = make_pipeline(
            TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), lowercase=False),
            OneVsRestClassifier(binary.set_fit_request(sample_weight=True)),
        )
        weight = compute_sample_weight("balanced" if balanced else None, names.languages)
        pipeline.fit(names.names, names.languages, sample_weight=weight)
    asked = [*names.names[::5], "Smithson", "O'Neil", "van der Berg", "a", "' .", "Zzyzx", "St. J."]
    found = ngram_probabilities(weights, asked)
    assert_allclose(found, pipeline.predict_proba(asked), atol=1e-6)


def test_balance_and_regularization_reach_the_fit(names: Corpus) -> None:
    """Each parameter of the recipe changes the weights."""
    plain = params.LogisticRegression(
        method="logistic_regression",
        longest=2,
        inverse_regularization=1.0,
        passes=30,
        balanced=True,
    )
    before = fit_ngrams(names, plain, len(LANGUAGES))
    for change in ({"longest": 3}, {"inverse_regularization": 0.1}, {"balanced": False}):
        after = fit_ngrams(names, plain.model_copy(update=change), len(LANGUAGES))
        assert not np.array_equal(before["weight"], after["weight"]), change


def test_language_without_names_is_never_said(names: Corpus) -> None:
    """Its column stays, its probability is zero, and no warning comes."""
    without = names.take(np.flatnonzero(names.languages != 7))
    row = architectures()["ngram_logistic"]
    recipe = params.load(ROOT / "params.yaml").recipes["ngram"]
    network = row.fit(without, recipe, ReplicateStreams.of(1, "published", 0), lambda steps: None)
    found = row.probabilities(network.weights, ["Papadopoulos", "", "Smith"])
    assert_allclose(found.sum(axis=1), 1)
    assert (found[:, 7] < 1e-200).all()
    assert not network.diverged


def test_majority_gives_the_shares_of_training() -> None:
    """Counted by hand: the same for every name, and the most frequent language is the answer."""
    names = Corpus(["a", "b", "c", "d"], np.array([2, 2, 2, 17]))
    row = architectures()["majority"]
    recipe = params.Counting(method="counting")
    network = row.fit(names, recipe, ReplicateStreams.of(1, "published", 0), lambda steps: None)
    found = row.probabilities(network.weights, ["Smith", ""])
    wanted = np.zeros(len(LANGUAGES))
    wanted[2], wanted[17] = 0.75, 0.25
    assert_allclose(found, [wanted, wanted])


@given(st.lists(st.text(st.sampled_from(alphabet.LETTERS), max_size=20), max_size=5))
def test_any_names_have_probabilities(names: list[str]) -> None:
    """Rows that sum to one, for names without a known n-gram and for no name at all."""
    weights = {
        "vocabulary": np.frombuffer(b" \na\n a", np.uint8),
        "idf": np.ones(3, np.float32),
        "weight": np.arange(54, dtype=np.float32).reshape(3, 18) - 20,
        "bias": np.zeros(18, np.float32),
    }
    weights["weight"][:, 3], weights["bias"][3] = 0, -700  # a language that training lacked
    found = ngram_probabilities(weights, names)
    assert found.shape == (len(names), 18)
    assert_allclose(found.sum(axis=1), 1)


def test_a_bag_knows_neither_order_nor_case(names: Corpus) -> None:
    """Anagrams in any case have the same answer; for pairs of letters they have not."""
    recipe = params.load(ROOT / "params.yaml").recipes["ngram"]
    streams = ReplicateStreams.of(1, "held_out", 0)
    for name, longest, same in (("bag_of_letters", 1, True), ("bigram_logistic", 2, False)):
        row = architectures()[name]
        short = recipe.model_copy(update={"longest": longest, "passes": 30})
        weights = row.fit(names, short, streams, lambda steps: None).weights
        one, other = row.probabilities(weights, ["Rossi", "sISOR"])
        assert np.allclose(one, other) == same


def test_shuffled_letters_stay_the_same_letters() -> None:
    """Each name has one order, which is none of the name's own; the network is asked about it."""
    names = ["Papadopoulos", "Smith", "Li", "O'Neil"]
    orders = [*map(elman.shuffled, names)]
    assert [sorted(one) for one in orders] == [sorted(name) for name in names]
    assert orders == [*map(elman.shuffled, names)] != names
    fixed, shuffled = (elman.ARCHITECTURES[name] for name in ("fixed", "fixed_shuffled"))
    weights = fixed.initial_weights(8, np.random.default_rng(1))
    assert_allclose(shuffled.probabilities(weights, names), fixed.probabilities(weights, orders))


def test_trained_again_is_other_chance(names: Corpus) -> None:
    """Other weights at the start and other examples, in each replicate; the same every time."""
    streams = ReplicateStreams.of(1, "held_out", 3)
    again = ReplicateStreams.of(1, "held_out", 3).again()
    assert streams.weights.random() != again.weights.random()
    assert streams.examples.random() != again.examples.random()
    recipe = params.load(ROOT / "params.yaml").recipes["online"]
    short = recipe.model_copy(update={"steps": 200, "hidden_size": 8})

    def trained(name: str) -> np.ndarray:
        own = ReplicateStreams.of(1, "held_out", 3)
        return (
            elman.ARCHITECTURES[name]
            .fit(names, short, own, lambda steps: None)
            .weights["cell.bias"]
        )

    assert (trained("fixed_again") == trained("fixed_again")).all()
    assert (trained("fixed_again") != trained("fixed")).any()
