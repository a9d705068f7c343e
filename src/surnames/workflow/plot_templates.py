"""The templates of `dvc plots`: templates/plots.yaml as the JSON files that DVC reads.

They are in git, so that it draws in any clone; `surnames repro` writes them again.
"""

import json
from pathlib import Path

from surnames.core import params, tables

FOLDER = Path(".dvc/plots")
DEFINITION = Path(__file__).parent / "templates/plots.yaml"


def templates() -> dict[Path, str]:
    """The text of each file, for the architectures of params.yaml."""
    definition = params.read_yaml(DEFINITION)
    del definition["shared"]
    architectures = json.dumps(list(params.load().architectures))
    return {
        FOLDER / f"{name}.json": json.dumps(value).replace('"<ARCHITECTURES>"', architectures)
        + "\n"
        for name, value in definition.items()
    }


def write() -> None:
    """Write all files."""
    for path, text in templates().items():
        tables.replace_text(path, text)
