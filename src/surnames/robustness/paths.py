"""Where the grid's answers are, and what the study takes from them."""

from pathlib import Path

ANSWERS = Path("robustness/answers")  # DVC's
CELLS, CONTRASTS = "cells.csv", "contrasts.json"
MADE = Path("robustness")  # the folder in which the grid's last stage writes these two
TAKEN = Path("robustness/results")  # that of their copies in git


def answers(protocol: str, cell: str) -> Path:
    """Which answers of a cell's networks were right."""
    return ANSWERS / protocol / f"{cell}.safetensors"
