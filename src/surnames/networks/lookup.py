"""Architectures by name: every file of `surnames/architectures/` says which ones it defines.

The files are found in the folder and imported by name, so that a new one needs no entry in any
table, and a training stage reads the file of its own family alone.
"""

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from surnames.core.errors import ParameterError, StudyError
from surnames.networks.network import Architecture

if TYPE_CHECKING:
    from surnames.core.params import Recipe, Run

FOLDER = Path(__file__).parents[1] / "architectures"


@cache
def family(name: str) -> dict[str, Architecture]:
    """The architectures that `architectures/<name>.py` defines; StudyError without such a file."""
    if not (FOLDER / f"{name}.py").is_file():
        known = ", ".join(sorted(path.stem for path in FOLDER.glob("[a-z]*.py")))
        raise StudyError(f"no file {name}.py in src/surnames/architectures; there are {known}")
    found: dict[str, Architecture] = import_module(f"surnames.architectures.{name}").ARCHITECTURES
    return found


@cache
def architectures() -> dict[str, Architecture]:
    """Every architecture of every family."""
    files = sorted(FOLDER.glob("[a-z]*.py"))
    return {name: one for path in files for name, one in family(path.stem).items()}


def get_architecture(name: str, within: str | None = None) -> Architecture:
    """The architecture of that name, in one family's file or in any; StudyError without one."""
    known = architectures() if within is None else family(within)
    if name not in known:
        place = "src/surnames/architectures" + (f"/{within}.py" if within else "")
        raise StudyError(f"{place} defines no {name!r}; it defines {', '.join(known)}")
    return known[name]


def architecture_for_recipe(run: "Run", recipe: "Recipe") -> Architecture:
    """The run's architecture; ParameterError where none is known, or the recipe is no such."""
    try:
        found = get_architecture(run.architecture, run.family)
    except StudyError as error:
        raise ParameterError(f"run {run}: {error}; correct `runs` in params.yaml") from None
    if found.method != recipe.method:
        raise ParameterError(
            f"{run.architecture} is trained by a recipe with method: {found.method}, and "
            f"{run.recipe} has method: {recipe.method}; correct `runs` in params.yaml"
        )
    return found
