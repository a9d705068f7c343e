"""The one place that calls git."""

import os
import subprocess
from pathlib import Path

from surnames.core.errors import StudyError


def git(*arguments: str, folder: Path | None = None, **environment: str) -> str:
    """What a git command printed, without the white space at its end.

    Raises StudyError with git's own words where it fails, and where there is no git.
    """
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            errors="surrogateescape",  # of a file that is no text
            check=False,
        )
    except FileNotFoundError:
        raise StudyError("git is not installed, or not on PATH") from None
    if done.returncode:
        raise StudyError(f"git {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout.rstrip()


def git_or_nothing(*arguments: str, folder: Path | None = None) -> str:
    """The same, but "" where git fails: outside a repository, or where a commit is unknown."""
    try:
        return git(*arguments, folder=folder)
    except StudyError:
        return ""
