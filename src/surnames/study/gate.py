"""params.yaml and claims.yaml, read whole before anything is run."""

from collections.abc import Iterator

from surnames.core import files, yaml_files
from surnames.core.errors import SurnamesError
from surnames.core.params import Params
from surnames.evaluation import scoring
from surnames.networks.lookup import architecture_for_recipe
from surnames.study import claims


def check() -> Params:
    """The parameters; raises ParameterError with every place that cannot be run."""
    config = yaml_files.load(files.PARAMS, Params, _faults)
    claims.load(config.runs, scoring.METRICS)
    return config


def _faults(config: Params) -> Iterator[yaml_files.Fault]:
    """What contradicts, and the runs that no code can train."""
    faults = [*config.disagreements()]
    yield from faults
    for name, run in config.runs.items() if not faults else ():
        try:
            architecture_for_recipe(run, config.recipe(run))
        except SurnamesError as error:
            yield ("runs", name), str(error)
