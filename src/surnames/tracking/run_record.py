"""What MLflow is given of one subject: parameters, metrics, tags, a description and artifacts.

Nothing here imports MLflow.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from surnames.core import files
from surnames.core.corpus import LANGUAGES, is_starter
from surnames.core.params import Params, Run
from surnames.core.tables import Row
from surnames.display import confusion_matrix
from surnames.display.rendering import environment
from surnames.evaluation.scoring import finite_mean
from surnames.networks.lookup import get_architecture
from surnames.study.comparison import Results, gather, label
from surnames.tracking.store import FINGERPRINT, NOTE
from surnames.tracking.subjects import Snapshot, Subject, rows_of

CONFUSION_TABLE = "confusion/table.json"
Point = tuple[str, float, int]  # metric, value, step


@dataclass(frozen=True)
class RunRecord:
    """The content of one MLflow run."""

    name: str
    parameters: dict[str, str]
    metrics: list[Point]
    tags: dict[str, str]  # the fingerprint and the description, in markdown, among them
    artifacts: dict[str, str]  # path -> text


def build_run_records(study: Snapshot, subjects: Sequence[Subject]) -> dict[str, RunRecord]:
    """The records of some subjects, by fingerprint."""
    runs = {str(subject.run): subject.run for subject in subjects}
    results = dict(zip(runs, gather(runs.values()), strict=True))
    return {
        subject.fingerprint: build_run_record(subject, results[str(subject.run)], study)
        for subject in subjects
    }


def build_run_record(subject: Subject, results: Results, study: Snapshot) -> RunRecord:
    """The record of one subject, given the results of its run."""
    data_set, run, number = study.data_set, subject.run, subject.replicate
    scores, recalls = results.scores, results.recalls
    starter = is_starter(data_set["name"])
    mark = "STARTER " if starter else ""
    parameters = _parameters(run, study.settings)
    tags = {
        "kind": "run" if number is None else "network",
        "run": f"{mark}{run}",  # groups networks
        "protocol": run.protocol,
        "architecture": run.architecture,
        "data_set": label(data_set),
        "starter": str(starter).lower(),
        FINGERPRINT: subject.fingerprint,
    }
    artifacts: dict[str, str] = {}
    if number is None:
        rows = rows_of(run, study.summary)
        metrics = _estimates(rows)
        recall = {language: finite_mean(values) for language, values in recalls.items()}
        curve = rows_of(run, study.curves)
        artifacts = _confusion(results, label(data_set))
        confidence = study.settings.study.confidence
        replicates = len(next(iter(scores.values())))
        parameters |= {"confidence": str(confidence), "replicates": str(replicates)}
        tags["mlflow.loggedArtifacts"] = json.dumps([{"path": CONFUSION_TABLE, "type": "table"}])
        tags["diverged"] = rows[0]["diverged"]
        described: dict[str, Any] = {"rows": rows, "confidence": confidence}
    else:
        values = {name: float(column[number]) for name, column in scores.items()}
        metrics = _points({f"scores/{name}": value for name, value in values.items()})
        recall = {language: float(column[number]) for language, column in recalls.items()}
        curve = [row for row in results.history if int(row["replicate"]) == number]
        diverged = all(np.isnan(value) for value in values.values())
        parameters["replicate"] = tags["replicate"] = str(number)
        tags["diverged"] = str(diverged).lower()
        described = {"scores": values, "diverged": diverged}
    metrics += _curve(curve)
    metrics += _points({f"scores/recall/{language}": value for language, value in recall.items()})
    described |= {"subject": subject, "run": run, "starter": starter}
    tags[NOTE] = render("run.md", data_set=label(data_set), **described)
    return RunRecord(f"{mark}{subject.name}", parameters, metrics, tags, artifacts)


def render(template: str, **values: Any) -> str:
    """A description in markdown, from this room's templates."""
    return environment().get_template(f"tracking/templates/{template}").render(values)


def _parameters(run: Run, settings: Params) -> dict[str, str]:
    """The parameters of the study, the protocol, the recipe and the architecture."""
    values: dict[str, Any] = {
        "protocol": run.protocol,
        "architecture": run.architecture,
        "recipe": run.recipe,
        "seed": settings.study.seed,
        **getattr(settings.protocols, run.protocol).model_dump(),
        **settings.recipes[run.recipe].model_dump(),
        **settings.architectures[run.architecture],
        **(get_architecture(run.architecture).card() or {}),
    }
    # the card's kind tells which scorer it needs
    return {key: str(value) for key, value in values.items() if key != "kind"}


def _points(values: dict[str, float]) -> list[Point]:
    """Metrics without steps, except those that are not finite."""
    return [(key, value, 0) for key, value in values.items() if np.isfinite(value)]


def _curve(rows: Sequence[Row]) -> list[Point]:
    """The learning curve, a metric for each column, up to where it diverged."""
    return [
        (f"training/{column}", float(row[column]), int(row["step"]))
        for row in rows
        for column in ("loss", "accuracy")
        if row[column] and np.isfinite(float(row[column]))
    ]


def _estimates(rows: Sequence[Row]) -> list[Point]:
    """Means, under the names that a network's scores have; intervals and sd in their own sections.

    The UI groups charts by what precedes the last slash, in alphabetical order.
    """
    values = {}
    for row in rows:
        values[f"scores/{row['metric']}"] = row["mean"]
        values[f"scores/interval/{row['metric']}_low"] = row["ci_low"]
        values[f"scores/interval/{row['metric']}_high"] = row["ci_high"]
        values[f"scores/sd/{row['metric']}"] = row["sd"]
    return _points({key: float(cell) for key, cell in values.items() if cell})


def _confusion(results: Results, data_set: str) -> dict[str, str]:
    """The confusion matrix as a picture, as DVC's table and as a table that the UI shows."""
    protocol, architecture = results.run.protocol, results.run.architecture
    counts = results.confusion
    shares = (counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)).tolist()
    rows = [[language, *row] for language, row in zip(LANGUAGES, counts.tolist(), strict=True)]
    heading = f"{architecture}, {protocol}\n{data_set}"
    table = {"columns": ["language", *LANGUAGES], "data": rows}
    return {
        "confusion/confusion.svg": confusion_matrix.draw(shares, LANGUAGES, title=heading),
        "confusion/confusion.csv": files.confusion(protocol, architecture).read_text("utf-8"),
        CONFUSION_TABLE: json.dumps(table, separators=(",", ":")),
    }
