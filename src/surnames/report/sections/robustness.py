"""The grid of objections: whether the fix helps by other recipes, too."""

from math import nan
from typing import Any

from surnames.display import plots
from surnames.display.wording import PROTOCOLS
from surnames.report.report_data import ReportData, Rows

DRAWN = {"languages": "", "names": ", names drawn equally"}


def robustness(data: ReportData) -> dict[str, Any]:
    """A figure, and how many cells each primary claim stands in by its own interval."""
    rows = [row for row in data.cells if row["data_set"] == data.summary.data_set]
    if not rows:
        return {"cells": [], "other": data.cells[0]["data_set"] if data.cells else ""}
    steps = list(dict.fromkeys(row["steps"] for row in rows))
    protocols = list(dict.fromkeys(row["protocol"] for row in rows))
    recipes = list(dict.fromkeys(map(_recipe, rows)))
    blocks: dict[str, int] = {}
    for hidden, drawn, _ in recipes:
        name = f"{hidden} units{DRAWN[drawn]}"
        blocks[name] = blocks.get(name, 0) + 1
    panels = {
        PROTOCOLS[protocol]: [_series(rows, protocol, step, recipes) for step in steps]
        for protocol in protocols
    }
    label = f"points, {data.confidence} interval"
    return {
        "cells": rows,
        "standing": data.ledger["grid"],
        "picture": plots.multiverse(panels, [rate for *_, rate in recipes], blocks, label),
    }


def _recipe(row: dict[str, str]) -> tuple[str, str, str]:
    return row["hidden_size"], row["drawn"], row["learning_rate"].removeprefix("0")


def _series(rows: Rows, protocol: str, steps: str, recipes: list[Any]) -> plots.Series:
    own = {_recipe(r): r for r in rows if (r["protocol"], r["steps"]) == (protocol, steps)}
    effect, low, high = (
        [100 * float(own[recipe][column] or nan) for recipe in recipes]
        for column in ("effect", "low", "high")
    )
    return plots.Series(f"{int(steps):,} steps", [], effect, low, high)
