"""The paths of what training rests on: data/ and results/runs.

They are relative to the project's folder, in which DVC runs every stage. What only the comparison,
the report, MLflow or the documents read and write is named in their own rooms: a path changed
there must not make every stage stale.
"""

from pathlib import Path

PARAMS = Path("params.yaml")
STARTER = Path("data/starter")
RAW = Path("data/raw")
DATA_SET = Path("data/raw/data_set.json")
LINES = Path("data/normalized/lines.csv")
NAMES = Path("data/normalized/names.csv")
OUTSIDE = Path("data/normalized/outside.csv")  # names of the starter corpus that the data lack
CHANGES = Path("data/normalized/changes.csv")
CARD = Path("data/normalized/card.json")
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


def weights(protocol: str, architecture: str) -> Path:
    """The weights of all replicates."""
    return run(protocol, architecture) / "weights.safetensors"


def history(protocol: str, architecture: str) -> Path:
    """The learning curves of all replicates."""
    return run(protocol, architecture) / "history.csv"


def evaluation(protocol: str, architecture: str) -> Path:
    """What scoring gave, as one folder: one entry of dvc.lock instead of five."""
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
