"""Character n-grams and logistic regression: what one would try first, without a network.

Fitting needs scikit-learn; scoring needs NumPy alone.
"""

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from surnames.core.corpus import LANGUAGES, Corpus
from surnames.networks.network import Arrays, Network, ReplicateStreams, StepsDone, Weights

if TYPE_CHECKING:
    from surnames.core.params import LogisticRegression

LONGEST = 100  # letters of an n-gram; params.yaml allows 6
TOLERANCE = 1e-2  # probabilities within 3e-4 of those at a hundredth of it


def ngrams(name: str, longest: int) -> Counter[str]:
    """The n-grams, n = 1 to `longest`, of each word of a name with a space at either end.

    The same as scikit-learn's `char_wb` analyzer, which `test_baselines.py` holds it against.
    """
    words = [f" {word} " for word in name.split()]
    return Counter(
        word[start : start + n]
        for word in words
        for n in range(1, longest + 1)
        for start in range(len(word) - n + 1)
    )


def fit_ngrams(
    corpus: Corpus, recipe: "LogisticRegression", languages: int
) -> dict[str, np.ndarray]:
    """One logistic regression per language against the rest, on tf-idf of n-grams.

    Returns `vocabulary` (bytes, one n-gram a line), `idf` (n-grams,), `weight` (n-grams, languages)
    and `bias` (languages,), float32. Dual coordinate descent (liblinear) uses no BLAS, whose bits
    differ between processors.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression as Binary
    from sklearn.utils.class_weight import compute_sample_weight

    vectorizer = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(1, recipe.longest), lowercase=False
    )
    features = vectorizer.fit_transform(corpus.names)
    balance = compute_sample_weight("balanced" if recipe.balanced else None, corpus.languages)
    weight = np.zeros((features.shape[1], languages), np.float32)
    bias = np.full(languages, -700.0, np.float32)  # a language that training lacks is never said
    settings = {"C": recipe.inverse_regularization, "max_iter": recipe.passes, "tol": TOLERANCE}
    for language in np.unique(corpus.languages):
        binary = Binary(solver="liblinear", dual=True, random_state=0, **settings)
        binary.fit(features, corpus.languages == language, sample_weight=balance)
        weight[:, language] = binary.coef_[0]
        bias[language] = binary.intercept_[0]
    return {
        "vocabulary": np.frombuffer(
            "\n".join(vectorizer.get_feature_names_out()).encode(), np.uint8
        ).copy(),
        "idf": vectorizer.idf_.astype(np.float32),
        "weight": weight,
        "bias": bias,
    }


def ngram_probabilities(weights: dict[str, np.ndarray], names: list[str]) -> np.ndarray:
    """(names, languages) float64: each language's own probability, normalized to sum to one."""
    vocabulary = bytes(weights["vocabulary"]).decode().split("\n")
    index = {ngram: k for k, ngram in enumerate(vocabulary)}
    longest = max(map(len, vocabulary))
    idf, weight = weights["idf"].astype(float), weights["weight"].astype(float)
    scores = np.tile(weights["bias"].astype(float), (len(names), 1))
    for row, name in enumerate(names):
        counts = ngrams(name, longest)
        known = [(index[ngram], count) for ngram, count in counts.items() if ngram in index]
        if known:
            columns, times = np.array(known).T
            values = times * idf[columns]
            values /= np.sqrt((values**2).sum())
            scores[row] += (weight[columns] * values[:, None]).sum(axis=0)
    each = 1 / (1 + np.exp(-scores))
    return each / each.sum(axis=1, keepdims=True)


@dataclass(frozen=True)
class NgramLogistic:
    """One language against the rest, normalized to sum to one; how long n-grams are, a recipe says.

    `case`: whether small and capital letters differ.
    """

    features: str = "character n-grams"
    case: bool = True
    method: ClassVar = "logistic_regression"
    stochastic: ClassVar = False
    threads: ClassVar = False  # liblinear draws from one generator for the whole process

    @property
    def words(self) -> str:
        """What it looks at."""
        return f"{self.features}, logistic regression"

    def card(self) -> dict[str, Any] | None:
        """Nothing but its kind; None without case, which the portable scorer keeps."""
        return {"kind": "ngram_logistic"} if self.case else None

    def arrays(self, weights: Weights) -> Arrays:
        """By the number of n-grams."""
        vocabulary = bytes(weights["vocabulary"]).decode().split("\n")
        if max(map(len, vocabulary)) > LONGEST:
            raise ValueError(f"an n-gram of more than {LONGEST} letters")
        return {
            "vocabulary": ("uint8", (weights["vocabulary"].size,)),
            "idf": ("float32", (len(vocabulary),)),
            "weight": ("float32", (len(vocabulary), len(LANGUAGES))),
            "bias": ("float32", (len(LANGUAGES),)),
        }

    def fit(
        self,
        corpus: Corpus,
        recipe: "LogisticRegression",
        streams: ReplicateStreams,
        steps_done: StepsDone,
    ) -> Network:
        """Fit with scikit-learn's liblinear, by dual coordinate descent: no BLAS in it."""
        corpus = Corpus(self._read(corpus.names), corpus.languages)
        return Network(fit_ngrams(corpus, recipe, len(LANGUAGES)))

    def probabilities(self, weights: Weights, names: list[str]) -> np.ndarray:
        """From the weights alone, without scikit-learn."""
        return ngram_probabilities(weights, self._read(names))

    def _read(self, names: list[str]) -> list[str]:
        return names if self.case else [name.lower() for name in names]


ARCHITECTURES = {
    "ngram_logistic": NgramLogistic(),
    "bigram_logistic": NgramLogistic("letters and pairs of letters"),
    "bag_of_letters": NgramLogistic("letters without their order and case", case=False),
}
