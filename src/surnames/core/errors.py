"""The project's exceptions, and the one place where they become an exit status."""

import inspect
import signal
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from surnames.core.hidden import visible


class SurnamesError(Exception):
    """A mistake of the user or of the world: what came, what was expected, what to do."""

    status = 1  # of a program that ends with it


class ParameterError(SurnamesError):
    """params.yaml or claims.yaml is invalid."""

    status = 2


class DataError(SurnamesError):
    """The names, or a file made from them, are not what they must be."""


class SourceError(DataError):
    """No source gave the pinned data set."""


class StudyError(SurnamesError):
    """The study asks for something that it does not hold."""


class InputError(StudyError):
    """What a command was given cannot be used: a file, a name, a commit, an address."""

    status = 2


class TrainingError(SurnamesError):
    """No network came out of training."""


class Interrupted(SurnamesError):
    """Ctrl-C, or another signal that asks a program to end."""

    def __init__(self, message: str, number: int = signal.SIGINT) -> None:
        super().__init__(message)
        self.status = 128 + number


def run(main: Callable[..., None]) -> None:
    """Call `main` with the words of its command line; ends the program where that fails.

    Wrong words end it with the usage and 2, a mistake of the user or of the disk with one line
    and 1 or 2, Ctrl-C with 130 and SIGTERM with 143. None of them shows a traceback.
    """
    signal.signal(signal.SIGTERM, terminated)
    words = sys.argv[1:]
    try:
        inspect.signature(main).bind(*words)
    except TypeError:
        wanted = " ".join(f"<{name}>" for name in inspect.signature(main).parameters)
        print(f"usage: python {sys.argv[0]} {wanted}".rstrip(), file=sys.stderr)
        sys.exit(2)
    try:
        main(*words)
    except (SurnamesError, OSError, MemoryError, KeyboardInterrupt) as error:
        message, status = explained(error)
        print(f"error: {message}", file=sys.stderr)
        sys.exit(status)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # nothing is left to clean up


def explained(error: BaseException) -> tuple[str, int]:
    """One message for people, in which no character acts on a terminal, and the exit status."""
    text, status = _explained(error)
    return "\n".join(map(visible, text.split("\n"))), status


def _explained(error: BaseException) -> tuple[str, int]:
    if isinstance(error, SurnamesError):
        return str(error), error.status
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", 128 + signal.SIGINT
    if isinstance(error, MemoryError):
        return "not enough memory", 1
    if isinstance(error, FileNotFoundError) and error.filename:
        return f"{error.filename} is not here; run `make repro` in the project's folder", 1
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}", 1
    return str(error), 1


def terminated(number: int, _: Any) -> NoReturn:
    """A handler of signals that ends the program as an exception does: files are cleaned up."""
    signal.signal(number, signal.SIG_DFL)  # the second one ends it at once
    sys.exit(128 + number)
