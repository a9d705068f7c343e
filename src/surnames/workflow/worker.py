"""A process that runs stages one after the other, so that DVC is imported once for many of them.

Its input has a line of stages for each task. After a task it ends both of its outputs with END:
what came before, from DVC, the stages and their own children, is that task's.
"""

import sys

from surnames import dvc_repo
from surnames.core.errors import StudyError

END = "\x04"  # end of transmission; on standard output the exit status follows, and a new line


def main() -> None:
    """Answer each line of standard input."""
    for line in sys.stdin:
        failed = False
        try:
            dvc_repo.repro(*line.split(), single_item=True)
        except StudyError as error:
            failed = True
            print(error, file=sys.stderr)
        print(END, end="", file=sys.stderr, flush=True)
        print(f"{END}{failed:d}", flush=True)


if __name__ == "__main__":
    main()
