"""The contracts of the house: layers, imports, and dvc.yaml against what the scripts really use."""

import ast
import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from dvc.repo import Repo

from surnames.architectures.elman import Elman
from surnames.core import files, params
from surnames.networks.lookup import architecture_for_recipe, architectures

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src/surnames"
PATHS = {path.stem: path for path in SOURCE.rglob("*.py") if path.stem != "__init__"}
MODULES = sorted(PATHS)
PACKAGES = {"surnames", "surnames.core", "surnames.networks"}  # each folder is one dep of a stage

LAYERS = (  # imports go downwards or stay level
    {"cli"},
    {"pull_request"},
    {"side_by_side", "smoke", "study_diff", "staleness", "stamp", "reproduction"},
    {
        "training", "scoring", "statistics", "claims", "findings", "comparison", "validation",
        "plots", "report", "tracking", "publication", "headline", "heatmap", "vega",
        "origin_model", "prediction", "stream", "card", "layout", "ledger", "provenance",
        "try_a_name", "stores", "registry", "champion", "views", "pages", "store_check",
    },
    {"corpus", "sources", "models", "online", "reference", "baselines"},
    {"alphabet", "params", "files", "progress", "errors", "factorial", "comment"},
)  # fmt: skip

SOLE_IMPORTERS = {
    "matplotlib": {"plots"},
    "yaml": {"params"},
    # origin_model is code that travels with the model
    "mlflow": {"stores", "tracking", "registry", "store_check", "origin_model"},
}
HEAVY = {"torch", "sklearn", "mlflow", "matplotlib", "scipy", "pandas", "numba", "httpx"}


def imports(path: Path, *, lazy: bool) -> set[str]:
    """Dotted names that a file imports, but for types only; `lazy`: inside functions too."""
    tree = ast.parse(path.read_text())
    tree.body = [node for node in tree.body if not _for_types(node)]
    nodes = ast.walk(tree) if lazy else tree.body
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module in PACKAGES:
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
            else:
                found.add(node.module)
    return found


def _for_types(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def own(path: Path) -> set[str]:
    """The project's modules that a file imports, however late."""
    names = imports(path, lazy=True)
    return {name.split(".")[-1] for name in names if name.startswith("surnames.")}


def dependency(module: str) -> str:
    """What stands in dvc.yaml for a module: its file, or the folder that it is in."""
    path = PATHS[module]
    return str((path if path.parent == SOURCE else path.parent).relative_to(ROOT))


@cache
def closure(module: str) -> frozenset[str]:
    """A module and all that it leads to."""
    found, ahead = {module}, [module]
    while ahead:
        for name in own(PATHS[ahead.pop()]) - found:
            found.add(name)
            ahead.append(name)
    return frozenset(found)


def layer(module: str) -> int:
    """Its place in the drawing; what is new in `networks` is an architecture."""
    new = len(LAYERS) - 2 if PATHS[module].parent.name == "networks" else None
    return next((k for k, names in enumerate(LAYERS) if module in names), new)


def test_every_module_has_a_layer() -> None:
    """The drawing is complete."""
    assert None not in map(layer, MODULES)


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_down(module: str) -> None:
    """No module knows one above it."""
    for name in own(PATHS[module]):
        assert layer(name) >= layer(module), f"{module} imports {name}, which is above it"


@pytest.mark.parametrize("library", SOLE_IMPORTERS)
def test_one_door_to_each_library(library: str) -> None:
    """One module imports matplotlib, one yaml, one mlflow."""
    importers = {
        module
        for module in MODULES
        if any(name.split(".")[0] == library for name in imports(PATHS[module], lazy=True))
    }
    assert importers <= SOLE_IMPORTERS[library]


@pytest.mark.parametrize(
    ("module", "allowed"),
    [
        ("cli", set()),
        ("prediction", set()),
        ("stream", set()),
        ("models", set()),
        ("training", set()),
        ("scoring", set()),
        ("comparison", set()),
        ("report", {"matplotlib"}),
        ("try_a_name", set()),
        ("online", {"numba", "scipy"}),  # numba brings what it finds of scipy
        ("baselines", set()),
        ("sources", set()),
    ],
)
def test_importing_costs_only_what_is_used(module: str, allowed: set[str]) -> None:
    """A stage that needs no torch, sklearn or mlflow does not pay seconds for them."""
    name = str(PATHS[module].relative_to(SOURCE.parent).with_suffix("")).replace("/", ".")
    code = (
        f"import sys, json, {name}; print(json.dumps([name for name in {sorted(HEAVY)}"
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
        return {stage.name: stage for stage in repo.index.stages}


def base(stage: str) -> str:
    return stage.split("@", maxsplit=1)[0]


def words(stage: Any) -> list[str]:
    """A stage's command line."""
    return str(stage.cmd).split()


def paths(entries: Any) -> set[str]:
    return {str(entry.def_path) for entry in entries if entry.def_path != "params.yaml"}


def test_dvc_yaml_has_the_studys_stages() -> None:
    """One train and one evaluate stage for each run, one of each of the others."""
    runs = [str(run) for run in params.load(ROOT / "params.yaml").runs.values()]
    expected = {"fetch", "normalize", "split", "check", "compare", "report", "track"}
    expected |= {f"{kind}@{run}" for kind in ("train", "evaluate") for run in runs}
    assert set(stages()) == expected


@pytest.mark.parametrize("name", sorted(stages()))
def test_stage_depends_on_the_code_that_it_runs(name: str) -> None:
    """deps hold the script and the closure of its imports: no more, no less."""
    stage = stages()[name]
    assert words(stage)[:2] == ["python", f"pipeline/{base(name)}.py"]
    script = ROOT / words(stage)[1]
    needed = {dependency(module) for top in own(script) for module in closure(top)}
    written = {path for path in paths(stage.deps) if path.startswith(("src/", "pipeline/"))}
    assert written - {"src/surnames/templates"} == needed | {words(stage)[1]}


@pytest.mark.parametrize("name", sorted(stages()))
def test_stage_declares_the_files_that_it_names(name: str) -> None:
    """Every path of `files` in a stage's script is one of its deps or outs."""
    stage = stages()[name]
    arguments = words(stage)[2:]
    declared = paths(stage.deps) | paths(stage.outs)
    for use in names_used(ROOT / words(stage)[1], "files"):
        named = getattr(files, use.split(".")[0])
        if named in vars(files).values() and callable(named):
            if named.__name__ in ("write_json", "read_json", "replace_folder", "replace_text"):
                continue
            protocols = arguments[:1] or list(params.PROTOCOLS)
            if named.__annotations__.keys() == {"protocol", "return"}:
                found = [named(protocol) for protocol in protocols]
            elif arguments:
                found = [named(*arguments)]
            else:
                continue
        else:
            found = [named]
        for path in map(str, found):
            inside = any(path == one or path.startswith(f"{one}/") for one in declared)
            assert inside, f"{name} uses {path}, which is neither a dep nor an out of it"


@pytest.mark.parametrize("name", sorted(stages()))
def test_stage_declares_the_parameters_that_it_reads(name: str) -> None:
    """A stage's params cover what its script reads off `config`, and nothing else."""
    stage = stages()[name]
    declared = {
        parameter for entry in stage.deps for parameter in getattr(entry, "params", None) or []
    }
    used = names_used(ROOT / words(stage)[1], "config")
    if "recipe" in used:  # config.recipe(run) reads what the run's recipe and architecture say
        run = params.load(ROOT / "params.yaml").runs[name.split("@")[1]]
        used -= {"recipe", "run", "runs"}
        used |= {f"recipes.{run.recipe}", f"architectures.{run.architecture}"}
    if "params.yaml" in {
        str(dep.def_path) for dep in stage.deps if not getattr(dep, "params", None)
    }:
        return
    for parameter in used:
        assert any(f"{parameter}.".startswith(f"{one}.") for one in declared), (
            f"{parameter} is read"
        )
    for one in declared:
        assert any(f"{parameter}.".startswith(f"{one}.") for parameter in used), (
            f"{one} is not read"
        )


def test_table_and_parameters_agree() -> None:
    """params.yaml lists the architectures of the table, and each run's recipe fits its row."""
    config = params.load(ROOT / "params.yaml")
    assert set(config.architectures) == set(architectures())
    for run in config.runs.values():
        architecture_for_recipe(run.architecture, config.recipe(run))


def test_the_factorial_is_complete() -> None:
    """Activation x readout, each pair once."""
    pairs = [
        (row.activation, row.readout) for row in architectures().values() if isinstance(row, Elman)
    ]
    assert sorted(pairs) == [
        (activation, readout)
        for activation in ("linear", "relu", "tanh")
        for readout in ("combined", "hidden")
    ]
