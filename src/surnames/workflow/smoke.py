"""The whole study in small: few steps, few runs, the starter corpus, in a clone of its own.

The quick end-to-end check: `make smoke`, and what most tests of the pipeline start from.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

from surnames.core import files, params, tables
from surnames.core.errors import StudyError
from surnames.git import git
from surnames.project import LOCK
from surnames.study.paths import CLAIMS, SUMMARY

RUNS = [
    "published-majority",
    "published-tutorial_2017",
    "published-fixed",
    "held_out-ngram_logistic",
    "held_out-tutorial_2017",
    "held_out-fixed",
    "random_split-fixed",
]


def clone(project: Path, folder: Path) -> None:
    """Copy the work tree as git would commit it into a new repository, without any results."""
    names = git("ls-files", "--cached", "--others", "--exclude-standard", folder=project)
    for name in names.splitlines():
        if (project / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(project / name, folder / name)
    for compiled in (project / "src").rglob("__pycache__"):  # numba's, or each clone compiles
        shutil.copytree(compiled, folder / compiled.relative_to(project), dirs_exist_ok=True)
    git("init", "-q", folder=folder)


def shrink(folder: Path) -> None:
    """Make a clone's study small: its parameters, the claims that it can test, no results."""
    values = params.read_yaml(folder / files.PARAMS)
    values["fetch"]["sources"] = []
    values["protocols"]["published"]["replicates"] = 2
    values["protocols"]["held_out"] = {"folds": 2, "repetitions": 1}
    values["protocols"]["random_split"]["replicates"] = 2
    values["recipes"]["online"] |= {"steps": 2000, "hidden_size": 16}
    values["runs"] = {name: values["runs"][name] for name in RUNS}
    tables.write_json(values, folder / files.PARAMS)  # JSON is YAML, too
    keep_testable(folder)
    (folder / LOCK).unlink(missing_ok=True)
    shutil.rmtree(folder / SUMMARY.parent, ignore_errors=True)


def keep_testable(folder: Path) -> None:
    """Remove from a clone's ledger the claims about runs that its study does not have."""
    runs = set(params.read_yaml(folder / files.PARAMS)["runs"])
    ledger = params.read_yaml(folder / CLAIMS)
    kept = [c for c in ledger["claims"] if {run for _, run, _ in c["terms"]} <= runs]
    tables.write_json(ledger | {"claims": kept}, folder / CLAIMS)


def run(project: Path) -> None:
    """Clone, shrink, run everything there, and remove the clone; StudyError where it fails."""
    started = time.monotonic()
    kept = {
        k: v for k, v in os.environ.items() if k not in ("SURNAMES_DATA", "MLFLOW_TRACKING_URI")
    }
    with tempfile.TemporaryDirectory(prefix="surnames-smoke-") as scratch:
        folder = Path(scratch)
        clone(project, folder)
        shrink(folder)
        done = subprocess.run(
            [sys.executable, "-m", "surnames", "repro"],
            cwd=folder,
            env=kept | {"PYTHONPATH": str(folder / "src")},
            text=True,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    if done.returncode:
        raise StudyError(f"the small study failed:\n{done.stdout}")
    table = done.stdout[done.stdout.index("Macro recall") :].split("\n\nNext:")[0]
    click.echo(f"{table}\n\nThe whole pipeline in small: {time.monotonic() - started:.1f} s")
