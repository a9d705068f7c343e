"""Files of strangers at their doors: `predict`, `fetch` and the comment job."""

import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from faults.strangers import Hostile, every
from faults.study import TRACEBACK, Attempt, Outcome, Study, last_line

MEMORY, CPU = 1_500_000_000, 30  # bytes and seconds that one file may take
COMMENT = """
import sys
from surnames.core import errors
from surnames.workflow import comment
def main(path):
    print(comment.body(comment.unpacked(open(path, "rb").read()), "0" * 40, "https://github.com"))
errors.run(main)
"""


def attempts(seed: int) -> list[Attempt]:
    """All of them."""
    return [
        Attempt(f"{one.door}, {one.name}", lambda study, one=one: [meet(study, one)])
        for one in every()
    ]


def meet(study: Study, hostile: Hostile) -> Outcome:
    """Give a file to its door."""
    outcome = Outcome("hostile", f"{hostile.door}, {hostile.name}")
    before = study.touched()
    with tempfile.TemporaryDirectory(prefix="surnames-hostile-") as scratch:
        command, environment = _command(hostile, Path(scratch))
        status, printed, memory, seconds = _measured(study, command, environment)
    outcome.said = last_line(printed) if status else "answered"
    if TRACEBACK in printed:
        outcome.fault("traceback", last_line(printed))
    if status not in hostile.status:
        outcome.fault("accepted" if status == 0 else "status", f"{status}: {last_line(printed)}")
    if memory > MEMORY or seconds > CPU:
        outcome.fault("unbounded", f"{memory / 1e6:.0f} MB, {seconds:.0f} s")
    if status and len(printed) > 5000:
        outcome.fault("long", f"a message of {len(printed)} characters")
    if hidden := [c for c in printed if not c.isprintable() and c not in "\n\t\r"]:
        outcome.fault("raw", f"U+{ord(hidden[0]):04X} reaches the terminal")
    if study.touched() != before:
        outcome.fault("touched", "files of the study changed")
    return outcome


def _command(hostile: Hostile, scratch: Path) -> tuple[list[str], dict[str, str]]:
    """Lay out the file; the command that reads it, and its environment."""
    file = scratch / f"file{hostile.suffix}"
    if hostile.door == "model":
        # the folder's name is the architecture's
        folder = scratch / ("logged" if hostile.card else "fixed")
        folder.mkdir()
        (folder / "weights.safetensors").write_bytes(hostile.content())
        if hostile.card:
            (folder / "card.json").write_bytes(hostile.card)
        return ["surnames", "predict", "Smith", "--model", str(folder)], {}
    file.write_bytes(hostile.content())
    if hostile.door == "fetch":
        return [sys.executable, "pipeline/fetch.py"], {"SURNAMES_DATA": str(file)}
    if hostile.door == "comment":
        return [sys.executable, "-c", COMMENT, str(file)], {}
    return ["surnames", "predict", "--file", str(file), "--top", "1"], {}


def _measured(
    study: Study, command: list[str], environment: dict[str, str]
) -> tuple[int, str, int, float]:
    """Exit status, output, most memory in bytes and seconds of processor time."""
    with tempfile.TemporaryFile("w+", errors="replace", newline="") as output:
        limited = ["bash", "-c", 'ulimit -t 120; exec "$@"', "limited", *command]
        process = study.begin(limited, output, environment)
        deadline = time.monotonic() + 300
        while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
            if time.monotonic() > deadline:
                os.killpg(process.pid, signal.SIGKILL)
            time.sleep(0.02)
        _, status, usage = ended
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        printed = output.read(2_000_000)
    return process.returncode, printed, usage.ru_maxrss * 1024, usage.ru_utime + usage.ru_stime
