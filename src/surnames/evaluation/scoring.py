"""Exact scores: every name that a replicate is scored on, and nothing sampled."""

import string
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import safetensors.numpy

from surnames.core import files, tables
from surnames.core.corpus import LANGUAGES, Corpus, Split
from surnames.core.errors import StudyError, TrainingError

if TYPE_CHECKING:
    from surnames.networks.network import Architecture, Network

BINS = 15  # of the calibration error
# Answers to other questions than the plain one, of which it is kept whether they are right: with
# probabilities times the languages' shares in training; with another first or last letter.
WITH_PRIOR, FIRST_REPLACED, LAST_REPLACED = "with_prior", "first_replaced", "last_replaced"
OTHERWISE = (WITH_PRIOR, FIRST_REPLACED, LAST_REPLACED)
PRIOR_MATTERS = ("accuracy", "log_loss", "ece")  # macro recall is about equally frequent languages
TRAINED_ON = "trained_on"
OF_NETWORKS = tuple(f"macro_recall_{one}" for one in (TRAINED_ON, FIRST_REPLACED, LAST_REPLACED))
METRICS = (
    *("macro_recall", "accuracy", "macro_f1", "top3_accuracy", "log_loss", "ece"),
    *(f"{name}_{WITH_PRIOR}" for name in PRIOR_MATTERS),
    *OF_NETWORKS,
)


@dataclass(frozen=True)
class Predictions:
    """What one network said of the names that it was scored on, each (names,)."""

    language: np.ndarray  # uint8, the right answer
    predicted: np.ndarray  # uint8, the most probable language
    confidence: np.ndarray  # float32, its probability
    label_probability: np.ndarray  # float32, that of the right answer
    rank: np.ndarray  # uint8, how many languages were more probable than the right one


# of the fields above, in the files: a name of old, which every dvc.lock so far holds the digest of
PREDICTION_KEYS = ("language", "predicted", "confidence", "truth", "rank")


def predict(probabilities: np.ndarray, languages: np.ndarray) -> Predictions:
    """Predictions from probabilities (names, languages); ties go to the first language."""
    rows = np.arange(len(languages))
    label_probability = probabilities[rows, languages]
    own = label_probability[:, None]
    earlier = np.arange(len(LANGUAGES)) < languages[:, None]
    ahead = (probabilities > own) | ((probabilities == own) & earlier)
    predicted = probabilities.argmax(axis=1)
    return Predictions(
        languages.astype(np.uint8),
        predicted.astype(np.uint8),
        probabilities[rows, predicted].astype(np.float32),
        label_probability.astype(np.float32),
        ahead.sum(axis=1).astype(np.uint8),
    )


def confusion_counts(predictions: Predictions) -> np.ndarray:
    """(languages, languages) int64: row the right language, column the predicted one."""
    counts = np.zeros((len(LANGUAGES), len(LANGUAGES)), np.int64)
    np.add.at(counts, (predictions.language, predictions.predicted), 1)
    return counts


def recalls(counts: np.ndarray) -> np.ndarray:
    """(languages,) recall of each language, not a number where it was not scored."""
    scored = counts.sum(axis=1)
    return np.divide(np.diag(counts), scored, out=np.full(len(scored), np.nan), where=scored > 0)


def finite_mean(values: np.ndarray) -> float:
    """The mean over the replicates that have a score; NaN where none has."""
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else np.nan


def median_replicate(scores: np.ndarray) -> int:
    """The replicate with the median score, the lower of two; StudyError where all diverged."""
    order = np.argsort(scores, kind="stable")  # NaN sorts last
    finite = int(np.isfinite(scores).sum())
    if not finite:
        raise StudyError("all networks of this run diverged; lower the learning rate")
    return int(order[(finite - 1) // 2])


def calibration(predictions: Predictions) -> np.ndarray:
    """(BINS, 3): names, sum of confidences and number right, by confidence in equal bins."""
    confidence = predictions.confidence.astype(float)
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    right = (predictions.predicted == predictions.language).astype(float)
    columns = (np.ones_like(right), confidence, right)
    return np.stack([np.bincount(bins, column, BINS) for column in columns], axis=1)


def metrics(predictions: Predictions) -> dict[str, float]:
    """The metrics of one network.

    `macro_recall` is the mean of the languages' recalls: what the tutorial and the article call
    accuracy, since they draw languages uniformly. `macro_f1` as scikit-learn's over the languages
    scored or predicted. `log_loss` in nats, probabilities floored at 1e-12. `ece` is the expected
    calibration error of the top answer over 15 equal bins (Guo et al., 2017).
    """
    counts = confusion_counts(predictions)
    right, scored, said = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    seen = scored + said > 0
    names, confidence, hits = calibration(predictions).T
    floored = np.maximum(predictions.label_probability.astype(float), 1e-12)
    return {
        "macro_recall": float(np.nanmean(recalls(counts))),
        "accuracy": float(right.sum() / counts.sum()),
        "macro_f1": float((2 * right[seen] / (scored + said)[seen]).mean()),
        "top3_accuracy": float((predictions.rank < 3).mean()),
        "log_loss": float(-np.log(floored).mean()),
        "ece": float(np.abs(hits - confidence).sum() / names.sum()),
    }


@dataclass(frozen=True)
class Evaluation:
    """One network's predictions and metrics; nothing of either where it diverged."""

    predictions: Predictions
    metrics: dict[str, float]
    otherwise: dict[str, np.ndarray]  # OTHERWISE -> (names,) bool, whether that answer is right

    @property
    def counts(self) -> np.ndarray:
        """Its confusion counts."""
        return confusion_counts(self.predictions)


def replaced(name: str, place: int) -> str:
    """A name with another letter at that place, of the same case, always the same for this name."""
    own = name[place]
    others = (string.ascii_uppercase if own.isupper() else string.ascii_lowercase).replace(own, "")
    letters = list(name)
    letters[place] = others[zlib.crc32(name.encode()) % len(others)]
    return "".join(letters)


def macro_recall(right: np.ndarray, languages: np.ndarray) -> float:
    """The mean over the languages of the share of their names (names,) that are right."""
    counts, sums = np.bincount(languages), np.bincount(languages, right)
    return float((sums[counts > 0] / counts[counts > 0]).mean())


def evaluate(
    architecture: "Architecture",
    network: "Network",
    scored: Corpus,
    trained: Corpus,
    outside: Corpus,
) -> Evaluation:
    """Score one network on every name of `scored`, and on those `outside`.

    Also with the languages as frequent as in training. A network of an architecture in whose
    training chance takes part, scored on names that it has not seen, is also asked the names that
    it was `trained` on, and those of `scored` with a letter replaced. Diverged is also a network
    whose weights are still numbers, but too large for its answers.
    """
    nothing = Evaluation(predict(np.zeros((0, len(LANGUAGES))), np.zeros(0, np.int64)), {}, {})
    if network.diverged:
        return nothing
    probabilities = architecture.probabilities(network.weights, scored.names)
    if not np.isfinite(probabilities).all():
        return nothing
    predictions = predict(probabilities, scored.languages)
    shares = np.bincount(trained.languages, minlength=len(LANGUAGES)) / len(trained.names)
    weighted = probabilities * shares
    corrected = predict(weighted / weighted.sum(axis=1, keepdims=True), scored.languages)
    with_prior = metrics(corrected)
    found = metrics(predictions)
    found |= {f"{name}_{WITH_PRIOR}": with_prior[name] for name in PRIOR_MATTERS}
    otherwise = {WITH_PRIOR: corrected.predicted == scored.languages}
    others = {"starter": outside} if outside.names else {}
    if architecture.stochastic and trained.names != scored.names:
        others[TRAINED_ON] = trained
        for key, place in ((FIRST_REPLACED, 0), (LAST_REPLACED, -1)):
            altered = [replaced(name, place) for name in scored.names]
            others[key] = Corpus(altered, scored.languages)
    for key, names in others.items():
        beside = architecture.probabilities(network.weights, names.names)
        if not np.isfinite(beside).all():
            return nothing
        elsewhere = predict(beside, names.languages)
        if key == "starter":
            scores = metrics(elsewhere)
            found |= {f"starter_{name}": scores[name] for name in ("macro_recall", "accuracy")}
        else:
            found[f"macro_recall_{key}"] = float(np.nanmean(recalls(confusion_counts(elsewhere))))
            if key in OTHERWISE:
                otherwise[key] = elsewhere.rank == 0
    return Evaluation(predictions, found, otherwise)


def evaluate_all(
    architecture: "Architecture", networks: list["Network"], split: Split, outside: Corpus
) -> list[Evaluation]:
    """`evaluate` each replicate on its own names, side by side where the GIL is released."""

    def one(replicate: int) -> Evaluation:
        rows = split.scored_rows(replicate), split.training_rows(replicate)
        scored, trained = (split.corpus.take(some) for some in rows)
        return evaluate(architecture, networks[replicate], scored, trained, outside)

    with ThreadPoolExecutor() as pool:
        return list(pool.map(one, range(len(networks))))


def means(evaluations: list[Evaluation]) -> dict[str, float]:
    """Each metric's mean over the replicates that did not diverge, and how many did.

    Raises TrainingError where none is left.
    """
    kept = [one.metrics for one in evaluations if one.metrics]
    if not kept:
        raise TrainingError("all networks diverged; lower the learning rate")
    return {name: finite_mean(np.array([one[name] for one in kept])) for name in kept[0]} | {
        "diverged": len(evaluations) - len(kept)
    }


def save(evaluations: list[Evaluation], folder: Path) -> None:
    """Write a run's predictions, scores and recalls by replicate, confusion and calibration.

    A diverged network has no predictions and empty scores. Confusion and calibration are sums over
    replicates; a row of confusion is the right language, one of calibration a bin of confidence.
    """
    arrays = {
        f"{replicate}.{key}": array
        for replicate, one in enumerate(evaluations)
        for key, array in zip(PREDICTION_KEYS, astuple(one.predictions), strict=True)
    }
    arrays |= {
        f"{replicate}.{key}": right
        for replicate, one in enumerate(evaluations)
        for key, right in one.otherwise.items()
    }
    (folder / files.PREDICTIONS).write_bytes(safetensors.numpy.save(arrays))

    metrics = next(list(one.metrics) for one in evaluations if one.metrics)
    scores = ([k, *map(one.metrics.get, metrics)] for k, one in enumerate(evaluations))
    tables.write_table(["replicate", *metrics], scores, folder / files.SCORES)

    rows = ([k, *recalls(one.counts).tolist()] for k, one in enumerate(evaluations))
    tables.write_table(["replicate", *LANGUAGES], rows, folder / files.RECALL)

    counts = np.asarray(sum(one.counts for one in evaluations)).tolist()
    rows = ([language, *row] for language, row in zip(LANGUAGES, counts, strict=True))
    tables.write_table(["language", *LANGUAGES], rows, folder / files.CONFUSION)

    bins = enumerate(np.asarray(sum(calibration(one.predictions) for one in evaluations)))
    header = ["from", "to", "names", "confidence", "accuracy"]
    rows = ([k / BINS, (k + 1) / BINS, int(n), c / n, right / n] for k, (n, c, right) in bins if n)
    tables.write_table(header, rows, folder / files.CALIBRATION)


def load_predictions(path: Path) -> list[tuple[Predictions, dict[str, np.ndarray]]]:
    """Each replicate's predictions and what is right OTHERWISE; both empty where it diverged."""
    with tables.reading(path):
        arrays = safetensors.numpy.load(path.read_bytes())
        replicates = sum(key.endswith(f".{PREDICTION_KEYS[0]}") for key in arrays)
        return [
            (
                Predictions(*(arrays[f"{replicate}.{key}"] for key in PREDICTION_KEYS)),
                {key: arrays.get(f"{replicate}.{key}", np.zeros(0, bool)) for key in OTHERWISE},
            )
            for replicate in range(replicates)
        ]


def load_confusion(path: Path) -> np.ndarray:
    """(languages, languages) int64 counts: a row for each right language."""
    rows = tables.read_table(path)
    with tables.reading(path):
        return np.array([[int(row[name]) for name in LANGUAGES] for row in rows])


def load_columns(path: Path) -> dict[str, np.ndarray]:
    """A table by replicate, by column; empty cells are not a number."""
    rows = tables.read_table(path)
    with tables.reading(path):
        return {
            column: np.array([float(row[column]) if row[column] else np.nan for row in rows])
            for column in rows[0]
            if column != "replicate"
        }
