"""Wrong params.yaml and claims.yaml files, by all three ways in."""

from functools import partial

from support.bad_files import BAD, Bad
from support.projects import ROOT

from faults.study import TRACEBACK, Attempt, Outcome, Study, last_line

WAYS = (("surnames", "repro"), ("dvc", "repro"), ("python", "pipeline/gate.py"))
SECONDS = 120  # what is not refused by then has begun to run
LONGEST = 3000  # characters of a message


def attempts(seed: int) -> list[Attempt]:
    """Each file by each way."""
    return [Attempt(bad.name, partial(refuse, bad)) for bad in BAD]


def refuse(bad: Bad, study: Study) -> list[Outcome]:
    """It must be refused in some lines and without a traceback, and nothing be written."""
    place = study.folder / bad.file
    text = place.read_text(encoding="utf-8")
    outcomes = []
    try:
        place.write_bytes(bad.edited((ROOT / bad.file).read_text("utf-8")))
        for way in WAYS:
            outcomes.append(_refused(bad, way, study))
    finally:
        place.write_text(text, encoding="utf-8")
    return outcomes


def _refused(bad: Bad, way: tuple[str, ...], study: Study) -> Outcome:
    outcome = Outcome("refusals", f"{bad.name}, by {way[0]}")
    before = study.touched()
    status, printed = study.run(*way, seconds=SECONDS)
    outcome.said = last_line(printed)
    if not status:
        outcome.fault("accepted", outcome.said)
    if way[0] != "dvc":  # which reads the file itself, and first
        if status != 2:
            outcome.fault("status", f"{status}: {outcome.said}")
        if TRACEBACK in printed:
            outcome.fault("traceback", outcome.said)
        if len(printed) > LONGEST or bad.file not in printed:
            outcome.fault("message", printed[:200])
    if study.touched() != before:
        outcome.fault("touched", outcome.said)
    return outcome
