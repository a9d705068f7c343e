"""The gate: params.yaml and claims.yaml, read whole before any other stage is run."""

from surnames.core import files, stage, tables
from surnames.study import gate

PASSED = "params.yaml and claims.yaml can be run\n"


def main() -> None:
    """Refuse what cannot be run; write the same words for whatever can."""
    gate.check()
    if not files.GATE.is_file() or files.GATE.read_text("utf-8") != PASSED:
        tables.replace_text(files.GATE, PASSED)  # else untouched: it is asked by hand, too


if __name__ == "__main__":
    stage.run(main)
