"""Scratch clones of the project, with commands run in them as a user would."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from surnames.workflow import smoke

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / "tests/screenshots"
RUNS = set(smoke.RUNS)
ONLINE = {run for run in RUNS if not run.endswith(("majority", "ngram_logistic"))}
ARTIFACT_PLACES = [
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
]


class Project:
    """A scratch clone of the project, with commands run in it as a user would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *command: str, fails: bool = False, **environment: str) -> str:
        """What a command printed (both streams); its exit status is asserted."""
        # mlflow, asked in this process, leaves the address of its store in the environment
        ours = ("SURNAMES_", "DVC_", "MLFLOW_")
        clean = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=clean | {"PATH": path, "COLUMNS": "200"} | self.code | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert (done.returncode != 0) == fails, f"{command}: {done.returncode}\n{done.stdout}"
        return done.stdout

    @property
    def code(self) -> dict[str, str]:
        """Its own library in front of the installed one."""
        return {"PYTHONPATH": str(self.folder / "src")}

    def params(self) -> dict[str, Any]:
        """params.yaml's values."""
        return yaml.safe_load((self.folder / "params.yaml").read_text())

    def set(self, **changes: Any) -> None:
        """Change parameters, `section__key=value`."""
        values = self.params()
        for key, value in changes.items():
            *sections, last = key.split("__")
            place = values
            for section in sections:
                place = place[section]
            place[last] = value
        (self.folder / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))

    def copy(self, folder: Path) -> "Project":
        """Another one with the same files, cache, store and history."""
        shutil.copytree(self.folder, folder, symlinks=True)
        with sqlite3.connect(folder / "mlflow/mlflow.db") as store:  # it holds absolute paths
            for table, column in ARTIFACT_PLACES:
                change = f"update {table} set {column} = replace({column}, ?, ?)"
                store.execute(change, (str(self.folder), str(folder)))
        return Project(folder)


def clone(folder: Path) -> Project:
    """The work tree as git would commit it, in a repository of its own; nothing that DVC made."""
    smoke.clone(ROOT, folder)
    project = Project(folder)
    project.run("git", "config", "user.name", "A Reader")
    project.run("git", "config", "user.email", "reader@example.org")
    return project


def keep_claims(project: Project) -> None:
    """Take from the ledger what the study's runs cannot test."""
    smoke.keep_testable(project.folder)


def mlflow_runs(project: Project, name: str = "%") -> int:
    """How many runs of that name the store holds, asked behind MLflow's back."""
    with sqlite3.connect(project.folder / "mlflow/mlflow.db") as store:
        question = "select count(*) from runs where name like ?"
        return int(store.execute(question, (name,)).fetchone()[0])


def commit(project: Project, subject: str) -> None:
    """Commit everything that is not ignored."""
    project.run("git", "add", "-A")
    project.run("git", "commit", "-qm", subject)


def ran(printed: str) -> set[str]:
    """The stages whose command was executed."""
    return set(re.findall(r"^Running stage '([^']+)'", printed, re.MULTILINE))
