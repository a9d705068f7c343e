"""The project's folder: where it is, and the files by which DVC knows it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from surnames.core.errors import StudyError

PIPELINE = Path("dvc.yaml")
LOCK = Path("dvc.lock")


def find(start: Path) -> Path:
    """The nearest folder from `start` upwards that has a dvc.yaml; StudyError where none has."""
    for folder in (start, *start.parents):
        if (folder / PIPELINE).is_file():
            return folder
    raise StudyError(f"no {PIPELINE} in {start} or above; run inside the project's folder")


@contextmanager
def inside(root: Path) -> Iterator[Path]:
    """Work in the project's folder, to which all paths are relative; gives the folder before it."""
    before = Path.cwd()
    os.chdir(find(root.resolve()))
    try:
        yield before
    finally:
        os.chdir(before)
