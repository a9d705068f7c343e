"""The differences between two studies, and which changes of a metric are more than noise."""

import math
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from surnames.core import files
from surnames.study.statistics import (
    UNTESTED,
    Effect,
    Term,
    contrast,
    estimate,
    holm,
    test_train_ratio,
)
from surnames.workflow.study_diff.snapshot import Snapshot

LANGUAGES_SHOWN = 5  # of those that gained, and of those that lost, most
UNCHANGED = Effect(0, 0.0, **UNTESTED)
Kind = Literal["moved", "unsure", "noise", "no interval", "unchanged"]


@dataclass(frozen=True)
class Difference:
    """What one name stands for on each side; None on the side that lacks it."""

    name: str
    base: Any
    head: Any


@dataclass(frozen=True)
class MetricChange:
    """The mean of a run's metric on both sides; `low` and `high` bound its change."""

    run: str
    metric: str
    base: float
    head: float
    change: float
    low: float | None
    high: float | None
    p_adjusted: float | None  # Holm's, over every metric that is not the same to the last bit
    paired: bool
    kind: Kind


@dataclass(frozen=True)
class LanguageChange:
    """The mean recall of one language under one run; `sd` is the head's over replicates."""

    run: str
    language: str
    base: float
    head: float
    change: float
    sd: float | None


@dataclass(frozen=True)
class StudyDiff:
    """All differences; the JSON format has these very names."""

    base: str
    head: str
    notes: list[str]
    confidence: float
    verdicts: list[Difference]  # claims whose verdict changed
    standing: list[Difference]  # claims whose verdict is the same on both sides
    parameters: list[Difference]
    metrics: list[MetricChange]
    gained: list[LanguageChange]
    lost: list[LanguageChange]
    data_sets: list[Difference]
    stages: list[Difference]  # head: "there", None, or the parts of the entry that differ


def compare(base: Snapshot, head: Snapshot) -> StudyDiff:
    """What `head` differs in from `base`; what one of them lacks is named in the notes."""
    notes = [
        f"{side.name} has no {', '.join(side.missing)}, so that is not compared"
        for side in (base, head)
        if side.missing
    ]
    other_data = base.data_sets != head.data_sets
    if other_data and base.data_sets and head.data_sets:
        both = " and ".join(base.data_sets + head.data_sets)
        notes.append(f"the data sets differ ({both}), which may explain a change below")
    claims = _by_name(base.claims, head.claims) if base.claims and head.claims else []
    standing = [one for one in claims if _verdict(one.base) == _verdict(one.head)]
    languages = _language_changes(base, head)
    return StudyDiff(
        base=base.name,
        head=head.name,
        notes=notes,
        confidence=head.confidence,
        verdicts=[one for one in claims if one not in standing],
        standing=standing,
        parameters=_differing(base.parameters, head.parameters),
        metrics=_metric_changes(base, head),
        gained=[row for row in languages[:LANGUAGES_SHOWN] if row.change > 0],
        lost=[row for row in reversed(languages[-LANGUAGES_SHOWN:]) if row.change < 0],
        data_sets=[Difference("data set", base.data_sets, head.data_sets)] if other_data else [],
        stages=[_by_part(stage) for stage in _differing(base.stages, head.stages)],
    )


def _by_name(base: dict[str, Any], head: dict[str, Any]) -> list[Difference]:
    """Every name with its value on both sides, the head's names first."""
    return [Difference(name, base.get(name), head.get(name)) for name in head | base]


def _differing(base: dict[str, Any], head: dict[str, Any]) -> list[Difference]:
    """The names that do not have the same value on both sides."""
    return [one for one in _by_name(base, head) if one.base != one.head]


def _verdict(claim: dict[str, Any] | None) -> str:
    return claim["verdict"] if claim else ""


def _by_part(stage: Difference) -> Difference:
    """A stage with the parts of its entry in dvc.lock that differ, instead of both entries."""
    if stage.base is None or stage.head is None:
        return Difference(stage.name, stage.base and "there", stage.head and "there")
    parts = ("cmd", "deps", "params", "outs")
    changed = [part for part in parts if stage.base.get(part) != stage.head.get(part)]
    return Difference(stage.name, None, ", ".join(changed))


def _metric_changes(base: Snapshot, head: Snapshot) -> list[MetricChange]:
    """Every metric of every run that both sides have, in the head's order."""
    rows, level = [], head.confidence
    for run, scores in head.scores.items():
        ratios = [_test_train_ratio(side, run[0]) for side in (base, head)]
        draws = [_draws(side, run[0]) for side in (base, head)]
        former = base.scores.get(run, {})
        for metric in (name for name in scores if name in former):
            old, new = np.array(former[metric]), np.array(scores[metric])
            paired = draws[0] == draws[1] is not None and len(old) == len(new)
            # `contrast` pairs terms of one group; those of two are independent (Welch)
            groups = ("both", "both") if paired else ("base", "head")
            same = np.array_equal(old, new, equal_nan=True)
            terms = [*map(Term, (-1, 1), groups, (old, new), ratios)]
            effect = UNCHANGED if same else contrast(terms, level)
            means = (estimate(old, level, 0).mean, estimate(new, level, 0).mean, effect.effect)
            bounds = (effect.low, effect.high, effect.p)
            kind: Kind = "unchanged" if same else "no interval"
            rows.append(MetricChange("-".join(run), metric, *means, *bounds, paired, kind))
    adjusted = holm([row.p_adjusted for row in rows])
    return [_judged(row, p, level) for row, p in zip(rows, adjusted, strict=True)]


def _judged(row: MetricChange, p: float | None, confidence: float) -> MetricChange:
    """A change with an interval by what it is called; `p` is adjusted for the number of metrics."""
    if p is None or row.low is None or row.high is None:
        return row
    unclear: Kind = "noise" if row.low <= 0 <= row.high else "unsure"
    return replace(row, p_adjusted=p, kind="moved" if p < 1 - confidence else unclear)


def _draws(side: Snapshot, protocol: str) -> tuple[str, Any] | None:
    """The split's digest and the seed, or None: they give a replicate its names and weights."""
    path = files.split(protocol).as_posix()
    outs = side.stages.get("split", {}).get("outs", [])
    seed = side.parameters.get("study.seed")
    return next(((out["md5"], seed) for out in outs if out["path"] == path), None)


def _test_train_ratio(side: Snapshot, protocol: str) -> float:
    """That of the side's own parameters; 0 where it is too old to have them."""
    folds = side.parameters.get("protocols.held_out.folds", math.inf)
    held_out_share = side.parameters.get("protocols.random_split.held_out_share", 0.0)
    return test_train_ratio(protocol, folds, held_out_share)


def _language_changes(base: Snapshot, head: Snapshot) -> list[LanguageChange]:
    """Every language of every run whose mean recall changed, the greatest gain first."""
    changes = []
    for key, (new, sd) in head.recalls.items():
        old, _ = base.recalls.get(key, (math.nan, None))
        if abs(new - old) > 0:  # neither the same nor not a number
            changes.append(LanguageChange("-".join(key[:2]), key[2], old, new, new - old, sd))
    return sorted(changes, key=lambda row: -row.change)
