"""Where the page comes from: data set, files by digest, parameters, libraries."""

from collections.abc import Iterator
from importlib import metadata
from typing import Any

from surnames.report.report_data import ReportData

LIBRARIES = ("torch", "numpy", "scipy", "scikit-learn", "numba", "pandas", "matplotlib")
TOOLS = ("dvc", "mlflow")
SHOWN = ("study", "protocols", "recipes", "architectures")  # of params.yaml


def provenance(data: ReportData) -> dict[str, Any]:
    """The digests of what the page is made from, the parameters, the libraries."""
    written = data.config.model_dump()
    # torch's version says which processor it is for
    versions = {name: metadata.version(name).partition("+")[0] for name in (*LIBRARIES, *TOOLS)}
    return {
        "libraries": versions,
        "digests": data.digests,
        "parameters": dict(_flat({name: written[name] for name in SHOWN})),
    }


def _flat(values: dict[str, Any], place: str = "") -> Iterator[tuple[str, Any]]:
    """Parameters by their full names, such as `recipes.online.steps`."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{place}{key}.")
        else:
            yield place + key, value
