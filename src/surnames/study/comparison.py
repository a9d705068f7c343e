"""The runs of a study side by side, as the tables that are kept in git."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from surnames.core import files, tables
from surnames.core.corpus import LANGUAGES, TEST, Split
from surnames.core.params import Protocols, Run
from surnames.core.tables import Row
from surnames.evaluation import scoring
from surnames.study.claims import RECALL
from surnames.study.factorial import decompositions
from surnames.study.statistics import Names, Term, contrast, estimate, test_train_ratio

DataSet = dict[str, str]  # its name and its identity
RIGHT = {"accuracy": 1, "top3_accuracy": 3}  # the answers among which the right one must be
EFFECTS = ("protocol", "activation", "part", "replicates", "effect", "low", "high")
CURVES = (
    *("protocol", "architecture", "step"),
    *("loss", "loss_low", "loss_high"),
    *("accuracy", "accuracy_low", "accuracy_high"),
)


@dataclass(frozen=True)
class Results:
    """What one run gave, by replicate."""

    run: Run
    scores: dict[str, np.ndarray]  # metric -> (replicates,)
    recalls: dict[str, np.ndarray]  # language -> (replicates,)
    history: list[dict[str, str]]
    confusion: np.ndarray  # (languages, languages)
    answers: "Answers | None" = None  # under held_out, where a name is asked once a repetition

    @property
    def key(self) -> Row:
        """The columns by which every table knows the run."""
        return {"protocol": self.run.protocol, "architecture": self.run.architecture}


@dataclass(frozen=True)
class Answers:
    """What the networks of a run said of each name, once a repetition."""

    languages: np.ndarray  # (names,)
    right: dict[str, np.ndarray]  # RIGHT -> (names, repetitions) of 0 and 1; NaN if diverged


def gather(runs: Iterable[Run], split: Split | None = None) -> list[Results]:
    """The results of these runs, from results/runs; by name, too, with held_out's split."""
    return [
        Results(
            run,
            scoring.load_columns(files.scores(run.protocol, run.architecture)),
            scoring.load_columns(files.recall(run.protocol, run.architecture)),
            tables.read_table(files.history(run.protocol, run.architecture)),
            scoring.load_confusion(files.confusion(run.protocol, run.architecture)),
            answers(run, split) if split and run.protocol == "held_out" else None,
        )
        for run in runs
    ]


def answers(run: Run, split: Split) -> Answers:
    """The predictions of a run by name, instead of by replicate."""
    names, replicates = split.roles.shape
    folds = replicates // int((split.roles[0] == TEST).sum())
    saved = scoring.load_predictions(files.predictions(run.protocol, run.architecture))
    right = {metric: np.full((names, replicates // folds), np.nan) for metric in RIGHT}
    for replicate, predictions in enumerate(saved):
        if len(predictions.language):
            rows, repetition = split.scored_rows(replicate), replicate // folds
            for metric, within in RIGHT.items():
                right[metric][rows, repetition] = predictions.rank < within
    return Answers(split.corpus.languages, right)


def leftovers(runs: Iterable[Run]) -> list[Path]:
    """Folders of results/runs that belong to no run of the study: DVC leaves them when one goes."""
    wanted = {files.run(run.protocol, run.architecture) for run in runs}
    return sorted(set(files.RUNS.glob("*/*")) - wanted)


def label(data_set: DataSet) -> str:
    """The data set as tables and pages carry it: its name and the start of its identity."""
    return f"{data_set['name']} {data_set['identity'][:12]}"


def ratio_of(protocol: str, protocols: Protocols) -> float:
    """`test_train_ratio` by the study's parameters."""
    share = protocols.random_split.held_out_share
    return test_train_ratio(protocol, protocols.held_out.folds, share)


def term(
    results: Results, metric: str, protocols: Protocols, groups: Mapping[str, Sequence[str]] = {}
) -> Term:
    """One metric of one run by replicate.

    `recall/<language or group>` is the recall of one language, or the mean of some.
    """
    protocol, asked = results.run.protocol, metric.removeprefix(RECALL)
    some = groups.get(asked, [asked])
    if asked == metric:
        values = results.scores[metric]
    else:
        values = np.mean([results.recalls[language] for language in some], axis=0)
    names = None
    if results.answers and metric in ("macro_recall", *RIGHT):
        names = _names(results.answers, metric, LANGUAGES)
    elif results.answers and asked != metric:
        names = _names(results.answers, "macro_recall", some)
    return Term(1.0, protocol, values, ratio_of(protocol, protocols), names)


def _names(given: Answers, metric: str, some: Sequence[str]) -> Names:
    """What each name adds to a mean of right answers, or to the mean recall of some languages."""
    counts = np.bincount(given.languages, minlength=len(LANGUAGES))
    if metric in RIGHT:
        return Names(given.right[metric] / counts.sum(), given.languages)
    asked = np.isin(LANGUAGES, some) & (counts > 0)
    weights = np.where(asked, 1 / np.maximum(counts, 1), 0) / asked.sum()
    return Names(given.right["accuracy"] * weights[given.languages, None], given.languages)


def summary(
    study: list[Results], data_set: DataSet, confidence: float, protocols: Protocols
) -> Iterator[Row]:
    """Long and tidy: mean and interval of every metric of every run."""
    for results in study:
        for metric, values in results.scores.items():
            found = estimate(values, confidence, 0.0)
            between = contrast([term(results, metric, protocols)], confidence)
            yield results.key | {
                "metric": metric,
                "replicates": found.replicates,
                "diverged": found.diverged,
                "mean": found.mean,
                "sd": found.sd,
                "ci_low": found.low if between.low is None else between.low,
                "ci_high": found.high if between.high is None else between.high,
                "data_set": label(data_set),
            }


def replicates(study: list[Results], data_set: DataSet) -> Iterator[Row]:
    """A row for each network, a column for each metric."""
    metrics = list(dict.fromkeys(metric for results in study for metric in results.scores))
    for results in study:
        for replicate in range(len(results.scores[metrics[0]])):
            scores = {metric: results.scores[metric][replicate] for metric in metrics}
            yield results.key | {"replicate": replicate} | scores | {"data_set": label(data_set)}


def recalls(study: list[Results], data_set: DataSet) -> Iterator[Row]:
    """The mean recall of each language under each run, and its sd over replicates."""
    for results in study:
        for language in LANGUAGES:
            found = estimate(results.recalls[language], 0.95, 0.0)
            yield results.key | {
                "language": language,
                "recall": found.mean,
                "sd": found.sd,
                "data_set": label(data_set),
            }


def effects(study: list[Results], confidence: float, protocols: Protocols) -> Iterator[Row]:
    """The effect of each part of the fix on the macro recall, under each protocol."""
    for protocol in dict.fromkeys(results.run.protocol for results in study):
        own = {one.run.architecture: one for one in study if one.run.protocol == protocol}
        for activation, part, weights in decompositions(set(own)):
            found = contrast(
                [
                    term(own[name], "macro_recall", protocols).with_weight(weight)
                    for name, weight in weights.items()
                    if weight
                ],
                confidence,
            )
            figures = (found.replicates, found.effect, found.low, found.high)
            yield dict(zip(EFFECTS, (protocol, activation, part, *figures), strict=True))


def curves(study: list[Results]) -> Iterator[Row]:
    """Learning curves: mean, lowest and highest loss and accuracy over the replicates."""
    for results in study:
        points: dict[int, list[tuple[float, float]]] = {}
        for row in results.history:
            if row["loss"]:
                point = (float(row["loss"]), float(row["accuracy"]))
                points.setdefault(int(row["step"]), []).append(point)
        for step, some in sorted(points.items()):
            loss, accuracy = (
                (column.mean(), column.min(), column.max()) for column in np.array(some).T
            )
            cells = (*results.key.values(), step, *loss, *accuracy)
            yield dict(zip(CURVES, cells, strict=True))


def confusions(study: list[Results]) -> Iterator[Row]:
    """Confusion as shares of the right language, over all replicates, a row for each cell."""
    for results in study:
        shares = results.confusion / np.maximum(results.confusion.sum(axis=1, keepdims=True), 1)
        for right, row in zip(LANGUAGES, shares, strict=True):
            for predicted, share in zip(LANGUAGES, row, strict=True):
                yield results.key | {"language": right, "predicted": predicted, "share": share}
