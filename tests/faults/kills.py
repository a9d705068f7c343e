"""Signals at named moments of every stage and of DVC, by each way of running the pipeline."""

import itertools
import random
from dataclasses import dataclass
from functools import partial

from faults.study import TRACEBACK, Attempt, Outcome, Study, last_line

# each with one that comes before it: that is run first, ends, and is not to be run again
STAGES = {
    "gate": "",
    "fetch": "gate",
    "normalize": "fetch",
    "split": "normalize",
    "check": "split",
    "train@held_out-fixed": "check",
    "train@held_out-ngram_logistic": "check",
    "evaluate@held_out-fixed": "train@held_out-fixed",
    "compare": "evaluate@published-majority",
    "report": "compare",
    "track": "compare",
}
MOMENTS = ("begins", "imports", "reads", "works", "writes", "replaces", "ends")
SHORT = ("gate", "fetch", "normalize", "split", "check", "compare", "evaluate@held_out-fixed")
DVC_MOMENTS = ("writes dvc.lock", "writes its locks", "caches")
BLOWS = (
    *(("SIGKILL", "stage"), ("SIGTERM", "stage"), ("SIGKILL", "dvc"), ("SIGTERM", "dvc")),
    *(("SIGINT", "group"), ("SIGTERM", "all"), ("SIGKILL", "all"), ("SIGINT", "group")),
)
SURNAMES, DVC, MAKE = ("surnames", "repro"), ("dvc", "repro"), ("make", "repro")


@dataclass(frozen=True)
class Case:
    """A signal to a victim at a stage's moment; `way` is the command that was running."""

    stage: str
    moment: str
    signal: str
    victim: str
    way: tuple[str, ...]
    before: str = ""  # another stage that has to be run, too, and ends before
    after: float = 0.5  # seconds, for the moment `works`

    def __str__(self) -> str:
        return f"{self.signal} to {self.victim} when {self.stage} {self.moment}, " + " ".join(
            self.way
        )


def cases(seed: int) -> list[Case]:
    """Every stage at every moment, with blows and ways in turn, and DVC at its own."""
    rng = random.Random(seed)
    blows = itertools.cycle(rng.sample(BLOWS, len(BLOWS)))
    ways = itertools.cycle((SURNAMES, DVC, SURNAMES, MAKE, DVC))
    found = []
    for stage, moment in itertools.product(STAGES, MOMENTS):
        if moment == "works" and stage in SHORT:
            continue
        before = STAGES[stage] if rng.random() < 0.3 else ""
        after = rng.uniform(0.1, 4 if stage == "track" else 0.4)
        found.append(Case(stage, moment, *next(blows), next(ways), before, after))
    for moment, way in itertools.product(DVC_MOMENTS, (SURNAMES, DVC)):
        for blow in (("SIGKILL", "stage"), ("SIGINT", "group"), ("SIGTERM", "all")):
            found.append(Case("dvc", moment, *blow, way, "check"))
    found.append(Case("train@held_out-fixed", "reads", "SIGTERM", "make", MAKE))
    return found


def attempts(seed: int) -> list[Attempt]:
    """All cases, in an order of their own."""
    every = cases(seed)
    random.Random(seed).shuffle(every)
    return [Attempt(str(case), partial(strike, case)) for case in every]


def strike(case: Case, study: Study) -> list[Outcome]:
    """Run the study until the blow, and again until it is finished."""
    outcome = Outcome("kills", str(case))
    again = [stage for stage in (case.stage, case.before) if stage not in ("", "dvc")]
    for stage in again:
        study.forget(stage)
    order = {"stage": case.stage, "moment": case.moment, "signal": case.signal}
    watched = study.struck(**order, victim=case.victim, after=case.after)
    status, printed = study.run(*case.way, **watched)
    outcome.said = last_line(printed)
    if orphans := study.orphans():
        outcome.fault("orphan", f"{len(orphans)} processes left")
    lines = study.journal()
    if not any(line.startswith("struck") for line in lines):
        outcome.fault("not reached", outcome.said)
        study.mend(case.way)
        return [outcome]
    if TRACEBACK in printed and case.way != DVC:  # DVC shows its own
        outcome.fault("traceback", printed)
    if case.victim == "group" and case.way == SURNAMES and status != 130:
        outcome.fault("status", f"{status} for Ctrl-C: {outcome.said}")
    kept = [one for one in again if f"ends {one}" in lines and one == case.before]
    kept = kept if f"begins {case.stage}" in lines else []  # so DVC has recorded the one before
    kept = [one for one in kept if one != "fetch"]  # which looks again for the real names
    way = case.way
    if case.moment == "writes its locks" and case.signal == "SIGKILL" and way == DVC:
        way = SURNAMES  # plain DVC refuses half of its list; `surnames repro` empties it
    study.compare(outcome, way, whole=case.stage in ("track", "dvc"), **watched)
    rerun = study.journal()
    if twice := [one for one in kept if f"begins {one}" in rerun]:
        outcome.fault("lost", f"{', '.join(twice)} was finished, and is run again")
    free = {*again, "dvc", "fetch"}
    if case.moment == "writes dvc.lock":  # of which half is left, and the cache has no store
        free.add("track")
    if strangers := {line.split(" ", 1)[1] for line in rerun} - free:
        outcome.fault("lost", f"run again without a reason: {', '.join(sorted(strangers))}")
    return [outcome]
