"""What is published of a study: one subject for each network and one for each run.

A subject is known by its fingerprint alone, which comes from dvc.lock, so that finding out what a
store already holds needs none of the results. Nothing here knows MLflow.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from surnames.architectures.elman import Elman
from surnames.core import files, params, tables
from surnames.core.corpus import LANGUAGES
from surnames.core.errors import StudyError
from surnames.core.params import Protocols, Recipe, Run
from surnames.display import confusion_matrix as heatmap
from surnames.networks.lookup import architectures
from surnames.networks.network import replicates
from surnames.project import LOCK
from surnames.study.comparison import DataSet, Results, label
from surnames.study.paths import CURVES, SUMMARY

FORMAT = 3  # raised when other things are published of the same results
STARTER = "starter"
CONFUSION_TABLE = "confusion/table.json"
GAP = "&emsp;"  # between columns: MLflow's tables leave none, and trim the character itself
Point = tuple[str, float, int]  # metric, value, step
Row = dict[str, str]


@dataclass(frozen=True)
class Settings:
    """The sections of params.yaml that a publication tells of."""

    architectures: dict[str, dict[str, Any]]
    protocols: Protocols
    recipes: dict[str, Recipe]
    runs: dict[str, Run]
    study: params.Study


@dataclass(frozen=True)
class Subject:
    """A network (its replicate's number) or a whole run (no number), and what it is known by."""

    run: Run
    replicate: int | None
    fingerprint: str

    @property
    def name(self) -> str:
        """`held_out-fixed` or, a network of it, `held_out-fixed-3`."""
        return str(self.run) if self.replicate is None else f"{self.run}-{self.replicate}"

    @property
    def kind(self) -> str:
        """What it is one of."""
        return "run" if self.replicate is None else "network"


@dataclass(frozen=True)
class Study:
    """All that publications are made from, but for the runs' own results."""

    settings: Settings
    subjects: list[Subject]
    summary: list[Row]  # of results/summary.csv
    curves: list[Row]  # of results/curves.csv
    data_set: DataSet
    split: str = ""  # digest of the held-out split: scores of the same one can be paired


@dataclass(frozen=True)
class Publication:
    """All that is said of a subject, in the words of a tracking server."""

    name: str
    parameters: dict[str, str]
    metrics: list[Point]
    tags: dict[str, str]
    description: str  # markdown
    artifacts: dict[str, str] = field(default_factory=dict)  # path -> text


def digest(value: Any) -> str:
    """SHA-256 of a value's JSON with sorted keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _entry(lock: dict[str, Any], stage: str) -> dict[str, Any]:
    """A stage's entry without what says nothing of its meaning: sizes, counts of files, order."""
    entry = lock["stages"].get(stage)
    if entry is None:
        raise StudyError(f"{LOCK} has no {stage} yet; run `dvc repro`")
    return {
        "cmd": entry["cmd"],
        "params": entry.get("params", {}),
        "deps": {item["path"]: item["md5"] for item in entry["deps"]},
        "outs": {item["path"]: item["md5"] for item in entry["outs"]},
    }


def lock() -> dict[str, Any]:
    """dvc.lock. DVC writes it after each stage, so `track` finds all that came before it.

    Read while no DVC process may write it: it is not written at one blow, and a half of it reads
    as a lock with fewer stages.
    """
    from dvc.lock import make_lock

    if not LOCK.is_file():
        raise StudyError(f"{LOCK} is not there yet; run `dvc repro`")
    own = LOCK.resolve().parent / ".dvc/tmp"
    own.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / LOCK
        with make_lock(str(own / "lock"), tmp_dir=str(own), wait=True):
            shutil.copyfile(LOCK, copy)
        return params.read_yaml(copy)


def load(partly: bool = False) -> Study:
    """The study of the working folder, as far as `dvc repro` has brought it.

    Raises StudyError where a run has not been trained yet, or leaves it out: `partly`.
    """
    config = params.load()
    made = lock()
    chosen = {
        key: run
        for key, run in config.runs.items()
        if not partly or {f"train@{key}", f"evaluate@{key}"} <= made["stages"].keys()
    }
    settings = Settings(
        config.architectures, config.protocols, config.recipes, chosen, config.study
    )
    summary = tables.read_table(SUMMARY)
    return Study(
        settings,
        subjects(settings, made, summary),
        summary,
        tables.read_table(CURVES),
        tables.read_json(files.DATA_SET),
        _entry(made, "split")["outs"][str(files.split("held_out"))],
    )


def subjects(settings: Settings, lock: dict[str, Any], summary: Sequence[Row]) -> list[Subject]:
    """Every run of params.yaml, each followed by its networks.

    A run's fingerprint also covers its rows of the summary: the intervals follow parameters that
    neither its training nor its evaluation knows.
    """
    found = []
    for run in settings.runs.values():
        row = architectures()[run.architecture]
        networks = replicates(row, run.protocol, settings.study.replicates)
        for number in (None, *range(networks)):
            found.append(Subject(run, number, fingerprint(run, number, lock, summary)))
    return found


def fingerprint(
    run: Run,
    replicate: int | None,
    lock: dict[str, Any],
    summary: Sequence[Row],
    version: int = FORMAT,
) -> str:
    """What a network (its replicate's number) or a run (None) is known by.

    `version` is the FORMAT in which it was published. Raises StudyError where the lock does not
    hold the run.
    """
    made = [version, *(_entry(lock, f"{stage}@{run}") for stage in ("train", "evaluate"))]
    return digest([*made, list(_rows_of(run, summary)) if replicate is None else replicate])


def _rows_of(run: Run, table: Sequence[Row]) -> Iterator[Row]:
    for row in table:
        if (row["protocol"], row["architecture"]) == (run.protocol, run.architecture):
            yield row


def receipt(published: Sequence[Subject]) -> dict[str, list[str]]:
    """What the stage leaves behind: the same bytes for the same results, wherever and whenever."""
    return {"fingerprints": sorted(subject.fingerprint for subject in published)}


def on_starter(data_set: DataSet) -> bool:
    """Whether these are the made-up names, for want of the real ones."""
    return data_set["name"] == STARTER


def title(name: str, data_set: DataSet) -> str:
    """A name, with a warning in front where it must not be taken for an answer."""
    return f"STARTER {name}" if on_starter(data_set) else name


def warning(data_set: DataSet) -> str:
    """The first lines of every description under the starter corpus; plain: tables show it raw."""
    if not on_starter(data_set):
        return ""
    return (
        "STARTER CORPUS: no answer to the question. The real names could not be reached, so "
        "this was trained on a few common surnames a language.\n\n"
    )


def describe(subject: Subject, results: Results, study: Study) -> Publication:
    """What is published of one subject, whose run gave these results."""
    settings, data_set = study.settings, study.data_set
    tags = {
        "kind": subject.kind,
        "run": title(str(subject.run), data_set),  # to group networks by
        "protocol": subject.run.protocol,
        "architecture": subject.run.architecture,
        "data_set": label(data_set),
        "starter": str(on_starter(data_set)).lower(),
    }
    parameters = _parameters(subject, settings)
    artifacts: dict[str, str] = {}
    if subject.replicate is None:
        artifacts = _confusion(results, label(data_set))
        tags["mlflow.loggedArtifacts"] = json.dumps([{"path": CONFUSION_TABLE, "type": "table"}])
        rows = list(_rows_of(subject.run, study.summary))
        metrics = [
            *_estimates(rows),
            *_curve(list(_rows_of(subject.run, study.curves))),
            *_recalls({name: _mean(values) for name, values in results.recalls.items()}),
        ]
        body = _table_of_means(rows, settings.study.confidence)
        diverged = int(rows[0]["diverged"])
        tags["diverged"] = str(diverged)
        parameters["replicates"] = str(len(next(iter(results.scores.values()))))
    else:
        number = subject.replicate
        scores = {name: float(values[number]) for name, values in results.scores.items()}
        lost = np.isnan(list(scores.values())).all()
        history = [row for row in results.history if int(row["replicate"]) == number]
        metrics = [
            *_points({f"scores/{name}": value for name, value in scores.items()}),
            *_curve(history),
            *_recalls({name: float(values[number]) for name, values in results.recalls.items()}),
        ]
        body = "**It diverged**: no scores." if lost else _table_of_scores(scores)
        tags["diverged"] = str(bool(lost)).lower()
        tags["replicate"] = str(number)
    return Publication(
        title(subject.name, data_set),
        parameters,
        metrics,
        tags,
        f"{warning(data_set)}{_heading(subject)}\n\n{body}\n\nData set: {label(data_set)}\n",
        artifacts,
    )


def _confusion(results: Results, data_set: str) -> dict[str, str]:
    """The confusion matrix as a picture, as DVC's table and as a table that the UI shows."""
    protocol, architecture = results.run.protocol, results.run.architecture
    named = results.confusion.sum(axis=1, keepdims=True)
    shares = (results.confusion / np.maximum(named, 1)).tolist()
    rows = [
        [name, *counts] for name, counts in zip(LANGUAGES, results.confusion.tolist(), strict=True)
    ]
    return {
        "confusion/confusion.svg": heatmap.draw(
            shares, LANGUAGES, title=f"{architecture}, {protocol}\n{data_set}"
        ),
        "confusion/confusion.csv": files.confusion(protocol, architecture).read_text("utf-8"),
        CONFUSION_TABLE: json.dumps(
            {"columns": ["language", *LANGUAGES], "data": rows}, separators=(",", ":")
        ),
    }


def _parameters(subject: Subject, settings: Settings) -> dict[str, str]:
    """What was set: the study's, the protocol's and the recipe's values, and which one this is."""
    run = subject.run
    row = architectures()[run.architecture]
    values: dict[str, Any] = {
        "protocol": run.protocol,
        "architecture": run.architecture,
        "recipe": run.recipe,
        "seed": settings.study.seed,
        **getattr(settings.protocols, run.protocol).model_dump(),
        **settings.recipes[run.recipe].model_dump(),
        **settings.architectures[run.architecture],
    }
    if isinstance(row, Elman):
        values |= {"activation": row.activation, "readout": row.readout}
    if subject.replicate is None:
        values["confidence"] = settings.study.confidence
    else:
        values["replicate"] = subject.replicate
    return {key: str(value) for key, value in values.items()}


def _points(values: dict[str, float]) -> list[Point]:
    """Metrics without steps; what is not a number is left out."""
    return [(key, value, 0) for key, value in values.items() if np.isfinite(value)]


def _mean(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else np.nan


def _recalls(values: dict[str, float]) -> list[Point]:
    return _points({f"scores/recall/{language}": value for language, value in values.items()})


def _curve(rows: Sequence[Row]) -> list[Point]:
    """The learning curve, a chart for each column; a diverged network's stops where it did."""
    return [
        (f"training/{column}", float(row[column]), int(row["step"]))
        for row in rows
        for column in ("loss", "accuracy")
        if row[column] and np.isfinite(float(row[column]))
    ]


def _estimates(rows: Sequence[Row]) -> list[Point]:
    """Means under the same names as a network's scores; intervals and spread in sections apart.

    The UI makes a section of charts of what stands before the last slash, in alphabetical order.
    """
    values = {}
    for row in rows:
        values[f"scores/{row['metric']}"] = row["mean"]
        values[f"scores/interval/{row['metric']}_low"] = row["ci_low"]
        values[f"scores/interval/{row['metric']}_high"] = row["ci_high"]
        values[f"scores/sd/{row['metric']}"] = row["sd"]
    return _points({key: float(cell) for key, cell in values.items() if cell})


def _heading(subject: Subject) -> str:
    run = subject.run
    if subject.replicate is None:
        networks = (
            f"tags.kind = 'network' AND tags.protocol = '{run.protocol}' "
            f"AND tags.architecture = '{run.architecture}'"
        )
        return f"{run.architecture}, {run.protocol}: all its networks. One by one: `{networks}`"
    return f"{run.architecture}, {run.protocol}: network {subject.replicate}."


def table_of_means(subject: Subject, study: Study) -> str:
    """A run's means with their intervals, as markdown."""
    rows = list(_rows_of(subject.run, study.summary))
    return _table_of_means(rows, study.settings.study.confidence)


def _table_of_means(rows: Sequence[Row], confidence: float) -> str:
    header = ("metric", "mean", f"{confidence:.0%} interval", "sd")
    lines = [_cells(*header), "| --- | --- | --- | --- |"]
    for row in rows:
        interval = f"{_short(row['ci_low'])} to {_short(row['ci_high'])}" if row["ci_low"] else ""
        lines.append(_cells(row["metric"], _short(row["mean"]), interval, _short(row["sd"])))
    count, diverged = rows[0]["replicates"], rows[0]["diverged"]
    note = f"Over {count} network{'s' if count != '1' else ''}"
    lines += ["", f"{note}; {diverged} more diverged." if diverged != "0" else f"{note}."]
    return "\n".join(lines)


def _table_of_scores(scores: dict[str, float]) -> str:
    lines = [_cells(name, _short(str(value))) for name, value in scores.items()]
    return "\n".join([_cells("metric", "value"), "| --- | --- |", *lines])


def _cells(*cells: str) -> str:
    """A row of a markdown table."""
    return f"| {' | '.join(cell + GAP for cell in cells)} |"


def _short(cell: str) -> str:
    return f"{float(cell):.4f}" if cell else ""
