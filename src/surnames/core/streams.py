"""Where chance comes from: one stream of random numbers for each purpose of each replicate."""

from typing import Literal, get_args

import numpy as np

Protocol = Literal["published", "held_out", "random_split"]
PROTOCOLS: tuple[str, ...] = get_args(Protocol)
WEIGHTS, EXAMPLES, NAMES = range(3)  # what it is drawn for


def stream(seed: int, protocol: str, replicate: int, purpose: int) -> np.random.Generator:
    """PCG64 by seed, protocol, replicate and purpose; those of two protocols are independent."""
    number = PROTOCOLS.index(protocol)
    return np.random.Generator(np.random.PCG64((seed, number, replicate, purpose)))
