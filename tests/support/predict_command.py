"""`surnames predict` in a finished study, as a user calls it; and names in files for it."""

import csv
import os
import random
import string
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from support.projects import Project
from surnames.core.corpus import LANGUAGES

COMMAND = [sys.executable, "-m", "surnames", "predict"]


def run(
    finished: Project, *words: str, given: bytes = b"", cwd: str = "."
) -> "subprocess.CompletedProcess[bytes]":
    """The finished command, both streams apart."""
    return subprocess.run(
        [*COMMAND, *words],
        cwd=finished.folder / cwd,
        env=os.environ | finished.code | {"LC_ALL": "C", "COLUMNS": "100"},
        input=given,
        capture_output=True,
        check=False,
    )


def predict(finished: Project, *words: str, given: str = "", cwd: str = ".") -> tuple[str, str]:
    """What it writes to standard output, and what to standard error."""
    done = run(finished, *words, given=given.encode(), cwd=cwd)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode(), done.stderr.decode()


def made_up_names(folder: Path, count: int) -> tuple[Path, Path]:
    """Distinct made-up names with a language each, as CSV and as Parquet."""
    rng = random.Random(1)
    names = [
        "".join(rng.choices(string.ascii_lowercase, k=rng.randint(4, 9))).title()
        for _ in range(count)
    ]
    languages = rng.choices(LANGUAGES, k=count)
    as_csv, as_parquet = folder / f"{count}.csv", folder / f"{count}.parquet"
    with open(as_csv, "w", newline="") as file:
        csv.writer(file).writerows([("name", "language"), *zip(names, languages, strict=True)])
    pa.parquet.write_table(pa.table({"name": names, "language": languages}), as_parquet)
    return as_csv, as_parquet
