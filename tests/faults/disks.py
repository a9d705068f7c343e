"""Disks that take no more: in the middle of a write, full, or read-only."""

import os
import subprocess
import sys
from contextlib import suppress
from functools import partial

from faults.study import TRACEBACK, Attempt, Outcome, Study, judge, said

REPRO, VERIFY = ("surnames", "repro"), ("surnames", "verify")
PREDICT = ("surnames", "predict", "Smith")
FULL = (
    *("gate", "fetch", "split", "train@held_out-fixed", "evaluate@held_out-fixed"),
    *("compare", "report", "track"),
)
WAYS = (REPRO, ("dvc", "repro"))


def attempts() -> list[Attempt]:
    """Every stage without room, and whole disks."""
    found = []
    for number, stage in enumerate(FULL):
        case = partial(too_large, stage=stage, way=WAYS[number % 2])
        found.append(Attempt(f"no room for {stage}", lambda study, case=case: [case(study)]))
    return found + [
        Attempt(one.__name__, lambda study, one=one: [one(study)])
        for one in (no_room_for_dvc, output_nowhere, full_disk, read_only)
    ]


def too_large(study: Study, stage: str, way: tuple[str, ...]) -> Outcome:
    """No file of a stage may grow beyond some bytes: like a full disk, in the middle of a write."""
    outcome = Outcome("storage", f"no room for what {stage} writes, {' '.join(way)}")
    study.forget(stage)
    kept = study.state()
    shown = f"{' '.join(way)} 2>&1 | cat; exit ${{PIPESTATUS[0]}}"  # a pipe has room
    status, printed = study.run("bash", "-c", shown, **study.struck(stage=stage, moment="limited"))
    outcome.said = said(printed)
    if not study.journal():
        outcome.fault("not reached", outcome.said)
    if TRACEBACK in printed:
        outcome.fault("traceback", said(printed))
    if status not in (1, 255):  # 255 is DVC's own
        outcome.fault("status", f"{status}: {said(printed)}")
    if lost := [name for name in kept if name not in study.state()]:
        outcome.fault("lost", f"removed: {', '.join(lost[:3])}")
    study.compare(outcome)
    return outcome


def no_room_for_dvc(study: Study) -> Outcome:
    """The same for DVC, which writes a database, dvc.lock and its cache."""
    outcome = Outcome("storage", "no room for what DVC writes")
    study.forget("compare")
    status, printed = study.run("bash", "-c", 'ulimit -f 1; exec "$@"', "limited", *REPRO)
    judge(outcome, status, printed)
    outcome.said = said(printed)
    study.compare(outcome)
    return outcome


def output_nowhere(study: Study) -> Outcome:
    """A device that is always full."""
    outcome = Outcome("storage", "answers to /dev/full")
    status, printed = study.run("bash", "-c", "surnames predict Smith > /dev/full")
    outcome.said = said(printed)
    judge(outcome, status, printed)
    return outcome


def full_disk(study: Study) -> Outcome:
    """The whole study on a disk of a fixed size, on which a stage must run again."""
    outcome = Outcome("storage", "a full disk")
    place = study.folder.with_name(f"{study.folder.name}-full")
    place.mkdir()
    size = sum(path.stat().st_size for path in study.folder.rglob("*") if path.is_file())
    files = sum(1 for _ in study.folder.rglob("*"))
    options = f"size={size + 4096 * files}"
    if not _mounted("-t", "tmpfs", "-o", options, "none", str(place)):
        outcome.said = "SKIPPED: needs root, to mount a small disk"
        return outcome
    try:
        small = Study(study.project.copy(place / "surnames"))
        small.forget("train@held_out-fixed")
        filler = place / "filler"
        with suppress(OSError), open(filler, "wb") as stream:
            while True:
                stream.write(b"\0" * 4096)
                stream.flush()
        status, printed = small.run(*REPRO)
        outcome.said = said(printed)
        judge(outcome, status, printed)
        filler.unlink()
        small.compare(outcome, whole=True)
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)
    return outcome


def read_only(study: Study) -> Outcome:
    """What only reads, works; what writes says so in a line."""
    outcome = Outcome("storage", "a folder that is read-only")
    place = study.folder.with_name(f"{study.folder.name}-read-only")
    place.mkdir()
    project = study.project.copy(place / "surnames")
    reader = Study(project)
    if not _mounted("--bind", str(place), str(place)) or not _mounted(
        "-o", "remount,bind,ro", str(place)
    ):
        outcome.said = "SKIPPED: needs root, to mount a folder read-only"
        return outcome
    try:
        for command in (VERIFY, PREDICT, (*PREDICT, "--model", "champion"), REPRO):
            status, printed = reader.run(*command)
            judge(outcome, status, printed)
            if command != REPRO and status:
                outcome.fault("blocked", f"{' '.join(command)}: {said(printed)}")
            outcome.said = outcome.said if outcome.faults else said(printed)
    finally:
        subprocess.run(["umount", str(place)], check=False)
        subprocess.run(["umount", str(place)], check=False, stderr=subprocess.DEVNULL)
    return outcome


def _mounted(*words: str) -> bool:
    return (
        os.getuid() == 0
        and not subprocess.run(["mount", *words], check=False, stderr=sys.stderr).returncode
    )
