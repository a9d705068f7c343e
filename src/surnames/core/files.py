"""The paths of what training rests on: data/ and results/runs.

They are relative to the project's folder, in which DVC runs every stage. What only the comparison,
the report, MLflow or the documents read and write is named in their own rooms: a path changed
there must not make every stage stale.
"""

from collections.abc import Callable
from pathlib import Path

PARAMS = Path("params.yaml")
GATE = Path("data/gate.txt")  # not read: it says what must come first
STARTER = Path("data/starter")
RAW = Path("data/raw")
DATA_SET = Path("data/raw/data_set.json")
LINES = Path("data/normalized/lines.csv")
NAMES = Path("data/normalized/names.csv")
OUTSIDE = Path("data/normalized/outside.csv")  # names of the starter corpus that the data lack
CHANGES = Path("data/normalized/changes.csv")
CARD = Path("data/normalized/card.json")
NEAREST = Path("data/nearest.csv")  # edits from each unseen name to the nearest training name
RUNS = Path("results/runs")


def split(protocol: str) -> Path:
    """Which replicate trains and scores on which line."""
    return Path(f"data/splits/{protocol}.csv")


def checked(protocol: str) -> Path:
    """What the check of that split found."""
    return Path(f"data/checked/{protocol}.json")


def run(protocol: str, architecture: str) -> Path:
    """The results of one (protocol, architecture)."""
    return RUNS / protocol / architecture


def _in_run(name: str) -> Callable[[str, str], Path]:
    """The path of a file for each (protocol, architecture)."""
    return lambda protocol, architecture: run(protocol, architecture) / name


weights = _in_run("weights.safetensors")  # of all replicates
history = _in_run("history.csv")  # the learning curves of all replicates
metrics = _in_run("metrics.json")  # their means over replicates, DVC's own view

# what scoring gave is one folder: one entry of dvc.lock instead of five
evaluation = _in_run("evaluation")
PREDICTIONS = "predictions.safetensors"  # of every replicate and name
CONFUSION = "confusion.csv"  # counts, summed over replicates
CALIBRATION = "calibration.csv"  # confidence against accuracy, likewise
SCORES = "scores.csv"  # the metrics of each replicate
RECALL = "recall.csv"  # the recall of each language, by replicate
predictions = _in_run(f"evaluation/{PREDICTIONS}")
confusion = _in_run(f"evaluation/{CONFUSION}")
calibration = _in_run(f"evaluation/{CALIBRATION}")
scores = _in_run(f"evaluation/{SCORES}")
recall = _in_run(f"evaluation/{RECALL}")
