"""The one place that calls git."""

import os
import subprocess
from pathlib import Path

from surnames.core.errors import StudyError

# git sets these for its hooks; they name the repository of the hook, whatever folder is meant here
PLACES = {"GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"}
NONE, FOREIGN = "not a git repository", "dubious ownership"  # git's own words
MAKE_ONE = "work in a clone, or make it one: `git init && git add -A && git commit -m start`"


def git(*arguments: str, folder: Path | None = None, **environment: str) -> str:
    """What a git command printed, without the white space at its end.

    Raises StudyError with git's own words where it fails, and where there is no git.
    """
    kept = {name: value for name, value in os.environ.items() if name not in PLACES}
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            env=kept | {"LC_ALL": "C"} | environment,  # no translated messages
            capture_output=True,
            text=True,
            errors="surrogateescape",  # of a file that is no text
            check=False,
        )
    except FileNotFoundError:
        raise StudyError("git is not installed, or not on PATH") from None
    if done.returncode:
        raise StudyError(f"git {arguments[0]} failed: {advised(done.stderr.strip().expandtabs(4))}")
    return done.stdout.rstrip()


def advised(words: str) -> str:
    """The words of git or DVC, with what helps where there is no repository."""
    return f"{words}; {MAKE_ONE}" if NONE in words else words


def git_or_nothing(*arguments: str, folder: Path | None = None) -> str:
    """The same, but "" where git fails: outside a repository, or where a commit is unknown.

    Not where git refuses to read a repository that belongs to another user.
    """
    try:
        return git(*arguments, folder=folder)
    except StudyError as error:
        if FOREIGN in str(error):
            raise
        return ""
