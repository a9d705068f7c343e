"""The fix taken apart: its activation, its readout, and their interaction."""

from collections.abc import Iterator, Mapping

# By activation, the architectures with neither half of the fix, its activation alone, its readout
# alone, and both.
CORNERS = {
    "relu": ("tutorial_2017", "relu_only", "readout_only", "fixed"),
    "tanh": ("tutorial_2017", "tanh_only", "readout_only", "tutorial_2023"),
}
# The weights of these four in each part of the fix.
PARTS = {
    "activation_alone": (-1.0, 1.0, 0.0, 0.0),
    "readout_alone": (-1.0, 0.0, 1.0, 0.0),
    "activation": (-0.5, 0.5, -0.5, 0.5),  # main effects: the mean with and without the other half
    "readout": (-0.5, -0.5, 0.5, 0.5),
    "interaction": (1.0, -1.0, -1.0, 1.0),
    "whole": (-1.0, 0.0, 0.0, 1.0),
}


def decompositions(architectures: set[str]) -> Iterator[tuple[str, str, Mapping[str, float]]]:
    """(activation, part, weight of each architecture), where a study holds all four corners."""
    for activation, corners in CORNERS.items():
        if set(corners) <= architectures:
            for part, weights in PARTS.items():
                yield activation, part, dict(zip(corners, weights, strict=True))
