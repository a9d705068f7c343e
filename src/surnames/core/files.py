"""Every path of the project, named once; and how tables and JSON are written and read.

Paths are relative to the project's folder, in which DVC runs every stage. Floats are written with
six significant digits: beyond them `exp` and `log` of NumPy differ between processors.
"""

import csv
import io
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

PARAMS = Path("params.yaml")
CLAIMS = Path("claims.yaml")
PIPELINE = Path("dvc.yaml")
LOCK = Path("dvc.lock")
PLOTS_PAGE = Path(".dvc/plots.html")
README = Path("README.md")
FINDINGS = Path("docs/findings.md")
STARTER = Path("data/starter")
RAW = Path("data/raw")
DATA_SET = Path("data/raw/data_set.json")
LINES = Path("data/normalized/lines.csv")
NAMES = Path("data/normalized/names.csv")
OUTSIDE = Path("data/normalized/outside.csv")  # names of the starter corpus that the data lack
CHANGES = Path("data/normalized/changes.csv")
CARD = Path("data/normalized/card.json")
RUNS = Path("results/runs")
SUMMARY = Path("results/summary.csv")
REPLICATES = Path("results/replicates.csv")
RECALL = Path("results/recall.csv")
LEDGER = Path("results/claims.json")  # the claims with their verdicts
EFFECTS = Path("results/effects.csv")  # the parts of the fix
CURVES = Path("results/curves.csv")
CONFUSIONS = Path("results/confusions.csv")
REPORT = Path("reports/index.html")
DATA_CARD = Path("reports/data.md")
HEADLINE = Path("reports/headline.svg")  # the README's picture
STORE = Path("mlflow")
STORE_DATABASE = Path("mlflow/mlflow.db")
STORE_ARTIFACTS = Path("mlflow/artifacts")
RECEIPT = Path("mlflow/receipt.json")


def split(protocol: str) -> Path:
    """Which replicate trains and scores on which line."""
    return Path(f"data/splits/{protocol}.csv")


def checked(protocol: str) -> Path:
    """What the check of that split found."""
    return Path(f"data/checked/{protocol}.json")


def run(protocol: str, architecture: str) -> Path:
    """All that one (protocol, architecture) gave."""
    return RUNS / protocol / architecture


def weights(protocol: str, architecture: str) -> Path:
    """The weights of all replicates."""
    return run(protocol, architecture) / "weights.safetensors"


def history(protocol: str, architecture: str) -> Path:
    """The learning curves of all replicates."""
    return run(protocol, architecture) / "history.csv"


def evaluation(protocol: str, architecture: str) -> Path:
    """What scoring gave; one folder, for the same reason as `core` is one."""
    return run(protocol, architecture) / "evaluation"


def predictions(protocol: str, architecture: str) -> Path:
    """What every replicate said of every name that it was scored on."""
    return evaluation(protocol, architecture) / "predictions.safetensors"


def confusion(protocol: str, architecture: str) -> Path:
    """Confusion counts, summed over replicates."""
    return evaluation(protocol, architecture) / "confusion.csv"


def calibration(protocol: str, architecture: str) -> Path:
    """Confidence against accuracy, over replicates."""
    return evaluation(protocol, architecture) / "calibration.csv"


def scores(protocol: str, architecture: str) -> Path:
    """The metrics of each replicate."""
    return evaluation(protocol, architecture) / "scores.csv"


def recall(protocol: str, architecture: str) -> Path:
    """The recall of each language, by replicate."""
    return evaluation(protocol, architecture) / "recall.csv"


def metrics(protocol: str, architecture: str) -> Path:
    """The metrics' means over replicates: DVC's own view."""
    return run(protocol, architecture) / "metrics.json"


def rounded(value: Any) -> Any:
    """Floats to six significant digits, those not finite to None, inside lists and dicts too."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    value = value.item() if hasattr(value, "item") else value  # one of NumPy's numbers
    if isinstance(value, bool | int | str) or value is None:
        return value
    number = float(value)
    return float(f"{number:.6g}") if number - number == 0 else None


def replace_text(path: Path, text: str) -> None:
    """Write a whole text file or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def replace_folder(path: Path, fill: Callable[[Path], None]) -> None:
    """Let `fill` write a new folder, then put it in the place of the old one; all or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    fresh, old = work / "fresh", work / "old"
    try:
        fresh.mkdir()
        fill(fresh)
        if path.exists():
            path.rename(old)
        try:
            fresh.rename(path)
        except OSError:
            old.rename(path)
            raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


def write_json(value: Any, path: Path) -> None:
    """A JSON file, rounded, keys as given."""
    replace_text(path, json.dumps(rounded(value), indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """A JSON file's value."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_table(header: Sequence[str], rows: Iterable[Sequence[Any]], path: Path) -> None:
    """A CSV file, floats rounded; None and not-a-number become empty cells."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([rounded(cell) for cell in row])
    replace_text(path, stream.getvalue())


def read_table(path: Path) -> list[dict[str, str]]:
    """A CSV file's rows by column name."""
    with open(path, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
