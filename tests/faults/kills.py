"""Signals at named moments of every stage, by each way of running the pipeline."""

import itertools
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path

from faults.study import TRACEBACK, Outcome, Study, last_line

STRIKE = Path(__file__).parent / "strike"
STAGES = (
    *("gate", "fetch", "normalize", "split", "check"),
    *("train@held_out-fixed", "train@held_out-ngram_logistic", "evaluate@held_out-fixed"),
    *("compare", "report", "track"),
)
MOMENTS = ("begins", "imports", "reads", "writes", "replaces", "ends")
BLOWS = (
    *(("SIGKILL", "stage"), ("SIGTERM", "stage"), ("SIGKILL", "dvc"), ("SIGTERM", "dvc")),
    *(("SIGINT", "group"), ("SIGTERM", "all"), ("SIGKILL", "all")),
)
WAYS = (("surnames", "repro"), ("dvc", "repro"))


def cases(seed: int) -> list[tuple[str, str, str, str, tuple[str, ...]]]:
    """Every stage at every moment, with blows and ways in turn."""
    random.seed(seed)
    blows = itertools.cycle(random.sample(BLOWS, len(BLOWS)))
    ways = itertools.cycle(WAYS)
    return [
        (stage, moment, *next(blows), next(ways))
        for stage, moment in itertools.product(STAGES, MOMENTS)
    ]


def run(study: Study, seed: int, count: int | None = None) -> Iterator[Outcome]:
    """Strike, see what is left, and run the same command again."""
    every = cases(seed)
    for case in every if count is None else random.sample(every, count):
        yield strike(study, *case)


def strike(
    study: Study, stage: str, moment: str, signal: str, victim: str, way: tuple[str, ...]
) -> Outcome:
    outcome = Outcome("kills", f"{signal} to {victim} when {stage} {moment}, by {' '.join(way)}")
    study.forget(stage)
    done = study.folder / ".dvc/tmp/struck"
    done.unlink(missing_ok=True)
    order = {"stage": stage, "moment": moment, "signal": signal, "victim": victim}
    path = f"{STRIKE}{os.pathsep}{study.folder / 'src'}"
    order = json.dumps(order | {"done": str(done)})
    status, printed = study.run(*way, PYTHONPATH=path, SURNAMES_STRIKE=order)
    outcome.said = last_line(printed)
    if not done.exists():
        outcome.faults.append("not reached")
    if TRACEBACK in printed and way[0] == "surnames":  # DVC shows its own
        outcome.faults.append("traceback")
    if victim == "group" and way[0] == "surnames" and status != 130:
        outcome.faults.append("status")
    if study.orphans():
        outcome.faults.append("orphan")
    study.compare(outcome, way)
    return outcome
