"""A few of the attempts of `make faults`, so that none of its kinds stops working."""

from pathlib import Path

import pytest
from faults import fuzz, hostile, kills, refusals, storage
from faults.kills import Case
from faults.study import Study, fresh
from support.bad_files import BAD
from support.projects import Project


@pytest.fixture
def broken(finished: Project, tmp_path: Path) -> Study:
    """A copy of the small study to break."""
    return fresh(finished, tmp_path / "surnames")


QUICK = [
    Case("split", "replaces", "SIGINT", "group", kills.SURNAMES),
    Case("check", "writes", "SIGKILL", "stage", kills.DVC, before="split"),
]
LONG = [
    Case("train@held_out-ngram_logistic", "works", "SIGKILL", "all", kills.SURNAMES),
    Case("train@held_out-fixed", "reads", "SIGTERM", "make", kills.MAKE),
    Case("track", "works", "SIGTERM", "dvc", kills.SURNAMES),
    Case("dvc", "writes dvc.lock", "SIGKILL", "stage", kills.SURNAMES, before="check"),
    Case("dvc", "writes its locks", "SIGKILL", "stage", kills.SURNAMES, before="check"),
]


@pytest.mark.parametrize(
    "case", [*QUICK, *(pytest.param(case, marks=pytest.mark.slow) for case in LONG)], ids=str
)
def test_a_kill_loses_nothing(broken: Study, case: Case) -> None:
    """At a named moment; run again, the study is the same to the byte, and nothing is left."""
    for outcome in kills.strike(case, broken):
        assert outcome.faults == [], outcome


@pytest.mark.slow
@pytest.mark.parametrize("damage", storage.DAMAGES[:30:6], ids=lambda damage: damage.name)
def test_damage_is_mended(broken: Study, damage: storage.Damage) -> None:
    """By the command that the message names."""
    assert storage.meet(broken, damage).faults == []


def test_refusals_touch_nothing(broken: Study) -> None:
    """By all three ways in."""
    for bad in (BAD[0], BAD[-1]):
        for outcome in refusals.refuse(bad, broken):
            assert outcome.faults == [], outcome


def test_hostile_files_are_refused(broken: Study) -> None:
    """One by each door."""
    doors = {one.name.split(",")[0]: one for one in hostile.attempts(1)}
    assert len(hostile.attempts(1)) >= 60
    for attempt in doors.values():
        for outcome in attempt.run(broken):
            assert outcome.faults == [], outcome


@pytest.mark.parametrize("target", fuzz.TARGETS)
def test_random_input_is_refused(broken: Study, target: str) -> None:
    """For a second."""
    outcome = fuzz.fuzz(broken, target, 1, 1)
    assert outcome.faults == [], outcome


def test_enough_is_tried() -> None:
    """As many as docs/reliability.md promises, whatever the seed."""
    cases = kills.cases(2)
    assert len(cases) >= 60 and {case.stage for case in cases} == {*kills.STAGES, "dvc"}
    assert len(storage.DAMAGES) >= 20 and len(BAD) >= 120 and len(fuzz.TARGETS) >= 5
