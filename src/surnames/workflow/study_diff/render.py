"""The differences between two studies as text, markdown or JSON, verdicts first."""

import dataclasses
import json
import math
import textwrap
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from surnames.core.tables import rounded
from surnames.display import tables
from surnames.display.wording import MINUS, points
from surnames.workflow.study_diff.compare import LanguageChange, MetricChange, StudyDiff

Format = Literal["table", "markdown", "json"]
WIDTH = 100  # of a terminal's sentences; tables are as wide as they are
ABSENT = "not there"
# what a page would take for markup; names and values are whatever a params.yaml says
MARKUP = str.maketrans({mark: f"&#{ord(mark)};" for mark in "\\`*[]<>|&@"})


def render(diff: StudyDiff, form: Format) -> str:
    """The diff in one of the formats, without a newline at its end."""
    if form == "json":
        return json.dumps(rounded(dataclasses.asdict(diff)), indent=2, ensure_ascii=False)
    return "\n\n".join(_markdown(diff) if form == "markdown" else _text(diff))


def escape(text: str) -> str:
    """Markdown that shows the text as it is, on one line."""
    return " ".join(text.translate(MARKUP).split())


@dataclass(frozen=True)
class DiffSection:
    """A title with sentences and a table below it; `folded` is what a page hides at first."""

    title: str
    sentences: list[str]
    header: tuple[str, ...] = ()
    rows: tuple[list[str], ...] = ()  # () for no table
    folded: bool = False


def _text(diff: StudyDiff) -> Iterator[str]:
    yield f"From {diff.base} to {diff.head}"
    yield from (f"Note: {note}" for note in diff.notes)
    for section in _sections(diff):
        lines = [textwrap.fill(line, WIDTH, break_on_hyphens=False) for line in section.sentences]
        yield "\n".join([section.title, "-" * len(section.title), *lines])
        if section.rows:
            yield tables.aligned(section.header, section.rows)


def _markdown(diff: StudyDiff) -> Iterator[str]:
    yield f"## From {escape(diff.base)} to {escape(diff.head)}"
    yield from (f"> **Note:** {escape(note)}" for note in diff.notes)
    for section in _sections(diff):
        count = f" ({len(section.rows)})" if section.rows else ""
        summary = f"<details><summary>{section.title}{count}</summary>"
        yield summary if section.folded else f"### {section.title}"
        yield from map(escape, section.sentences)
        if section.rows:
            header, *rows = [[*map(escape, row)] for row in (section.header, *section.rows)]
            yield tables.markdown(header, rows)
        if section.folded:
            yield "</details>"


def _sections(diff: StudyDiff) -> Iterator[DiffSection]:
    yield from _verdicts(diff)
    yield DiffSection(
        "Parameters",
        [] if diff.parameters else ["No parameter changed."],
        ("parameter", diff.base, diff.head),
        tuple([row.name, _value(row.base), _value(row.head)] for row in diff.parameters),
    )
    yield from _metrics(diff)
    for word, changes in (("gained", diff.gained), ("lost", diff.lost)):
        header = ("run", "language", diff.base, diff.head, "change", "sd over replicates")
        rows = tuple(
            [row.run, row.language, *_change(row, "recall"), points(row.sd, signed=False)]
            for row in changes
        )
        if rows:
            sentence = "Mean recall in percent."
            yield DiffSection(f"Languages that {word} most", [sentence], header, rows)
    for row in diff.data_sets:
        yield DiffSection("Data set", [f"{' and '.join(row.base)} -> {' and '.join(row.head)}"])
    stages: dict[str, list[str]] = {}  # by what differs
    for row in diff.stages:
        stages.setdefault("new" if row.head == "there" else row.head or "gone", []).append(row.name)
    lines = [f"{parts} ({len(names)}): {', '.join(names)}" for parts, names in stages.items()]
    yield DiffSection("Stages", lines or ["dvc.lock is the same."], folded=True)


def _value(parameter: Any) -> str:
    return ABSENT if parameter is None else json.dumps(parameter, ensure_ascii=False)


def _verdicts(diff: StudyDiff) -> Iterator[DiffSection]:
    """The claims that still stand, in a sentence a verdict, and a table of the others."""
    standing: dict[str, list[str]] = {}
    for claim in diff.standing:
        standing.setdefault(claim.head["verdict"], []).append(claim.name)
    sentences = [f"Still {verdict}: {', '.join(names)}." for verdict, names in standing.items()]
    if not diff.verdicts and standing:
        sentences.insert(0, "No verdict changed.")
    elif not diff.verdicts:
        sentences = ["There is no ledger of claims on both sides, so no verdict is compared."]
    header = ("claim", "verdict", f"points, {diff.base}", f"points, {diff.head}", "statement")
    rows = []
    for row in diff.verdicts:
        (before, effect_before), (after, effect_after) = map(_judged, (row.base, row.head))
        statement = (row.head or row.base)["claim"]
        rows.append([row.name, f"{before} -> {after}", effect_before, effect_after, statement])
    yield DiffSection("Verdicts", sentences, header, tuple(rows))


def _judged(claim: dict[str, Any] | None) -> tuple[str, str]:
    """A claim's verdict, and its effect with the interval in points."""
    if claim is None:
        return ABSENT, ""
    if claim["low"] is None:
        return claim["verdict"], points(claim["effect"])
    interval = f"({points(claim['low'])} to {points(claim['high'])})"
    return claim["verdict"], f"{points(claim['effect'])} {interval}"


def _metrics(diff: StudyDiff) -> Iterator[DiffSection]:
    """The metrics that moved, then those that may be noise."""
    count = Counter(row.kind for row in diff.metrics)
    differing = len(diff.metrics) - count["unchanged"]
    level = f"{100 * diff.confidence:g} %"
    alone = f", {count['no interval']} without an interval" if count["no interval"] else ""
    sentences = [
        f"{count['moved']} moved, {count['unsure']} unsure, {count['noise']} within the noise, "
        f"{count['unchanged']} the same to the last digit{alone}."
    ]
    if differing:
        sentences.append(
            f"Change of the mean with its {level} interval. Moved: significant after Holm's "
            f"correction over the {differing} metrics that are not the same. Unsure: the interval "
            f"leaves out zero, as some of {differing} do by chance. Replicates are paired where "
            "both sides trained them on the same split from the same seed (else: Welch)."
        )
    header = ("run", "metric", diff.base, diff.head, "change", f"{level} interval", "")
    clear = tuple(_metric(row) for row in diff.metrics if row.kind in ("moved", "no interval"))
    unclear = tuple(_metric(row) for row in diff.metrics if row.kind in ("unsure", "noise"))
    yield DiffSection("Metrics", sentences, header, clear)
    if unclear:
        yield DiffSection("Metrics that may be noise", [], header, unclear, folded=True)


def _metric(row: MetricChange) -> list[str]:
    cells = [row.run, row.metric, *_change(row, row.metric)]
    if row.low is None or row.high is None:
        return [*cells, "", row.kind]
    interval = f"{_amount(row.metric, row.low)} to {_amount(row.metric, row.high)}"
    return [*cells, interval, row.kind if row.paired else f"{row.kind} (Welch)"]


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
