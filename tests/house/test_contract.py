"""dvc.yaml against what the stages really do: each is run once, and what it opens is written down.

A stage that reads a file which is none of its dependencies is not run again when that file changes;
one that writes a file which is none of its outputs leaves something that DVC knows nothing of.
"""

import ast
import json
import os
import shlex
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

import pytest
import yaml
from support.projects import ROOT, Project

WATCH = ROOT / "tests/support/watch"
# written by whatever runs Python, Numba or DVC, and read back by it
CACHES = ("__pycache__", ".dvc", ".git", ".venv")
# read although no dependency: dvc.lock is written while stages run, and cannot be one
LOCK = {"dvc.lock"}
# the store that `track` fills is no output: DVC would delete it before each run
STORE = {"track": {"mlflow"}}
# dependencies that are not read: they only say what must come first
ORDER = ("data/checked/", "data/gate.txt")


@dataclass(frozen=True)
class Stage:
    """What dvc.yaml declares, and what running the stage opened; paths relative to the project."""

    name: str
    deps: set[str]
    outs: set[str]
    read: set[str]
    written: set[str]


def within(path: str, declared: str) -> bool:
    """Whether a path is what is declared, or in that folder."""
    return PurePosixPath(path).is_relative_to(declared)


def covered(path: str, declared: set[str]) -> bool:
    return any(within(path, one) for one in declared)


def temporary(path: str, outs: set[str]) -> bool:
    """Whether it is the temporary file or folder from which an output is put into its place."""
    parts = PurePosixPath(path).parts
    return any(part.startswith(f".{PurePosixPath(out).name}.") for out in outs for part in parts)


def source(path: str) -> str:
    """The source of a compiled module; any other path as it is."""
    place = PurePosixPath(path)
    if place.parent.name == "__pycache__" and place.suffix == ".pyc":
        return str(place.parents[1] / f"{place.name.split('.')[0]}.py")
    return path


@cache
def only_a_docstring(path: Path) -> bool:
    """Whether a package's `__init__.py` has no statement that a result could depend on."""
    return all(isinstance(node, ast.Expr) for node in ast.parse(path.read_text()).body)


def code_without_effect(path: str) -> bool:
    """The packages' own files; `surnames/__init__.py` is the Python face, tested by itself."""
    place = ROOT / path
    return place.name == "__init__.py" and (
        place.parent.name == "surnames" or only_a_docstring(place)
    )


def watched(project: Project, command: str, log: Path) -> tuple[set[str], set[str]]:
    """The files under the project that a command read and wrote."""
    path = f"{WATCH}{os.pathsep}{project.folder / 'src'}"
    # as DVC runs it: by hand a script asks the gate first
    environment = {"PYTHONPATH": path, "SURNAMES_WATCH": str(log), "DVC_STAGE": "watched"}
    project.run(*shlex.split(command), **environment)
    read, written = set(), set()
    for line in log.read_text(errors="surrogateescape").splitlines():
        kind, _, opened = line.split("\t", 2)
        place = Path(opened)
        if not place.is_relative_to(project.folder) or place == project.folder:
            continue
        relative = source(place.relative_to(project.folder).as_posix())
        if any(part in CACHES for part in PurePosixPath(relative).parts):
            continue
        if kind == "write":
            written.add(relative)
        elif not (project.folder / relative).is_dir():
            read.add(relative)
    return read, written


@pytest.fixture(scope="module")
def stages(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> list[Stage]:
    """Every kind of stage of the small study, run and watched."""
    scratch = tmp_path_factory.mktemp("watched")
    project = finished.copy(scratch / "surnames")
    lock = yaml.safe_load((project.folder / "dvc.lock").read_text())["stages"]
    known = json.loads(project.run("python", "-c", DECLARED))
    found = []
    shutil.rmtree(project.folder / "mlflow")  # else `track` finds everything published
    for name, entry in lock.items():
        deps, outs = map(set, known[name])
        read, written = watched(project, entry["cmd"], scratch / f"{name}.log")
        found.append(Stage(name, deps, outs, read, written))
    return found


DECLARED = """
import json
from dvc.repo import Repo
with Repo() as repo:
    print(json.dumps({
        stage.addressing: [
            [dep.def_path for dep in stage.deps if dep.def_path],
            [out.def_path for out in stage.outs],
        ]
        for stage in repo.index.stages
        if stage.path_in_repo == "dvc.yaml"
    }))
"""


def undeclared(stage: Stage, deps: set[str]) -> list[str]:
    """The files that a stage reads and that none of these dependencies covers."""
    own = stage.outs | STORE.get(stage.name, set())
    return sorted(
        path
        for path in stage.read - LOCK
        if not covered(path, deps | own)
        and not temporary(path, own)
        and not code_without_effect(path)
    )


def test_a_stage_reads_its_dependencies_and_nothing_else(stages: list[Stage]) -> None:
    """Every file under the project that it opened is declared."""
    assert {stage.name: undeclared(stage, stage.deps) for stage in stages} == {
        stage.name: [] for stage in stages
    }


def test_a_stage_writes_its_outputs_and_nothing_else(stages: list[Stage]) -> None:
    """Nothing else is created, replaced or removed; `track` fills MLflow's store beside it."""
    for stage in stages:
        own = stage.outs | STORE.get(stage.name, set())
        folders = {str(parent) for out in own for parent in PurePosixPath(out).parents}
        strangers = {
            path
            for path in stage.written
            if not covered(path, own) and path not in folders and not temporary(path, own)
        }
        assert not strangers, f"{stage.name} writes {sorted(strangers)}"


def test_every_dependency_matters(stages: list[Stage]) -> None:
    """Dropped one at a time, each is missed by the first test; only the order of stages is not."""
    dropped, missed = 0, []
    for stage in stages:
        for dep in stage.deps:
            if dep.startswith(ORDER) and not stage.name.startswith("report"):
                continue
            dropped += 1
            if dep != "params.yaml" and not undeclared(stage, stage.deps - {dep}):
                missed.append((stage.name, dep))
    assert not missed
    assert dropped > 100
