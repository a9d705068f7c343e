"""A process that runs stages one after the other, so that DVC is imported once for many of them.

Its input has the arguments of `dvc_repo.repro` for each task, as a line of JSON. After a task it
ends both of its outputs with END: what came before, from DVC, the stages and their own children, is
that task's.

Ctrl-C is left to the process that began this one. It sends SIGTERM, and so does the end of that
process: the stage that runs is ended, DVC records nothing of it and clears its locks.
"""

import json
import os
import signal
import sys
from typing import Any

import psutil

from surnames import dvc_repo
from surnames.core import errors, stage
from surnames.core.errors import SurnamesError

END = "\x04"  # end of transmission; on standard output the exit status follows, and a new line


def main() -> None:
    """Answer each line of standard input."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stage.end_with_parent(grace=15)
    for line in sys.stdin:
        signal.signal(signal.SIGTERM, _stop)
        failed = False
        try:
            dvc_repo.repro(*json.loads(line)["targets"], **json.loads(line)["options"])
        except (SurnamesError, OSError, MemoryError) as error:
            failed = True
            print(errors.explained(error)[0], file=sys.stderr)
        if stage.STOP in os.environ:
            sys.exit(128 + signal.SIGTERM)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # nothing is lost while this waits
        print(END, end="", file=sys.stderr, flush=True)
        print(f"{END}{failed:d}", flush=True)


def _stop(*_: Any) -> None:
    """End the stage that runs, and let those that DVC still begins end at once."""
    os.environ[stage.STOP] = "1"
    for child in psutil.Process().children(recursive=True):
        child.terminate()


if __name__ == "__main__":
    main()
