"""params.yaml and claims.yaml, read whole before anything is run."""

from surnames.core import params
from surnames.core.params import Params
from surnames.evaluation import scoring
from surnames.networks.lookup import architecture_for_recipe
from surnames.study import claims


def check() -> Params:
    """The parameters; raises ParameterError with every place that cannot be run."""
    config = params.load()
    for run in config.runs.values():
        architecture_for_recipe(run, config.recipe(run))
    claims.load(config.runs, scoring.METRICS)
    return config
