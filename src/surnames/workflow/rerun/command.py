"""Run a target again in a clean checkout and compare; the user's own files are only read."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from surnames import dvc_repo
from surnames.core import files, tables
from surnames.core.errors import StudyError
from surnames.git import git, git_or_nothing
from surnames.project import LOCK
from surnames.study import comparison
from surnames.workflow import stale
from surnames.workflow.rerun.compare import compare, outputs
from surnames.workflow.rerun.target import Target, find

REQUIREMENTS = "requirements.lock"


def rerun(wanted: str) -> tuple[bool, str]:
    """Run a commit's study, or the MLflow run with this ID, again; whether and how it matches.

    Raises StudyError where that cannot be: an unknown or dirty target, another data set, a commit
    whose dvc.lock is not of its code, a stage that fails.
    """
    target = find(wanted)
    click.echo(f"{target.name}: {target.data_set}, code of commit {target.commit[:12]}", err=True)
    present = Path(REQUIREMENTS).read_text(encoding="utf-8").rstrip()
    if git_or_nothing("show", f"{target.commit}:./{REQUIREMENTS}") != present:
        note = f"that commit has another {REQUIREMENTS}: this runs in the present environment"
        click.echo(note, err=True)
    with _checkout(target) as folder:
        click.echo(f"running it again in {folder}", err=True)
        _dvc(folder, "repro", "fetch", show=True)  # standard output is kept for the comparison
        data_set = comparison.label(tables.read_json(folder / files.DATA_SET))
        if data_set != target.data_set:
            raise StudyError(
                f"{target.name} was made from the data set {target.data_set}, and the one "
                f"available now is {data_set}; SURNAMES_DATA=<folder or zip> names the right one"
            )
        _dvc(folder, "repro", *target.stages, show=True)
        return compare(target, folder)


def _dvc(folder: Path, *arguments: str, show: bool = False) -> str:
    """A DVC command in the checkout, with its own code and without what leads out of it."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("DVC_", "GIT_", "MLFLOW_"))}
    own = {"DVC_NO_ANALYTICS": "1", "PYTHONPATH": str(folder / "src")}
    environment = {"OMP_NUM_THREADS": "1"} | kept | own
    return dvc_repo.run(*arguments, folder=folder, environment=environment, show=show)


@contextmanager
def _checkout(target: Target) -> Iterator[Path]:
    """The project at the target's commit in a temporary clone, without anything that a stage wrote.

    Raises StudyError where the target's dvc.lock is not of that code.
    """
    top, within = git("rev-parse", "--show-toplevel"), git("rev-parse", "--show-prefix")
    with tempfile.TemporaryDirectory(prefix="surnames-rerun-") as temporary:
        clone = Path(temporary).resolve() / "surnames"
        git("clone", "--quiet", "--shared", "--no-checkout", top, str(clone))
        git("checkout", "--quiet", "--detach", target.commit, folder=clone)
        folder = clone / within
        stages = dvc_repo.parse_lock(target.lock, target.name)["stages"]
        written = outputs(stages)  # the small ones are in git
        git("rm", "-r", "--quiet", "--ignore-unmatch", "--", *written, folder=folder)
        # caches of its own and empty, whatever the commit or the user configured
        own = f"[core]\n    site_cache_dir = {folder}/.dvc/tmp/site\n[cache]\n    dir = cache\n"
        tables.replace_text(folder / ".dvc/config.local", own)
        tables.replace_text(folder / LOCK, target.lock)
        _refuse_another_lock(folder, target)
        (folder / LOCK).unlink()  # what DVC writes now is of this rerun alone
        yield folder


def _refuse_another_lock(folder: Path, target: Target) -> None:
    """StudyError where what is in git is not what dvc.lock was made from."""
    status = json.loads(_dvc(folder, "status", "--json", "--with-deps", *target.stages))
    # always the same one of several; the gate, which reads both files whole, says least
    for stage, entries in sorted(status.items(), key=lambda item: (item[0] == "gate", item[0])):
        reasons = [entry for entry in entries if entry == "changed command"]
        for entry in entries:
            deps = entry.get("changed deps", {}) if isinstance(entry, dict) else {}
            reasons += stale.changes({dep: how for dep, how in deps.items() if how != "deleted"})
        if reasons:
            raise StudyError(
                f"{target.name}: {LOCK} is not of this code and these parameters ({stage}: "
                f"{', '.join(reasons)}); name the commit with which the results were committed"
            )
