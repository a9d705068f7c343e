"""The differences between two studies as text, markdown or JSON, verdicts first."""

import dataclasses
import json
import math
import textwrap
from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import partial
from typing import Any, Literal

from surnames.core.tables import rounded
from surnames.display import escaping, tables
from surnames.display.rendering import environment
from surnames.display.wording import MINUS, level, points
from surnames.documents.readme import effect
from surnames.workflow.study_diff.compare import LanguageChange, MetricChange, StudyDiff

Format = Literal["table", "markdown", "json"]
ABSENT = "not there"
# of a terminal's sentences; tables are as wide as they are
wrapped = partial(textwrap.fill, width=100, break_on_hyphens=False)


def render(diff: StudyDiff, form: Format) -> str:
    """The diff in one of the formats, without a newline at its end."""
    if form == "json":
        return json.dumps(rounded(dataclasses.asdict(diff)), indent=2, ensure_ascii=False)
    page = form == "markdown"
    count = Counter(row.kind for row in diff.metrics)
    changes = {"gained": diff.gained, "lost": diff.lost}
    template = environment(
        shown=escaping.markdown if page else escaping.terminal, wrapped=str if page else wrapped
    ).get_template("workflow/templates/study_diff.txt")
    text = template.render(
        diff=diff,
        page=page,
        table=tables.markdown if page else tables.aligned,
        standing=_grouped((claim.head["verdict"], claim.name) for claim in diff.standing),
        verdicts=[_verdict(row.name, row.base, row.head) for row in diff.verdicts],
        parameters=[[row.name, *map(_value, (row.base, row.head))] for row in diff.parameters],
        level=level(diff.confidence),
        count=count,
        differing=len(diff.metrics) - count["unchanged"],
        clear=[_metric(row) for row in diff.metrics if row.kind in ("moved", "no interval")],
        unclear=[_metric(row) for row in diff.metrics if row.kind in ("unsure", "noise")],
        languages={word: [*map(_language, rows)] for word, rows in changes.items()},
        stages=_grouped(
            ("new" if row.head == "there" else row.head or "gone", row.name) for row in diff.stages
        ),
    )
    return text.rstrip("\n")


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The names of each key, in their order."""
    groups: dict[str, list[str]] = defaultdict(list)
    for key, name in pairs:
        groups[key].append(name)
    return groups


def _value(parameter: Any) -> str:
    return ABSENT if parameter is None else json.dumps(parameter, ensure_ascii=False)


def _verdict(name: str, base: dict[str, Any] | None, head: dict[str, Any] | None) -> list[str]:
    sides = (base, head)
    verdicts = " -> ".join(side["verdict"] if side else ABSENT for side in sides)
    effects = [effect(side) if side else "" for side in sides]
    return [name, verdicts, *effects, (head or base or {})["claim"]]


def _metric(row: MetricChange) -> list[str]:
    cells = [row.run, row.metric, *_change(row, row.metric)]
    if row.low is None or row.high is None:
        return [*cells, "", row.kind]
    interval = f"{_amount(row.metric, row.low)} to {_amount(row.metric, row.high)}"
    return [*cells, interval, row.kind if row.paired else f"{row.kind} (Welch)"]


def _language(row: LanguageChange) -> list[str]:
    return [row.run, row.language, *_change(row, "recall"), points(row.sd, signed=False)]


def _change(row: MetricChange | LanguageChange, metric: str) -> list[str]:
    """Both means and the change."""
    means = [_amount(metric, mean, signed=False) for mean in (row.base, row.head)]
    return [*means, _amount(metric, row.change)]


def _amount(metric: str, value: float, signed: bool = True) -> str:
    """A share in points to a tenth, and a log loss to four digits."""
    if math.isnan(value):
        return "none left"  # every network diverged
    if metric != "log_loss":
        return points(value, signed)
    return (f"{value:+.4g}" if signed else f"{value:.4g}").replace("-", MINUS)
