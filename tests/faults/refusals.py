"""Wrong params.yaml and claims.yaml files, by all three ways in."""

from collections.abc import Iterator

from support.bad_files import BAD
from support.projects import ROOT

from faults.study import TRACEBACK, Outcome, Study, last_line

WAYS = (("surnames", "repro"), ("dvc", "repro"), ("python", "pipeline/gate.py"))
PLACES = ("data", "results", "reports", "mlflow", "README.md", "docs", "dvc.lock")


def touched(study: Study) -> dict[str, int]:
    """When each file of the study was last written."""
    files = [path for place in PLACES for path in (study.folder / place).rglob("*")]
    files += [study.folder / place for place in PLACES]
    return {str(path): path.stat().st_mtime_ns for path in files if path.is_file()}


def run(study: Study, seed: int, count: int | None = None) -> Iterator[Outcome]:
    """Each must be refused in some lines and without a traceback, and nothing be written."""
    texts = {name: (study.folder / name).read_text() for name in ("params.yaml", "claims.yaml")}
    before = touched(study)
    for bad in BAD[:: 1 if count is None else len(BAD) // count]:
        content = bad.edited((ROOT / bad.file).read_text())
        for way in WAYS:
            outcome = Outcome("refusals", f"{bad.name}, by {way[0]}")
            (study.folder / bad.file).write_bytes(content)
            status, printed = study.run(*way)
            (study.folder / bad.file).write_text(texts[bad.file])
            outcome.said = last_line(printed)
            if not status:
                outcome.faults.append("accepted")
            if way[0] != "dvc" and status != 2:
                outcome.faults.append("status")
            if way[0] != "dvc" and TRACEBACK in printed:  # DVC reads the file itself, and first
                outcome.faults.append("traceback")
            if touched(study) != before:
                outcome.faults.append("touched")
            yield outcome
