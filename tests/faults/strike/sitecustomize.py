"""Sends a signal when a stage comes to a named moment; Python imports this by itself.

SURNAMES_STRIKE says in JSON which stage, moment, signal and victim, and names the file that is made
once it has happened. Nothing of the project knows of it.
"""

import atexit
import json
import os
import signal
import sys

ORDER = json.loads(os.environ.get("SURNAMES_STRIKE", "{}"))


def _victim() -> int:
    """The process to be signalled: this stage, its DVC, or the `surnames repro` above them."""
    if ORDER["victim"] == "stage":
        return os.getpid()
    process = os.getppid()
    while ORDER["victim"] == "all":
        with open(f"/proc/{process}/cmdline", "rb") as stream:
            words = stream.read().split(b"\0")
        if b"repro" in words and any(word.endswith((b"surnames", b"dvc")) for word in words):
            break
        with open(f"/proc/{process}/stat", "rb") as stream:
            process = int(stream.read().rsplit(b")", 1)[1].split()[1])
    return process


def strike(moment: str) -> None:
    """Announce the moment and send the signal, the first time that it comes."""
    if moment != ORDER["moment"]:
        return
    try:
        os.close(os.open(ORDER["done"], os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        return
    number = getattr(signal, ORDER["signal"])
    if ORDER["victim"] == "group":  # Ctrl-C in a terminal
        os.killpg(os.getpgid(0), number)
    else:
        os.kill(_victim(), number)


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


if ORDER and os.environ.get("DVC_STAGE") == ORDER["stage"]:
    strike("begins")
    atexit.register(strike, "ends")
    sys.addaudithook(_watch)
