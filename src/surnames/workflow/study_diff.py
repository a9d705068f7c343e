"""Two studies side by side, from their committed tables alone: what changed, and what is noise.

A study is a commit or the work tree. Neither the cache nor MLflow nor a network is needed.
"""

import dataclasses
import json
import math
import subprocess
import tempfile
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from surnames.core import files, params, tables
from surnames.core.errors import StudyError
from surnames.display.wording import points
from surnames.project import LOCK
from surnames.study.paths import LEDGER, RECALL, REPLICATES, SUMMARY
from surnames.study.statistics import Effect, Term, contrast, holm, test_train_ratio

WORK_TREE = "the work tree"
READ = (
    files.PARAMS, LOCK, LEDGER, SUMMARY, REPLICATES, RECALL,
)  # fmt: skip
NOT_SHARES = ("log_loss",)  # every other metric is a share, told in points
WIDTH = 100  # of a terminal's sentences; tables are as wide as they are
MOST = 5  # languages that are named as having gained or lost most
Format = Literal["table", "markdown", "json"]
Kind = Literal["moved", "unsure", "noise", "no interval", "unchanged"]
Run = tuple[str, str]  # protocol, architecture


@dataclass(frozen=True)
class Side:
    """What one commit, or the work tree, says of its study."""

    name: str
    parameters: dict[str, Any]  # by dotted name
    stages: dict[str, Any]  # of dvc.lock
    claims: dict[str, dict[str, Any]]  # the judged ledger by id
    scores: dict[Run, dict[str, np.ndarray]]  # metric -> (replicates,)
    recalls: dict[tuple[str, str, str], tuple[float, float | None]]  # mean and sd over replicates
    data_sets: list[str]
    missing: list[str]  # files that it does not have


@dataclass(frozen=True)
class Change:
    """One thing that both sides, or one of them, have; None where it is not."""

    name: str
    base: Any
    head: Any


@dataclass(frozen=True)
class Moved:
    """A metric of a run on both sides; `low` and `high` bound its change, if anything does."""

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
    """All that differs, in the order in which one wants to know it."""

    base: str
    head: str
    notes: list[str]
    confidence: float
    verdicts: list[Change]
    standing: list[Change]  # claims whose verdict is the same on both sides
    parameters: list[Change]
    metrics: list[Moved]
    gained: list[LanguageChange]
    lost: list[LanguageChange]
    data_sets: list[Change]
    stages: list[Change]  # "new", "gone", or what of the entry differs


def compare(base: str, head: str | None = None) -> StudyDiff:
    """What `head` (the work tree, where None) differs in from `base`.

    Raises StudyError where one of the two is no commit. A table that one side lacks is named in the
    notes, and the rest is compared.
    """
    return difference(load(base), load(head))


def load(commit: str | None, called: str = "") -> Side:
    """A commit's study, or the work tree's; `called` is what a reader knows the commit by."""
    if commit is None:
        return _side(WORK_TREE, Path())
    full = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}")
    if full is None:
        raise StudyError(
            f"{commit!r} is no commit here; name a branch, a tag or a commit, and fetch it first "
            "where it is on another machine (`git fetch`)"
        )
    digest = full.decode().strip()
    with tempfile.TemporaryDirectory() as scratch:
        for path in READ:
            content = _git("show", f"{digest}:./{path.as_posix()}")
            if content is not None:
                (Path(scratch) / path).parent.mkdir(parents=True, exist_ok=True)
                (Path(scratch) / path).write_bytes(content)
        short, name = digest[:10], called or commit
        return _side(short if digest.startswith(name) else f"{name} ({short})", Path(scratch))


def _git(*arguments: str) -> bytes | None:
    """What a git command printed; None where it failed."""
    done = subprocess.run(["git", *arguments], capture_output=True, check=False)
    return None if done.returncode else done.stdout


def _side(name: str, folder: Path) -> Side:
    """The study whose tables are in that folder."""
    missing = [path.as_posix() for path in READ if not (folder / path).is_file()]

    def table(path: Path) -> list[dict[str, str]]:
        return tables.read_table(folder / path) if path.as_posix() not in missing else []

    def values(path: Path) -> Any:
        if path.as_posix() in missing:
            return {}
        try:
            if path.suffix == ".json":
                return tables.read_json(folder / path)
            return params.read_yaml(folder / path) or {}
        except ValueError as error:
            raise StudyError(f"{path} of {name} cannot be read: {error}") from None

    recalls = {
        (row["protocol"], row["architecture"], row["language"]): (
            _number(row["recall"]),
            float(row["sd"]) if row["sd"] else None,
        )
        for row in table(RECALL)
    }
    return Side(
        name,
        dict(_flat(values(files.PARAMS))),
        values(LOCK).get("stages", {}),
        {claim["id"]: claim for claim in values(LEDGER).get("claims", [])},
        _scores(table(REPLICATES)),
        recalls,
        sorted({row["data_set"] for row in table(SUMMARY)}),
        missing,
    )


def _number(cell: str) -> float:
    return float(cell) if cell else math.nan


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Nested keys as dotted names; lists and empty sections are values."""
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def _scores(rows: Sequence[dict[str, str]]) -> dict[Run, dict[str, np.ndarray]]:
    """replicates.csv by run and metric, in the order of the replicates."""
    found: dict[Run, list[dict[str, str]]] = {}
    for row in rows:
        found.setdefault((row["protocol"], row["architecture"]), []).append(row)
    own = ("protocol", "architecture", "replicate", "data_set")
    return {
        run: {
            metric: np.array(
                [_number(row[metric]) for row in sorted(some, key=lambda r: int(r["replicate"]))]
            )
            for metric in some[0]
            if metric not in own
        }
        for run, some in found.items()
    }


def difference(base: Side, head: Side) -> StudyDiff:
    """Two studies compared."""
    notes = [
        f"{side.name} has no {', '.join(side.missing)}, so that is not compared"
        for side in (base, head)
        if side.missing
    ]
    if base.data_sets != head.data_sets and base.data_sets and head.data_sets:
        notes.append(
            f"the data sets differ ({_listed(base.data_sets)} and {_listed(head.data_sets)}): "
            "a change below may be theirs"
        )
    metrics = _metrics(base, head)
    languages = _languages(base, head)
    verdicts = [
        Change(name, base.claims.get(name), head.claims.get(name))
        for name in dict.fromkeys([*head.claims, *base.claims])
        if base.claims and head.claims
    ]
    return StudyDiff(
        base.name,
        head.name,
        notes,
        _confidence(head),
        [change for change in verdicts if _verdict(change.base) != _verdict(change.head)],
        [change for change in verdicts if _verdict(change.base) == _verdict(change.head)],
        list(_changes(base.parameters, head.parameters)),
        metrics,
        [row for row in languages[:MOST] if row.change > 0],
        [row for row in reversed(languages[-MOST:]) if row.change < 0],
        [Change("data set", base.data_sets, head.data_sets)]
        if base.data_sets != head.data_sets
        else [],
        list(_stages(base.stages, head.stages)),
    )


def _listed(names: Sequence[str]) -> str:
    return " and ".join(names)


def _verdict(claim: dict[str, Any] | None) -> str | None:
    return None if claim is None else str(claim["verdict"])


def _confidence(side: Side) -> float:
    return float(side.parameters.get("study.confidence", 0.95))


def _changes(base: Mapping[str, Any], head: Mapping[str, Any]) -> Iterator[Change]:
    """What two flat mappings do not agree on."""
    for name in dict.fromkeys([*head, *base]):
        one, other = base.get(name), head.get(name)
        if one != other or (name in base) != (name in head):
            yield Change(name, one, other)


def _stages(base: Mapping[str, Any], head: Mapping[str, Any]) -> Iterator[Change]:
    """The stages whose entry in dvc.lock differs, and the parts of it that do."""
    for name in dict.fromkeys([*head, *base]):
        one, other = base.get(name), head.get(name)
        if one is None or other is None:
            yield Change(name, one and "there", other and "there")
        elif one != other:
            parts = ("cmd", "deps", "params", "outs")
            differ = [part for part in parts if one.get(part) != other.get(part)]
            yield Change(name, None, ", ".join(differ))


def _paired(base: Side, head: Side, protocol: str) -> bool:
    """Whether replicate r met the same names in the same order and from the same weights."""
    path = files.split(protocol).as_posix()
    splits = [
        next((out["md5"] for out in side.stages.get("split", {}).get("outs", [])
              if out["path"] == path), None)
        for side in (base, head)
    ]  # fmt: skip
    seeds = [side.parameters.get("study.seed") for side in (base, head)]
    return splits[0] is not None and splits[0] == splits[1] and seeds[0] == seeds[1]


def _share(side: Side, protocol: str) -> float:
    """That of `statistics.test_train_ratio`; 0 for a side too old to say."""
    folds = side.parameters.get("protocols.held_out.folds")
    held_out = side.parameters.get("protocols.random_split.held_out_share")
    if (protocol == "held_out" and not folds) or (protocol == "random_split" and not held_out):
        return 0.0
    return test_train_ratio(protocol, folds or 2, held_out or 0.0)


def _metrics(base: Side, head: Side) -> list[Moved]:
    """Every metric of every run that both sides have, in the head's order."""
    confidence = _confidence(head)
    compared: list[tuple[str, str, np.ndarray, np.ndarray, bool, Effect | None]] = []
    for run in head.scores:
        for metric, new in head.scores[run].items():
            old = base.scores.get(run, {}).get(metric)
            if old is None:
                continue
            protocol, _ = run
            paired = len(old) == len(new) and _paired(base, head, protocol)
            effect = None
            if not np.array_equal(old, new, equal_nan=True):
                # terms of one protocol are paired by replicate, those of two are independent
                sides = (protocol, protocol) if paired else ("head", "base")
                terms = [
                    Term(1, sides[0], new, _share(head, protocol)),
                    Term(-1, sides[1], old, _share(base, protocol)),
                ]
                effect = contrast(terms, confidence)
            compared.append(("-".join(run), metric, old, new, paired, effect))
    adjusted = iter(holm([effect.p for *_, effect in compared if effect is not None]))
    return [
        Moved(
            run, metric, _mean(old), _mean(new),
            *((effect.effect, effect.low, effect.high) if effect else (0.0, None, None)),
            p := next(adjusted) if effect else None,
            paired,
            _kind(effect, p, confidence),
        )
        for run, metric, old, new, paired, effect in compared
    ]  # fmt: skip


def _kind(effect: Effect | None, p: float | None, confidence: float) -> Kind:
    """What to call a change; `p` is adjusted for there being many."""
    if effect is None:
        return "unchanged"
    if p is None or effect.low is None or effect.high is None:
        return "no interval"
    if p < 1 - confidence:
        return "moved"
    return "noise" if effect.low <= 0 <= effect.high else "unsure"


def _mean(values: np.ndarray) -> float:
    """Over the networks that did not diverge."""
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else math.nan


def _languages(base: Side, head: Side) -> list[LanguageChange]:
    """Every language of every run whose mean recall changed, the greatest gain first."""
    changes = [
        LanguageChange("-".join(key[:2]), key[2], old, new, new - old, sd)
        for key, (new, sd) in head.recalls.items()
        for old, _ in [base.recalls.get(key, (math.nan, None))]
        if math.isfinite(new - old) and new != old
    ]
    return sorted(changes, key=lambda row: -row.change)


@dataclass(frozen=True)
class Section:
    """A heading, what is to be said under it, and a table; `aside` is what may be folded away."""

    title: str
    lines: list[str]
    table: list[list[str]]  # the first row is the header; [] for none
    aside: bool = False


def sections(diff: StudyDiff) -> list[Section]:
    """The diff in words and cells, verdicts first."""
    return [
        _verdict_section(diff),
        Section(
            "Parameters",
            [] if diff.parameters else ["No parameter changed."],
            _with_header(
                ["parameter", diff.base, diff.head],
                [[row.name, _value(row.base), _value(row.head)] for row in diff.parameters],
            ),
        ),
        *_metric_sections(diff),
        *_language_sections(diff),
        *(
            Section("Data set", [f"{_listed(row.base)} -> {_listed(row.head)}"], [])
            for row in diff.data_sets
        ),
        Section("Stages", list(_stage_lines(diff)) or ["dvc.lock is the same."], [], aside=True),
    ]


def _with_header(header: list[str], rows: Any) -> list[list[str]]:
    found = list(rows)
    return [header, *found] if found else []


def _verdict_section(diff: StudyDiff) -> Section:
    """Which claims changed sides, and which still stand."""
    lines = []
    if not diff.verdicts and diff.standing:
        lines.append("No verdict changed.")
    by_verdict: dict[str, list[str]] = {}
    for claim in diff.standing:
        by_verdict.setdefault(claim.head["verdict"], []).append(claim.name)
    lines += [f"Still {verdict}: {', '.join(names)}." for verdict, names in by_verdict.items()]
    if not diff.verdicts and not diff.standing:
        lines.append("There is no ledger of claims on both sides, so no verdict is compared.")
    rows = [
        [
            change.name,
            f"{_verdict(change.base) or 'not there'} -> {_verdict(change.head) or 'not there'}",
            _effect(change.base),
            _effect(change.head),
            (change.head or change.base)["claim"],
        ]
        for change in diff.verdicts
    ]
    header = ["claim", "verdict", f"points, {diff.base}", f"points, {diff.head}", "it says"]
    return Section("Verdicts", lines, _with_header(header, rows))


def _effect(claim: dict[str, Any] | None) -> str:
    if claim is None:
        return ""
    low, high = claim["low"], claim["high"]
    interval = f" ({points(low)} to {points(high)})" if low is not None else ""
    return points(claim["effect"]) + interval


def _metric_sections(diff: StudyDiff) -> Iterator[Section]:
    """What moved; then what may be noise."""
    count = Counter(row.kind for row in diff.metrics)
    moved = [row for row in diff.metrics if row.kind in ("moved", "no interval")]
    rest = [row for row in diff.metrics if row.kind in ("unsure", "noise")]
    level = f"{100 * diff.confidence:g} %"
    lines = [
        f"{count['moved']} moved, {count['unsure']} unsure, {count['noise']} within the noise, "
        f"{count['unchanged']} the same to the last digit"
        + (f", {count['no interval']} without an interval" if count["no interval"] else "")
        + "."
    ]
    if moved or rest:
        compared = len(moved) + len(rest)
        lines.append(
            f"Change of the mean with its {level} interval. Moved: significant after Holm's "
            f"correction over the {compared} metrics that are not the same. Unsure: the interval "
            f"leaves out zero, as some of {compared} do by chance. Replicates are paired where "
            "both sides trained them on the same split from the same seed (else: Welch)."
        )
    header = ["run", "metric", diff.base, diff.head, "change", f"{level} interval", ""]
    yield Section("Metrics", lines, _with_header(header, map(_metric_row, moved)))
    if rest:
        table = _with_header(header, map(_metric_row, rest))
        yield Section("Metrics that may be noise", [], table, aside=True)


def _metric_row(row: Moved) -> list[str]:
    interval = "" if row.low is None else (
        f"{_told(row.metric, row.low)} to {_told(row.metric, row.high)}"
    )  # fmt: skip
    words = row.kind if row.paired or row.kind == "no interval" else f"{row.kind} (Welch)"
    return [
        row.run,
        row.metric,
        _told(row.metric, row.base, signed=False),
        _told(row.metric, row.head, signed=False),
        _told(row.metric, row.change),
        interval,
        words,
    ]


def _told(metric: str, value: float | None, signed: bool = True) -> str:
    """A share in percent or points to a tenth, anything else to four digits."""
    if value is None or math.isnan(value):
        return "none left"  # every network diverged
    if metric not in NOT_SHARES:
        return points(value, signed)
    text = f"{value:+.4g}" if signed else f"{value:.4g}"
    return text.replace("-", "\N{MINUS SIGN}")


def _language_sections(diff: StudyDiff) -> Iterator[Section]:
    """The languages that gained or lost most."""
    header = ["run", "language", diff.base, diff.head, "change", "sd over replicates"]
    for title, rows in (
        ("Languages that gained most", diff.gained),
        ("Languages that lost most", diff.lost),
    ):
        if rows:
            table = [
                [
                    row.run, row.language, points(row.base, False), points(row.head, False),
                    points(row.change), points(row.sd, False),
                ]
                for row in rows
            ]  # fmt: skip
            yield Section(title, ["Mean recall in percent."], [header, *table])


def _stage_lines(diff: StudyDiff) -> Iterator[str]:
    """The stages whose entries in dvc.lock differ in the same parts, on one line."""
    alike: dict[str, list[str]] = {}
    for row in diff.stages:
        new = row.base is None and row.head == "there"
        alike.setdefault("new" if new else row.head or "gone", []).append(row.name)
    for words, names in alike.items():
        yield f"{words} ({len(names)}): {', '.join(names)}"


def _value(value: Any) -> str:
    """A parameter as one writes it; none for one that is not there."""
    return "not there" if value is None else json.dumps(value, ensure_ascii=False)


def render(diff: StudyDiff, form: Format) -> str:
    """The diff as text that ends without a newline."""
    if form == "json":
        return json.dumps(tables.rounded(dataclasses.asdict(diff)), indent=2, ensure_ascii=False)
    return (markdown if form == "markdown" else table)(diff)


def markdown(diff: StudyDiff) -> str:
    """For a page: headings, and the long tables folded away."""
    parts = [f"## From {escaped(diff.base)} to {escaped(diff.head)}"]
    parts += [f"> **Note:** {escaped(note)}" for note in diff.notes]
    for section in sections(diff):
        body = [*map(escaped, section.lines)]
        if section.table:
            body.append(_pipes(section.table))
        if section.aside:
            count = f" ({len(section.table) - 1})" if section.table else ""
            summary = f"<details><summary>{section.title}{count}</summary>"
            parts += [summary, *body, "</details>"]
        else:
            parts += [f"### {section.title}", *body]
    return "\n\n".join(parts)


def _pipes(rows: list[list[str]]) -> str:
    lines = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    return "\n".join("| " + " | ".join(map(escaped, line)) + " |" for line in lines)


# what a page would take for markup: names and values are whatever a params.yaml says
MARKUP = str.maketrans({mark: f"&#{ord(mark)};" for mark in "\\`*[]<>|&@"})


def escaped(text: str) -> str:
    """Text that a page shows as it is, on one line."""
    return " ".join(text.translate(MARKUP).split())


def table(diff: StudyDiff) -> str:
    """For a terminal."""
    parts = [f"From {diff.base} to {diff.head}", *(f"Note: {note}" for note in diff.notes)]
    for section in sections(diff):
        wrapped = (textwrap.fill(line, WIDTH, break_on_hyphens=False) for line in section.lines)
        parts.append("\n".join([section.title, "-" * len(section.title), *wrapped]))
        if section.table:
            parts.append(_aligned(section.table))
    return "\n\n".join(parts)


def _aligned(rows: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
