"""The project's exceptions, and the one place where they become an exit status."""

import inspect
import sys
from collections.abc import Callable


class SurnamesError(Exception):
    """A mistake of the user or of the world: what came, what was expected, what to do."""


class ParameterError(SurnamesError):
    """params.yaml or claims.yaml is invalid."""


class DataError(SurnamesError):
    """The names, or a file made from them, are not what they must be."""


class SourceError(DataError):
    """No source gave the pinned data set."""


class StudyError(SurnamesError):
    """The study asks for something that it does not hold."""


class TrainingError(SurnamesError):
    """No network came out of training."""


def run(main: Callable[..., None]) -> None:
    """Call a stage's `main` with the words of its command line.

    A mistake of the user exits with 1 and without a traceback, wrong words with the usage and 2.
    """
    words = sys.argv[1:]
    try:
        inspect.signature(main).bind(*words)
    except TypeError:
        wanted = " ".join(f"<{name}>" for name in inspect.signature(main).parameters)
        print(f"usage: python {sys.argv[0]} {wanted}".rstrip(), file=sys.stderr)
        sys.exit(2)
    try:
        main(*words)
    except SurnamesError as error:
        sys.exit(f"error: {error}")
    except FileNotFoundError as error:
        sys.exit(f"error: {error.filename} is not here; run `dvc repro` in the project's folder")
