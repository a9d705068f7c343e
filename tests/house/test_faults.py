"""A few of the attempts of `make faults`, so that none of its kinds stops working."""

from pathlib import Path

import pytest
from faults import kills, refusals, storage
from faults.study import fresh
from support.projects import Project


@pytest.mark.parametrize(
    "case",
    [
        ("train@held_out-fixed", "reads", "SIGINT", "group", ("surnames", "repro")),
        ("train@held_out-ngram_logistic", "writes", "SIGKILL", "all", ("surnames", "repro")),
        ("evaluate@held_out-fixed", "replaces", "SIGKILL", "stage", ("dvc", "repro")),
    ],
    ids=lambda case: f"{case[2]} to {case[3]}",
)
def test_a_kill_loses_nothing(finished: Project, tmp_path: Path, case: tuple) -> None:
    """At a named moment; run again, the study is the same to the byte, and nothing is left."""
    outcome = kills.strike(fresh(finished, tmp_path / "surnames"), *case)
    assert outcome.faults == [], outcome


def test_damage_is_mended(finished: Project, tmp_path: Path) -> None:
    """Half of the weights, and none."""
    for outcome in storage.run(fresh(finished, tmp_path / "surnames"), 1, 2):
        assert outcome.faults == [], outcome


def test_refusals_touch_nothing(finished: Project, tmp_path: Path) -> None:
    """By all three ways in."""
    for outcome in refusals.run(fresh(finished, tmp_path / "surnames"), 1, 2):
        assert outcome.faults == [], outcome
