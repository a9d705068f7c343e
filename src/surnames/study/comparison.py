"""The runs of a study side by side, as the tables that are kept in git."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from surnames.core import files, tables
from surnames.core.corpus import LANGUAGES
from surnames.core.params import Protocols, Run
from surnames.evaluation import scoring
from surnames.study.factorial import decompositions
from surnames.study.statistics import Effect, Estimate, Term, contrast, estimate, scored_share

DataSet = dict[str, str]  # its name and its identity


@dataclass(frozen=True)
class Results:
    """What one run gave, by replicate."""

    run: Run
    scores: dict[str, np.ndarray]  # metric -> (replicates,)
    recalls: dict[str, np.ndarray]  # language -> (replicates,)
    history: list[dict[str, str]]
    confusion: np.ndarray  # (languages, languages)


def prune(folder: Path, runs: dict[str, Run]) -> None:
    """Remove what runs left behind that are no longer of the study: DVC leaves their files."""
    wanted = {files.run(run.protocol, run.architecture) for run in runs.values()}
    for found in folder.glob("*/*"):
        if found not in wanted:
            shutil.rmtree(found)


def gather(runs: dict[str, Run]) -> list[Results]:
    """The results of every run of the study, in its order."""
    return [
        Results(
            run,
            scoring.load_columns(files.scores(run.protocol, run.architecture)),
            scoring.load_columns(files.recall(run.protocol, run.architecture)),
            tables.read_table(files.history(run.protocol, run.architecture)),
            scoring.load_confusion(files.confusion(run.protocol, run.architecture)),
        )
        for run in runs.values()
    ]


def summary(
    study: list[Results], confidence: float, protocols: Protocols
) -> list[tuple[Run, str, Estimate]]:
    """Mean and interval of every metric of every run."""
    rows = []
    for results in study:
        share = scored_share(
            results.run.protocol, protocols.held_out.folds, protocols.random_split.held_out_share
        )
        for metric, values in results.scores.items():
            rows.append((results.run, metric, estimate(values, confidence, share)))
    return rows


def term(results: Results, metric: str, protocols: Protocols) -> Term:
    """One metric of one run by replicate; `recall/<language>` is the recall of one language."""
    protocol = results.run.protocol
    share = scored_share(protocol, protocols.held_out.folds, protocols.random_split.held_out_share)
    language = metric.removeprefix("recall/")
    values = results.recalls[language] if language != metric else results.scores[metric]
    return Term(1.0, protocol, values, share)


def effects(
    study: list[Results], confidence: float, protocols: Protocols
) -> list[tuple[str, str, str, Effect]]:
    """(protocol, activation, part, effect on the macro recall) of each part of the fix."""
    found: list[tuple[str, str, str, Effect]] = []
    for protocol in dict.fromkeys(results.run.protocol for results in study):
        own = {one.run.architecture: one for one in study if one.run.protocol == protocol}
        for activation, part, weights in decompositions(set(own)):
            terms = [
                term(own[name], "macro_recall", protocols).times(weight)
                for name, weight in weights.items()
                if weight
            ]
            found.append((protocol, activation, part, contrast(terms, confidence)))
    return found


def save_effects(rows: Iterable[tuple[str, str, str, Effect]], path: Path) -> None:
    """A row for each part of the fix, under each protocol."""
    header = ["protocol", "activation", "part", "replicates", "effect", "low", "high"]
    cells = (
        (protocol, activation, part, one.replicates, one.effect, one.low, one.high)
        for protocol, activation, part, one in rows
    )
    tables.write_table(header, cells, path)


def label(data_set: DataSet) -> str:
    """The data set as tables and pages carry it: its name and the start of its identity."""
    return f"{data_set['name']} {data_set['identity'][:12]}"


def save_summary(rows: Iterable[tuple[Run, str, Estimate]], data_set: DataSet, path: Path) -> None:
    """Long and tidy: a row for each (protocol, architecture, metric)."""
    header = [
        "protocol", "architecture", "metric", "replicates", "diverged", "mean", "sd", "ci_low",
        "ci_high", "data_set",
    ]  # fmt: skip
    cells = (
        (
            run.protocol, run.architecture, metric, found.replicates, found.diverged, found.mean,
            found.sd, found.low, found.high, label(data_set),
        )
        for run, metric, found in rows
    )  # fmt: skip
    tables.write_table(header, cells, path)


def save_replicates(study: list[Results], data_set: DataSet, path: Path) -> None:
    """A row for each network, a column for each metric."""
    columns = list(dict.fromkeys(metric for results in study for metric in results.scores))
    header = ["protocol", "architecture", "replicate", *columns, "data_set"]
    rows = (
        (
            results.run.protocol,
            results.run.architecture,
            replicate,
            *(results.scores[metric][replicate] for metric in columns),
            label(data_set),
        )
        for results in study
        for replicate in range(len(results.scores[columns[0]]))
    )
    tables.write_table(header, rows, path)


def save_recall(study: list[Results], data_set: DataSet, path: Path) -> None:
    """A row for each (protocol, architecture, language): mean recall and its sd over replicates."""
    rows = []
    for results in study:
        for language in LANGUAGES:
            found = estimate(results.recalls[language], 0.95, 0.0)
            run = results.run
            rows.append(
                (run.protocol, run.architecture, language, found.mean, found.sd, label(data_set))
            )
    header = ["protocol", "architecture", "language", "recall", "sd", "data_set"]
    tables.write_table(header, rows, path)


def save_curves(study: list[Results], path: Path) -> None:
    """Learning curves: the mean over replicates of loss and share right, and their spread."""
    rows = []
    for results in study:
        points: dict[int, list[tuple[float, float]]] = {}
        for row in results.history:
            if row["loss"]:
                point = (float(row["loss"]), float(row["accuracy"]))
                points.setdefault(int(row["step"]), []).append(point)
        for step, found in sorted(points.items()):
            loss, right = np.array(found).T
            run = results.run
            rows.append(
                (run.protocol, run.architecture, step, loss.mean(), loss.min(), loss.max(),
                 right.mean(), right.min(), right.max())
            )  # fmt: skip
    header = [
        "protocol", "architecture", "step", "loss", "loss_low", "loss_high", "accuracy",
        "accuracy_low", "accuracy_high",
    ]  # fmt: skip
    tables.write_table(header, rows, path)


def save_confusions(study: list[Results], path: Path) -> None:
    """Confusion as shares of the right language, over all replicates, a row for each cell."""
    rows = []
    for results in study:
        shares = results.confusion / np.maximum(results.confusion.sum(axis=1, keepdims=True), 1)
        for right, row in zip(LANGUAGES, shares, strict=True):
            for said, share in zip(LANGUAGES, row, strict=True):
                rows.append((results.run.protocol, results.run.architecture, right, said, share))
    header = ["protocol", "architecture", "language", "predicted", "share"]
    tables.write_table(header, rows, path)
