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
from surnames.evaluation.scoring import FIRST_REPLACED, LAST_REPLACED, TRAINED_ON, WITH_PRIOR
from surnames.study.claims import GRID, MACRO_RECALL, NAME_GROUPS, RECALL, grid_contrasts
from surnames.study.factorial import decompositions
from surnames.study.paths import CELLS, ROBUSTNESS
from surnames.study.statistics import (
    UNTESTED,
    Effect,
    Names,
    Term,
    contrast,
    estimate,
    test_train_ratio,
)

DataSet = dict[str, str]  # its name and its identity
PLAIN, TOP_3 = "plain", "top3"  # kinds of answer, beside those of `scoring.OTHERWISE`
# The metrics that are shares of right answers, and the answer that must be right.
ACCURACIES = {
    "accuracy": PLAIN,
    "top3_accuracy": TOP_3,
    f"accuracy_{WITH_PRIOR}": WITH_PRIOR,
}
MACRO_RECALLS = {
    "macro_recall": PLAIN,
    f"macro_recall_{FIRST_REPLACED}": FIRST_REPLACED,
    f"macro_recall_{LAST_REPLACED}": LAST_REPLACED,
}
SHORT, LONG = 5, 9  # letters; not more, not fewer
FIX = "fixed - tutorial_2017"  # in the table of groups
EFFECTS = ("protocol", "activation", "part", "replicates", "effect", "low", "high")
GROUPED = ("protocol", "architecture", "group", "mean", "low", "high")
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
    asked: np.ndarray  # (names, repetitions) the replicate that was asked
    right: dict[str, np.ndarray]  # kind of answer -> (names, repetitions) 0 and 1; NaN if diverged
    groups: dict[str, np.ndarray]  # group of names -> (names, repetitions) bool


def gather(
    runs: Iterable[Run], split: Split | None = None, edits: np.ndarray | None = None
) -> list[Results]:
    """The results of these runs, from results/runs.

    By name, too, with held_out's split and the `edits` of its names to training names.
    """
    groups = name_groups(split, edits) if split and edits is not None else {}
    return [
        Results(
            run,
            scoring.load_columns(files.scores(run.protocol, run.architecture)),
            scoring.load_columns(files.recall(run.protocol, run.architecture)),
            tables.read_table(files.history(run.protocol, run.architecture)),
            scoring.load_confusion(files.confusion(run.protocol, run.architecture)),
            answers(run, split, groups) if split and run.protocol == "held_out" else None,
        )
        for run in runs
    ]


def answers(run: Run, split: Split, groups: Mapping[str, np.ndarray]) -> Answers:
    """The predictions of a run by name, instead of by replicate."""
    saved = scoring.load_predictions(files.predictions(run.protocol, run.architecture))
    kinds = [
        {PLAIN: predictions.rank < 1, TOP_3: predictions.rank < 3} | otherwise
        for predictions, otherwise in saved
    ]
    return answers_by_name(split, kinds, groups)


def answers_by_name(
    split: Split,
    right: Sequence[Mapping[str, np.ndarray]],
    groups: Mapping[str, np.ndarray] = {},
) -> Answers:
    """By name, of each replicate (its scored names,) by kind of answer; empty where it diverged."""
    places = _asked(split)
    tables: dict[str, np.ndarray] = {}
    for replicate, kinds in enumerate(right):
        rows = split.scored_rows(replicate)
        for kind, own in kinds.items():
            table = tables.setdefault(kind, np.full(places.shape, np.nan))
            if len(own):
                table[rows, (places[rows] == replicate).argmax(axis=1)] = own
    return Answers(split.corpus.languages, places, tables, dict(groups))


def _asked(split: Split) -> np.ndarray:
    """(names, repetitions) the replicates that are scored on each name, in their order."""
    replicates = np.nonzero(split.roles == TEST)[1]  # row by row
    return replicates.reshape(len(split.roles), -1)


def name_groups(split: Split, edits: np.ndarray) -> dict[str, np.ndarray]:
    """NAME_GROUPS: near is one edit from a training name of the language, far is more.

    Short is five letters or fewer, long nine or more; each (names, repetitions).
    """
    places = _asked(split)
    apart = np.take_along_axis(edits, places, axis=1)
    letters = np.array([sum(map(str.isalpha, name)) for name in split.corpus.names])
    length = np.broadcast_to(letters[:, None], places.shape)
    found = (apart <= 1, apart > 1, length <= SHORT, length >= LONG)
    return dict(zip(NAME_GROUPS, found, strict=True))


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

    `recall/<language or group>` is the recall of one language, or the mean of some;
    `macro_recall/<group of names>` that of some names alone, under held_out.
    """
    protocol, known = results.run.protocol, results.answers
    ratio = ratio_of(protocol, protocols)
    names: Names | None = None
    if metric.startswith(MACRO_RECALL):
        assert known
        asked = known.groups[metric.removeprefix(MACRO_RECALL)]
        values, names = of_group(known, asked)
        return Term(1.0, protocol, values, ratio, names)
    if metric.startswith(RECALL):
        one = metric.removeprefix(RECALL)
        some = groups.get(one, [one])
        values = np.mean([results.recalls[language] for language in some], axis=0)
        names = of_languages(known, PLAIN, some) if known else None
    else:
        values = results.scores[metric]
        if known and metric in ACCURACIES:
            shares = known.right[ACCURACIES[metric]] / len(known.languages)
            names = Names(shares, known.languages)
        elif known and metric in MACRO_RECALLS:
            names = of_languages(known, MACRO_RECALLS[metric], LANGUAGES)
        elif (
            known and metric == f"macro_recall_{TRAINED_ON}"
        ):  # of names that are what they are: networks vary
            names = Names(0 * known.right[PLAIN], known.languages)
    return Term(1.0, protocol, values, ratio, names)


def of_languages(known: Answers, kind: str = PLAIN, some: Sequence[str] = LANGUAGES) -> Names:
    """What each name adds to the mean recall of some languages."""
    asked = np.isin(LANGUAGES, some)[known.languages, None] & np.isfinite(known.asked)
    return _residuals(known, known.right[kind], asked)


def of_group(known: Answers, asked: np.ndarray) -> tuple[np.ndarray, Names]:
    """(replicates,) macro recall of some of the names, and what each name adds to it."""
    right = known.right[PLAIN]
    values = np.full(known.asked.max() + 1, np.nan)
    for replicate in range(len(values)):
        rows, repetition = np.nonzero((known.asked == replicate) & asked)
        values[replicate] = scoring.macro_recall(right[rows, repetition], known.languages[rows])
    return values, _residuals(known, right, asked)


def _residuals(known: Answers, right: np.ndarray, asked: np.ndarray) -> Names:
    """What each name adds to the mean, over the languages that have any, of the recall of `asked`.

    A recall is a ratio, whose variance is to the first order that of each answer less the
    language's recall, over the number of names asked.
    """
    repetitions = right.shape[1]
    weighted = np.where(asked, right, 0.0)
    counted = np.bincount(known.languages, asked.sum(axis=1), len(LANGUAGES))
    there = np.bincount(known.languages, (asked & np.isfinite(right)).sum(axis=1), len(LANGUAGES))
    sums = np.bincount(known.languages, np.nansum(weighted, axis=1), len(LANGUAGES))
    recalls = sums / np.maximum(there, 1)
    each = np.maximum(counted / repetitions, 1 / repetitions) * (counted > 0).sum()
    parts = np.where(asked, right - recalls[known.languages, None], 0 * right)
    return Names(parts / each[known.languages, None], known.languages)


def grid_terms(data_set: str) -> dict[str, Term]:
    """The contrasts of the grid that claims rest on; without a value if of another data set."""
    if not ROBUSTNESS.is_file():  # `compare` depends on it, so no claim asks
        return {}
    other = tables.read_json(ROBUSTNESS)["data_set"] != data_set
    unknown = Effect(0, np.nan, **UNTESTED)
    return {
        name: Term(1.0, GRID, np.zeros(0), 0.0, elsewhere=unknown if other else found)
        for name, found in grid_contrasts().items()
    }


def standing(data_set: str) -> dict[str, dict[str, int]]:
    """By protocol, in how many cells of the grid the fix helps or harms by its own interval."""
    found: dict[str, dict[str, int]] = {}
    for row in tables.read_table(CELLS) if CELLS.is_file() else []:
        if row["data_set"] == data_set:
            own = found.setdefault(row["protocol"], {"helps": 0, "harms": 0, "cells": 0})
            own["helps"] += bool(row["low"]) and float(row["low"]) > 0
            own["harms"] += bool(row["high"]) and float(row["high"]) < 0
            own["cells"] += 1
    return found


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
            scores = {
                metric: results.scores[metric][replicate] if metric in results.scores else None
                for metric in metrics
            }
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


def by_group(
    study: list[Results],
    confidence: float,
    protocols: Protocols,
    groups: Mapping[str, Sequence[str]],
) -> Iterator[Row]:
    """Macro recall on unseen names by group of names or languages, and what the fix adds to it."""
    held = {one.run.architecture: one for one in study if one.answers is not None}
    for group in (*NAME_GROUPS, *groups):
        metric = f"{MACRO_RECALL if group in NAME_GROUPS else RECALL}{group}"
        found = {name: term(one, metric, protocols, groups) for name, one in held.items()}
        contrasts = {name: [own] for name, own in found.items()}
        old, new = (found.get(name) for name in ("tutorial_2017", "fixed"))
        if old and new:
            contrasts |= {FIX: [new, old.with_weight(-1.0)]}
        for name, own in contrasts.items():
            mean = contrast(own, confidence)
            cells = ("held_out", name, group, mean.effect, mean.low, mean.high)
            yield dict(zip(GROUPED, cells, strict=True))


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
