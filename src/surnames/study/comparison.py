"""The runs of a study side by side, as the tables that are kept in git."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from surnames.core import files, tables
from surnames.core.corpus import LANGUAGES
from surnames.core.params import Protocols, Run
from surnames.core.tables import Row
from surnames.evaluation import scoring
from surnames.study.factorial import decompositions
from surnames.study.statistics import Term, contrast, estimate, test_train_ratio

DataSet = dict[str, str]  # its name and its identity
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

    @property
    def key(self) -> Row:
        """The columns by which every table knows the run."""
        return {"protocol": self.run.protocol, "architecture": self.run.architecture}


def gather(runs: Iterable[Run]) -> list[Results]:
    """The results of these runs, from results/runs."""
    return [
        Results(
            run,
            scoring.load_columns(files.scores(run.protocol, run.architecture)),
            scoring.load_columns(files.recall(run.protocol, run.architecture)),
            tables.read_table(files.history(run.protocol, run.architecture)),
            scoring.load_confusion(files.confusion(run.protocol, run.architecture)),
        )
        for run in runs
    ]


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


def term(results: Results, metric: str, protocols: Protocols) -> Term:
    """One metric of one run by replicate; `recall/<language>` is the recall of one language."""
    protocol = results.run.protocol
    language = metric.removeprefix("recall/")
    values = results.recalls[language] if language != metric else results.scores[metric]
    return Term(1.0, protocol, values, ratio_of(protocol, protocols))


def summary(
    study: list[Results], data_set: DataSet, confidence: float, protocols: Protocols
) -> Iterator[Row]:
    """Long and tidy: mean and interval of every metric of every run."""
    for results in study:
        ratio = ratio_of(results.run.protocol, protocols)
        for metric, values in results.scores.items():
            found = estimate(values, confidence, ratio)
            yield results.key | {
                "metric": metric,
                "replicates": found.replicates,
                "diverged": found.diverged,
                "mean": found.mean,
                "sd": found.sd,
                "ci_low": found.low,
                "ci_high": found.high,
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
