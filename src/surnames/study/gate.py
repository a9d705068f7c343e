"""params.yaml and claims.yaml, read whole before anything is run."""

from collections.abc import Callable, Iterator

from pydantic import ValidationError

from surnames.core import files, yaml_files
from surnames.core.errors import SurnamesError
from surnames.core.params import Params, Run
from surnames.evaluation import scoring
from surnames.networks import lookup
from surnames.study import claims


def check() -> Params:
    """The parameters; raises ParameterError with every place that cannot be run."""
    config = yaml_files.load(files.PARAMS, Params, _faults)
    claims.load(config.runs, scoring.METRICS)
    return config


def _faults(config: Params) -> Iterator[yaml_files.Fault]:
    """What contradicts, and the runs that no code can train."""
    yield from config.disagreements()
    for run in config.runs.values():
        yield from _untrainable(config, run)
    defined = lookup.architectures()
    for name in config.architectures:
        if name not in defined:
            yield ("architectures", name), f"no code defines it; it defines {', '.join(defined)}"


def _untrainable(config: Params, run: Run) -> Iterator[yaml_files.Fault]:
    """The first of a run's words that the code knows nothing of, or that does not fit."""
    checks: dict[str, Callable[[], object]] = {
        "family": lambda: lookup.family(run.family),
        "architecture": lambda: lookup.get_architecture(run.architecture, run.family),
        "recipe": lambda: lookup.architecture_for_recipe(run, config.recipe(run)),
    }
    for key, known in checks.items():
        try:
            known()
        except SurnamesError as error:
            yield ("runs", run.name, key), str(error)
            return
        except (KeyError, ValidationError):
            return  # a disagreement
