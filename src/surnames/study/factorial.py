"""The fix taken apart: its activation, its readout, and what the two do together."""

from collections.abc import Iterator, Mapping

# What the six Elman networks are made of: (activation, readout) -> architecture.
FACTORIAL = {
    ("linear", "combined"): "tutorial_2017",
    ("tanh", "combined"): "tanh_only",
    ("relu", "combined"): "relu_only",
    ("linear", "hidden"): "readout_only",
    ("tanh", "hidden"): "tutorial_2023",
    ("relu", "hidden"): "fixed",
}
# Weights of (neither, activation alone, readout alone, both) in each part of the fix.
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
    for activation in ("relu", "tanh"):
        corners = [
            FACTORIAL[f, readout]
            for readout in ("combined", "hidden")
            for f in ("linear", activation)
        ]
        if set(corners) <= architectures:
            for part, weights in PARTS.items():
                yield activation, part, dict(zip(corners, weights, strict=True))
