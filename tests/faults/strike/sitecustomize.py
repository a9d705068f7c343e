"""Announces what the processes of a study do, and sends a signal at a named moment.

Python imports this by itself where its folder is on PYTHONPATH; nothing of the project knows of it.
SURNAMES_STRIKE says in JSON which stage (or `dvc`: any process around the stages), moment, signal
and victim, and names the journal: a line for each stage that begins or ends, and one for the blow.
"""

import atexit
import json
import os
import resource
import signal
import sys
import threading
import time

ORDER = json.loads(os.environ.get("SURNAMES_STRIKE", "{}"))
STAGE = os.environ.get("DVC_STAGE", "dvc")
REPRO = (b"surnames", b"dvc")
# seconds that a stage whose parent was struck would go on, if nothing ended it; before its own code
# nothing can, so that it has to end at its first line
HOLD = 5 if ORDER.get("moment") in ("begins", "imports") else 60


def _ancestor() -> int:
    """The victim among the processes above: `make`, or the `surnames repro` or `dvc repro`."""
    process = os.getpid()
    while process > 1:
        with open(f"/proc/{process}/cmdline", "rb") as stream:
            words = stream.read().split(b"\0")
        if ORDER["victim"] == "make" and words[0].endswith(b"make"):
            return process
        repro = b"repro" in words[1:4] and any(word.endswith(REPRO) for word in words[:3])
        if ORDER["victim"] == "all" and repro:
            return process
        with open(f"/proc/{process}/stat", "rb") as stream:
            process = int(stream.read().rsplit(b")", 1)[1].split()[1])
    raise ProcessLookupError(ORDER["victim"])


def announce(what: str) -> None:
    """Add a line to the journal."""
    journal = os.open(ORDER["journal"], os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    os.write(journal, f"{what}\n".encode())
    os.close(journal)


def strike(moment: str, written: str = "") -> None:
    """Announce the moment and send the signal, the first time that it comes.

    A file that is `written` in place is cut in half by a SIGKILL of its writer.
    """
    if moment != ORDER["moment"]:
        return
    try:
        os.close(os.open(f"{ORDER['journal']}.struck", os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        return
    announce(f"struck {STAGE} {moment}")
    number = getattr(signal, ORDER["signal"])
    if written and ORDER["signal"] == "SIGKILL":
        if os.path.exists(written):
            os.truncate(written, os.path.getsize(written) // 2)
        os.kill(os.getpid(), number)
    if ORDER["victim"] == "group":  # Ctrl-C in a terminal
        os.killpg(os.getpgid(0), number)
    elif ORDER["victim"] == "stage":
        os.kill(os.getpid(), number)
    else:
        os.kill(os.getppid() if ORDER["victim"] == "dvc" else _ancestor(), number)
        if STAGE != "dvc":
            time.sleep(HOLD)


def _later() -> None:
    time.sleep(ORDER.get("after", 0.5))
    strike("works")


def _watch(event: str, arguments: tuple) -> None:
    if event == "import" and arguments[0] == "numpy":
        strike("imports")
    elif event == "os.rename":
        strike("replaces")
    elif event in ("tempfile.mkstemp", "tempfile.mkdtemp") and str(arguments[0]).endswith(".tmp"):
        strike("writes")
    elif event == "open" and isinstance(arguments[0], str):
        name = os.path.relpath(arguments[0]) if os.path.isabs(arguments[0]) else arguments[0]
        reading = not arguments[2] & os.O_ACCMODE
        if reading and name.startswith(("params.yaml", "data/", "results/", "dvc.lock")):
            strike("reads")
            if ORDER["moment"] == "works" and not any(
                t.name == "blow" for t in threading.enumerate()
            ):
                threading.Thread(target=_later, name="blow", daemon=True).start()


def _watch_dvc(event: str, arguments: tuple) -> None:
    """The moments at which DVC writes what a later run depends on."""
    if event == "open" and arguments[2] & os.O_ACCMODE:
        path = str(arguments[0])
        if path.endswith("/dvc.lock"):
            strike("writes dvc.lock", path)
        elif path.endswith(".dvc/tmp/rwlock"):
            strike("writes its locks", path)
    elif event in ("os.rename", "os.link") and "/.dvc/cache/files/" in str(arguments[1]):
        strike("caches")


if ORDER and STAGE == "dvc":
    if ORDER["stage"] == "dvc" and any(
        "repro" in word or "worker" in word for word in sys.orig_argv
    ):
        sys.addaudithook(_watch_dvc)
elif ORDER and any(word.startswith("pipeline/") for word in sys.orig_argv):
    announce(f"begins {STAGE}")
    if ORDER["stage"] == STAGE and ORDER["moment"] == "limited":  # the bytes of each file it writes
        resource.setrlimit(resource.RLIMIT_FSIZE, (20, resource.RLIM_INFINITY))
    else:
        atexit.register(announce, f"ends {STAGE}")
    if ORDER["stage"] == STAGE:
        strike("begins")
        atexit.register(strike, "ends")
        sys.addaudithook(_watch)
