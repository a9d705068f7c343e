"""dvc.yaml as DVC resolves it: its stages, the parameters that they read, what importing costs."""

import ast
import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from dvc.repo import Repo
from support.projects import ROOT

from surnames.architectures import elman
from surnames.core import params
from surnames.networks.lookup import architecture_for_recipe, architectures
from surnames.study.factorial import CORNERS

HEAVY = {"torch", "sklearn", "mlflow", "matplotlib", "scipy", "pandas", "numba", "httpx", "dvc"}


@pytest.mark.parametrize(
    ("module", "allowed"),
    [
        ("surnames", set()),
        ("surnames.cli", set()),
        ("surnames.prediction.command", set()),
        ("surnames.networks.lookup", set()),
        ("surnames.networks.training", set()),
        ("surnames.networks.online", {"numba", "scipy"}),  # numba brings what it finds of scipy
        ("surnames.evaluation.scoring", set()),
        ("surnames.study.comparison", set()),
        ("surnames.report.page", {"matplotlib"}),
        ("surnames.report.try_a_name", set()),
        ("surnames.data.sources", set()),
    ],
)
def test_importing_costs_only_what_is_used(module: str, allowed: set[str]) -> None:
    """A stage that needs no torch, sklearn or mlflow does not pay seconds for them."""
    code = (
        f"import sys, json, {module}; print(json.dumps([name for name in {sorted(HEAVY)}"
        " if name in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert set(json.loads(done.stdout)) <= allowed


def names_used(script: Path, root: str) -> set[str]:
    """The attribute chains below a name: `config.study.seed` gives `study.seed`."""
    chains = set()
    for node in ast.walk(ast.parse(script.read_text())):
        if isinstance(node, ast.Attribute):
            first, *rest = ast.unparse(node).split(".")
            if first == root:
                chains.add(".".join(rest))
    return {chain for chain in chains if not any(other.startswith(f"{chain}.") for other in chains)}


@cache
def stages() -> dict[str, Any]:
    """dvc.yaml as DVC resolves it, by stage name."""
    with Repo(str(ROOT)) as repo:
        own = [stage for stage in repo.index.stages if stage.path_in_repo == "dvc.yaml"]
        return {stage.name: stage for stage in own}


def test_dvc_yaml_has_the_studys_stages() -> None:
    """One train and one evaluate stage for each run, one of each of the others."""
    runs = params.load(ROOT / "params.yaml").runs
    expected = {"gate", "fetch", "normalize", "split", "check", "nearest"}
    expected |= {"compare", "report", "track"}
    expected |= {f"{kind}@{run}" for kind in ("train", "evaluate") for run in runs}
    assert set(stages()) == expected


@pytest.mark.parametrize("name", sorted(stages()))
def test_stage_declares_the_parameters_that_it_reads(name: str) -> None:
    """A stage's params cover what its script reads off `config`, and nothing else."""
    stage = stages()[name]
    declared = {
        parameter for entry in stage.deps for parameter in getattr(entry, "params", None) or []
    }
    used = names_used(ROOT / str(stage.cmd).split()[1], "config")
    if "recipe" in used:  # config.recipe(run) reads what the run's recipe and architecture say
        run = params.load(ROOT / "params.yaml").runs[name.split("@")[1]]
        used -= {"recipe", "run", "runs"}
        used |= {f"recipes.{run.recipe}", f"architectures.{run.architecture}"}
        if "protocols.replicates" in used:  # config.protocols.replicates(run.protocol)
            used = used - {"protocols.replicates"} | {f"protocols.{run.protocol}"}
    if "params.yaml" in {
        str(dep.def_path) for dep in stage.deps if not getattr(dep, "params", None)
    }:
        return
    for parameter in used:
        covered = any(f"{parameter}.".startswith(f"{one}.") for one in declared)
        assert covered, f"{parameter} is read"
    for one in declared:
        read = any(f"{parameter}.".startswith(f"{one}.") for parameter in used)
        assert read, f"{one} is not read"


def test_architectures_and_parameters_agree() -> None:
    """params.yaml lists the architectures that are defined, and each run's recipe fits its own."""
    config = params.load(ROOT / "params.yaml")
    assert set(config.architectures) == set(architectures())
    for run in config.runs.values():
        architecture_for_recipe(run, config.recipe(run))


def test_the_factorial_is_complete() -> None:
    """Activation x readout, each pair once, and the parts of the fix are its corners."""
    plain = {name: one for name, one in elman.ARCHITECTURES.items() if one.card()}  # as they are
    cells = {(one.activation, one.readout): name for name, one in plain.items()}
    assert len(cells) == len(plain) == len(elman.ARCHITECTURES) - 2
    assert set(cells) == {(f, r) for f in elman.ACTIVATIONS for r in elman.READOUTS}
    for activation, corners in CORNERS.items():
        assert corners == tuple(
            cells[f, readout] for readout in ("combined", "hidden") for f in ("linear", activation)
        )
