"""The gate: params.yaml and claims.yaml, read whole before any other stage is run."""

import os

from surnames.core import files, stage, tables
from surnames.study import gate


def main() -> None:
    """Refuse what cannot be run; write the same words for whatever can, under DVC."""
    gate.check()
    if stage.STAGE in os.environ:  # who asks by hand wants nothing written
        tables.replace_text(files.GATE, "params.yaml and claims.yaml can be run\n")


if __name__ == "__main__":
    stage.run(main)
