"""`surnames repro`: several runs at once, each in a worker process."""

import multiprocessing
import shutil
import sys

import pytest
from support.projects import Project, ran

from surnames.core.errors import StudyError
from surnames.workflow import parallel

FAKE = """
import json, os, sys
for line in sys.stdin:
    [stage] = json.loads(line)["targets"]
    print(stage, "prints", os.environ["SURNAMES_WORKERS"], "x" * 200_000)
    print(stage, "warns", "x" * 200_000, file=sys.stderr)
    if stage == "killed":
        os.kill(os.getpid(), 9)
    print("\\x04", end="", file=sys.stderr, flush=True)
    print("\\x04" + str(int(stage == "bad")), flush=True)
"""


def run(monkeypatch: pytest.MonkeyPatch, *steps: list[str]) -> tuple[list[str], str]:
    """Run steps of stages of these names by a fake worker, two at once; the reports, the error.

    In a process of its own: a browser's event loop may be running in this one.
    """
    monkeypatch.setenv("SURNAMES_WORKERS", "6")
    monkeypatch.setattr(parallel, "COMMAND", (sys.executable, "-u", "-c", FAKE))
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.apply(_run, (steps,))


def _run(steps: tuple[list[str], ...]) -> tuple[list[str], str]:
    reports: list[str] = []
    parallel.tqdm.write = lambda text, **_: reports.append(text.replace("x" * 200_000, ""))
    try:
        parallel.run([[parallel.Task(name, [name]) for name in step] for step in steps], 2)
    except StudyError as error:
        return reports, str(error)
    return reports, ""


def test_a_step_waits_for_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """All tasks are run, in workers with their share, and the last step's last."""
    reports, error = run(monkeypatch, ["a", "b", "c"], ["d"], ["e", "f"])
    titles = [report.split(":")[0] for report in reports]
    assert {*titles[:3]} == {"a", "b", "c"} and titles[3] == "d" and {*titles[4:]} == {"e", "f"}
    assert all("prints 3" in report and "warns" not in report for report in reports)
    assert not error


def test_a_failed_task_shows_its_own_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest of its step is run, and nothing after that."""
    reports, error = run(monkeypatch, ["a", "bad", "c"], ["d"])
    assert error.startswith("bad failed; the messages are above")
    assert {report.split(" ")[0] for report in reports} == {"a:", "bad:", "c:"}
    assert "bad: failed\nbad prints 3 \nbad warns \n" in reports


def test_a_killed_worker_ends_the_study(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in a wait for ever, nor by failing all that was given to it."""
    reports, error = run(monkeypatch, ["killed", "a"], ["d"])
    assert "the process that ran killed was killed" in error
    assert any(report.startswith("killed: failed\nkilled prints") for report in reports)


@pytest.mark.slow
def test_runs_at_once_make_the_same_lock(study: Project) -> None:
    """Nobody can tell from the results how many stages ran at once."""
    lock = (study.folder / "dvc.lock").read_text()
    for made in (".dvc/cache", ".dvc/tmp", "data/raw", "results/runs"):
        shutil.rmtree(study.folder / made)
    printed = study.run("surnames", "repro", SURNAMES_WORKERS="2")
    for run in study.params()["runs"]:
        assert f"{run}: done in " in printed
    assert "report: done in " in printed
    assert not ran(printed)  # the `dvc repro` that follows finds all of it done
    assert (study.folder / "dvc.lock").read_text() == lock


@pytest.mark.slow
def test_a_failed_run_is_shown_once(study: Project) -> None:
    """With the stage's and DVC's messages; the other runs are done, and no stage runs again."""
    study.set(architectures__fixed={"learning_rate": 1000}, recipes__ngram__longest=3)
    printed = study.run("surnames", "repro", fails=True, SURNAMES_WORKERS="2")
    assert printed.count("held_out-fixed: all 2 networks diverged") == 1
    assert "lower the learning rate\nDVC: failed to reproduce 'train@held_out-fixed'" in printed
    assert "held_out-ngram_logistic: done in " in printed
    assert "Traceback" not in printed and "train@held_out-fixed" not in ran(printed)
