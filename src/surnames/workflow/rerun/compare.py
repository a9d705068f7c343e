"""The results of a rerun against those of its target: digests, then predictions, then metrics."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

from surnames import dvc_repo
from surnames.core import digests, files, tables
from surnames.core.corpus import LANGUAGES
from surnames.core.tables import Row
from surnames.display.rendering import environment
from surnames.evaluation.scoring import PREDICTION_KEYS
from surnames.project import LOCK
from surnames.workflow.rerun.target import Target
from surnames.workflow.study_diff.snapshot import read

SHOWN = 5  # files named, of those that differ


def compare(target: Target, folder: Path) -> tuple[bool, str]:
    """Whether the stages in this checkout confirm what the target's gave, and the text on it."""
    stages = dvc_repo.parse_lock((folder / LOCK).read_text(encoding="utf-8"), "the rerun")["stages"]
    former = dvc_repo.parse_lock(target.lock, target.name)["stages"]
    before = outputs({stage: former.get(stage, {}) for stage in stages})
    after = outputs(stages)
    changed = [path for path in after if after[path] != before.get(path)]
    runs = [name[9:].split("-", 1) for name in stages if name.startswith("evaluate@")]
    predictions = [path for run in runs if str((path := files.predictions(*run)).parent) in changed]
    altered, outside = _altered(before), []
    if changed:
        outside = [line for run in runs for line in _outside_interval(run, target.summary, folder)]
    matches = not altered and not outside
    how = "within the interval" if changed else "bit for bit"
    template = environment().get_template("workflow/templates/rerun.txt")
    return matches, template.render(
        verdict=f"matches {how}" if matches else "does not match",
        altered=altered,
        outside=outside,
        before=before,
        after=after,
        changed=changed,
        first_difference=predictions and _first_difference(predictions[0], before, folder),
        shown=SHOWN,
    ).rstrip("\n")


def outputs(stages: dict[str, Any]) -> dict[str, str]:
    """The digests of what these stages of a dvc.lock wrote, by path, in the stages' order."""
    return {out["path"]: out["md5"] for one in stages.values() for out in one.get("outs", [])}


def _altered(expected: dict[str, str]) -> list[str]:
    """A line for each file here that should be the target's and has another digest.

    It should be where the work tree's own dvc.lock says so, or its name in DVC's cache.
    """
    lines = []
    present = outputs(dvc_repo.parse_lock(read(LOCK, None))["stages"])
    for path, digest in expected.items():
        if present.get(path) == digest and Path(path).exists():
            actual = digests.digest(Path(path))
            if actual != digest:
                lines.append(f"{path} was altered in the work tree: {actual}, was {digest}")
        contents = {f"{path}/{name}": inner for name, inner in dvc_repo.contents(digest).items()}
        for name, inner in {path: digest, **contents}.items():
            place = dvc_repo.cached(inner)
            if place.is_file() and digests.digest(place) != inner.removesuffix(".dir"):
                lines.append(f"{name} was altered in DVC's cache: {place}")
    return lines


def _first_difference(path: Path, before: dict[str, str], folder: Path) -> str:
    """A line about the first replicate and name that is predicted otherwise than before."""
    digest = dvc_repo.contents(before.get(str(path.parent), "")).get(path.name)
    kept = dvc_repo.cached(digest) if digest else None
    if not (kept and kept.is_file() and digests.digest(kept) == digest):
        return f"{path}: differs; DVC's cache lacks the former one, so not known where (`dvc pull`)"
    return f"{path}: {difference(kept, folder / path)}"


def difference(before: Path, after: Path) -> str:
    """The first replicate and name whose predictions differ in two files, with the values."""
    old, new = safetensors.numpy.load_file(before), safetensors.numpy.load_file(after)
    for replicate in sorted({int(key.split(".")[0]) for key in old.keys() | new.keys()}):
        keys = [f"{replicate}.{field}" for field in PREDICTION_KEYS]
        if len({len(one.get(key, ())) for one in (old, new) for key in keys}) > 1:
            return f"replicate {replicate} was scored on other names"
        differs = np.array([old[key] != new[key] for key in keys])  # (fields, names)
        if differs.any():
            index = int(np.flatnonzero(differs.any(axis=0))[0])
            values = [
                f"{field} {_value(field, new[key][index])} (was {_value(field, old[key][index])})"
                for field, key, other in zip(PREDICTION_KEYS, keys, differs, strict=True)
                if other[index]
            ]
            return f"replicate {replicate}, name {index}: {', '.join(values)}"
    return "the predictions are the same, the tables beside them are not"


def _value(field: str, value: Any) -> str:
    return LANGUAGES[int(value)] if field in ("language", "predicted") else str(value)


def _outside_interval(run: list[str], summary: Sequence[Row], folder: Path) -> list[str]:
    """A line for each metric outside its interval; one without an interval must be the same."""
    metrics = tables.read_json(folder / files.metrics(*run))
    lines = []
    for row in summary:
        if [row["protocol"], row["architecture"]] == run:
            low, high = row["ci_low"] or row["mean"], row["ci_high"] or row["mean"]
            value = metrics.get(row["metric"])
            if value is None or not float(low) <= value <= float(high):
                lines.append(f"{'-'.join(run)}: {row['metric']} {value}, was {low} to {high}")
    return lines
