"""Networks that need no training."""

import numpy as np

from surnames.architectures.elman import Elman
from surnames.networks.lookup import architectures
from surnames.prediction.model import Model


def network(architecture: str = "fixed", hidden: int = 128) -> Model:
    """An untrained network with weights that are far from uniform answers."""
    row = architectures()[architecture]
    assert isinstance(row, Elman)
    weights = row.initial_weights(hidden, np.random.default_rng(1))
    return Model("untrained", row, {key: 2 * array for key, array in weights.items()})


SMALL = network(hidden=16)
