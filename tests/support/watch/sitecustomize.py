"""Writes down every file that a Python process opens, and its child processes with it.

Python imports this by itself where its folder is on PYTHONPATH; SURNAMES_WATCH names the log.
"""

import os
import sys

_log = os.environ.get("SURNAMES_WATCH")
_WRITES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree"}
_IN_FOLDER = {"os.remove", "os.rmdir"}
_READS = {"os.listdir", "os.scandir", "sqlite3.connect"}


def _watch(event: str, arguments: tuple) -> None:
    if event == "open":
        path, mode, flags = arguments
        written = (
            any(letter in mode for letter in "wax+")
            if isinstance(mode, str)
            else bool(flags & (os.O_WRONLY | os.O_RDWR))
        )
    elif event in _WRITES or event in _READS:
        path, written = arguments[0], event in _WRITES
        if event in _IN_FOLDER and arguments[1] != -1:
            return  # a name in an open folder, whose own removal is seen
    else:
        return
    if isinstance(path, bytes):
        path = os.fsdecode(path)
    if isinstance(path, str) and (written or os.path.exists(path)):  # else relative to a dir_fd
        line = f"{'write' if written else 'read'}\t{event}\t{os.path.abspath(path)}\n"
        os.write(_descriptor, line.encode("utf-8", "surrogateescape"))


if _log:
    _descriptor = os.open(_log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    sys.addaudithook(_watch)
