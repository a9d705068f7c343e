"""The grid's two networks side by side, cell by cell, and the contrasts that claims rest on."""

from collections.abc import Iterator
from dataclasses import asdict
from math import isnan
from typing import Any

import numpy as np
import safetensors.numpy

from surnames.core import tables
from surnames.core.corpus import Split
from surnames.core.params import Protocols
from surnames.core.tables import Row
from surnames.evaluation import scoring
from surnames.robustness import paths
from surnames.robustness.grid import COMPARED, Grid
from surnames.study import comparison
from surnames.study.statistics import Effect, Term, contrast

Terms = dict[tuple[str, str, str, int], Term]  # (protocol, cell, architecture, steps)


def terms(grid: Grid, splits: dict[str, Split], protocols: Protocols) -> Terms:
    """The macro recall of every cell's networks, by replicate and, under held_out, by name."""
    found: Terms = {}
    for protocol, split in splits.items():
        for cell in grid.cells:
            path = paths.answers(protocol, cell)
            with tables.reading(path):
                saved = safetensors.numpy.load(path.read_bytes())
                for name in COMPARED:
                    for steps in grid.checkpoints:
                        replicates = range(split.roles.shape[1])
                        right = [saved[f"{name}.{steps}.{replicate}"] for replicate in replicates]
                        found[protocol, cell, name, steps] = _term(
                            protocol, split, right, protocols
                        )
    return found


def _term(protocol: str, split: Split, right: list[np.ndarray], protocols: Protocols) -> Term:
    values = np.array(
        [
            scoring.macro_recall(own, split.corpus.languages[split.scored_rows(replicate)])
            if len(own)
            else np.nan
            for replicate, own in enumerate(right)
        ]
    )
    names = None
    if protocol == "held_out":
        answers = comparison.answers_by_name(split, [{comparison.PLAIN: own} for own in right])
        names = comparison.of_languages(answers)
    return Term(1.0, protocol, values, comparison.ratio_of(protocol, protocols), names)


def cells(grid: Grid, known: Terms, confidence: float, data_set: str) -> Iterator[Row]:
    """A row for each cell: what the fix does there, and the macro recalls of both networks."""
    for protocol in dict.fromkeys(protocol for protocol, *_ in known):
        for name, cell in grid.cells.items():
            for steps in grid.checkpoints:
                old, new = (known[protocol, name, one, steps] for one in COMPARED)
                found = contrast([new, old.with_weight(-1.0)], confidence)
                yield {
                    "protocol": protocol,
                    **cell.model_dump(),
                    "steps": steps,
                    "replicates": found.replicates,
                    "effect": None if isnan(found.effect) else found.effect,
                    "low": found.low,
                    "high": found.high,
                    "tutorial_2017": scoring.finite_mean(old.values),
                    "fixed": scoring.finite_mean(new.values),
                    "diverged_tutorial_2017": int(np.isnan(old.values).sum()),
                    "diverged_fixed": int(np.isnan(new.values).sum()),
                    "data_set": data_set,
                }


def contrasts(grid: Grid, known: Terms, confidence: float, data_set: str) -> dict[str, Any]:
    """The effects that claims rest on, with what they are about."""
    effects: dict[str, Effect] = {}
    for name, wanted in grid.contrasts.items():
        own = [
            known[wanted.protocol, wanted.cell, architecture, steps].with_weight(weight)
            for weight, architecture, steps in wanted.terms
        ]
        effects[name] = contrast(own, confidence)
    return {
        "data_set": data_set,
        "contrasts": {name: asdict(effect) for name, effect in effects.items()},
    }
