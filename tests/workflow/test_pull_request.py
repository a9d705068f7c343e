"""A pull request, played on a real repository with the very commands of pipeline.yml."""

import csv
import json
import re
import shutil
import sys
from pathlib import Path

import pytest
import yaml
from support.projects import ONLINE, ROOT, Project, commit, keep_claims

from surnames.core import tables
from surnames.git import git
from surnames.workflow import pull_request

JOB = yaml.safe_load((ROOT / ".github/workflows/pipeline.yml").read_text())["jobs"]["study"]
STUDY, SMALL = "The study", "The small study"


def environment(folder: Path) -> None:
    """The .venv that `make setup` would bring, by way of the one that runs this test."""
    (folder / ".venv").mkdir()
    for name in ("bin", "lib", "pyvenv.cfg"):
        (folder / ".venv" / name).symlink_to(Path(sys.prefix) / name)
    (folder / ".venv/ready").write_text(f"{folder.resolve()}\n")


def checkout(origin: Project, branch: str, folder: Path, cache: Path | None = None) -> Project:
    """What CI has: a fresh clone of the branch, and perhaps DVC's cache of the base."""
    origin.run("git", "clone", "-q", "--branch", branch, str(origin.folder), str(folder))
    if cache:
        shutil.copytree(cache, folder / ".dvc/cache")
    environment(folder)
    return Project(folder)


def job(project: Project, step: str = STUDY, *, fails: bool = False, **variables: str) -> str:
    """Run a step of the workflow as GitHub would."""
    command = next(one["run"] for one in JOB["steps"] if one.get("name") == step)
    page = project.folder / "build/page.md"
    page.parent.mkdir(exist_ok=True)
    github = {"BASE": "origin/main", "CI": "true", "GITHUB_STEP_SUMMARY": str(page)}
    return project.run("bash", "-e", "-c", command, fails=fails, **github, **variables)


def page(project: Project) -> str:
    """The job's page."""
    return (project.folder / "build/page.md").read_text()


@pytest.fixture
def origin(study: Project) -> Project:
    """A repository whose `main` is the small study."""
    study.run("git", "branch", "-M", "main")
    study.run("git", "checkout", "-qb", "change")
    return study


def test_a_stale_lock_is_refused_before_anything_runs(origin: Project, tmp_path: Path) -> None:
    """A parameter changed and nothing rerun: the message names the stages and what to run."""
    origin.set(recipes__online__learning_rate=0.02)
    commit(origin, "Learn faster")
    project = checkout(origin, "change", tmp_path / "ci")
    printed = job(project, fails=True)
    assert "dvc.lock is stale; run `make repro` and commit what it changed" in printed
    assert "train@held_out-fixed: recipes.online changed" in printed
    assert "Running stage" not in printed and "Traceback" not in printed
    comment = (project.folder / "build/ci/comment.txt").read_text()
    for text in (page(project), comment):
        assert text.startswith("FAILED: dvc.lock is stale; run") and "make repro" in text
    assert not (project.folder / "data/raw").exists()


def test_a_table_that_was_not_committed_makes_the_lock_stale(origin: Project) -> None:
    """The lock of a rerun with the tables of the run before it."""
    table = origin.folder / "results/summary.csv"
    table.write_text(table.read_text().replace("macro_recall", "macro_recal"))
    assert "compare: results/summary.csv changed" in origin.run("surnames", "stale", fails=True)
    table.unlink()
    assert "results/summary.csv is missing" in origin.run("surnames", "stale", fails=True)


def test_a_fresh_clone_is_not_stale(origin: Project, tmp_path: Path) -> None:
    """No data, no cache, no store: nothing of what git holds says that the lock is old."""
    project = checkout(origin, "main", tmp_path / "ci")
    assert project.run("surnames", "stale") == ""


def test_code_that_changed_makes_the_lock_stale(origin: Project) -> None:
    """As would `dvc status`, for the stage alone that runs that code."""
    with open(origin.folder / "pipeline/check.py", "a") as stream:
        stream.write("# another line\n")
    message = origin.run("surnames", "stale", fails=True)
    assert message.splitlines()[1:] == ["  check: pipeline/check.py changed"]


def test_a_change_of_the_documents_does_nothing(origin: Project, tmp_path: Path) -> None:
    """GitHub would not even start the job; started all the same, it runs no stage."""
    (origin.folder / "docs/method.md").write_text("Another method.\n")
    commit(origin, "Write")
    project = checkout(origin, "change", tmp_path / "ci")
    printed = job(project)
    assert "No file of the study differs from origin/main" in printed
    assert "Running stage" not in printed
    assert project.run("git", "status", "--porcelain") == ""


def test_an_unknown_base_is_a_message(origin: Project) -> None:
    """And no traceback."""
    message = origin.run("surnames", "pull-request", "nowhere", fails=True)
    assert "'nowhere' is not a commit here" in message and "Traceback" not in message


def test_the_patch_applies_whatever_it_ends_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty last line belongs to a patch; new files do, too, and the index stays as it is."""
    monkeypatch.chdir(tmp_path)
    for name in pull_request.RESULTS:
        tables.replace_text(tmp_path / name / "a", "1\n2\n\n")
    git("init", "--quiet")
    git("add", ".")
    identity = ["-c", "user.name=A Reader", "-c", "user.email=reader@example.org"]
    git(*identity, "commit", "--quiet", "--message", "Results")
    tables.replace_text(tmp_path / "docs/a", "changed\n2\n\n")
    tables.replace_text(tmp_path / "results/new", "new\n")
    pull_request.OUT.mkdir(parents=True)
    pull_request.write_patch()
    assert git("diff", "--name-only") == "docs/a"
    git("checkout", "--quiet", "docs")
    (tmp_path / "results/new").unlink()
    git("apply", str(pull_request.PATCH))
    assert (tmp_path / "docs/a").read_text() == "changed\n2\n\n"
    assert (tmp_path / "results/new").read_text() == "new\n"


@pytest.mark.slow
def test_a_parameter_changed(origin: Project, tmp_path: Path) -> None:
    """The rerun is of what the parameter touches; the page says what it did to the study."""
    origin.run("git", "checkout", "-q", "main")
    origin.set(protocols__held_out__repetitions=3)
    origin.run("surnames", "repro")
    commit(origin, "More replicates")
    shutil.copytree(origin.folder / ".dvc/cache", tmp_path / "cache")
    origin.run("git", "checkout", "-qb", "slower")
    origin.set(recipes__online__learning_rate=0.0001)
    origin.run("surnames", "repro")
    commit(origin, "Learn slower")

    project = checkout(origin, "slower", tmp_path / "ci", tmp_path / "cache")
    printed = job(project)
    stages = {f"{kind}@{run}" for kind in ("train", "evaluate") for run in ONLINE}
    stages |= {"compare", "report", "track"}
    rerun = re.search(r"Run again: (\d+) stages in \d+ s \((.*)\)", printed)
    assert rerun and set(rerun[2].split(", ")) == stages
    assert "gave the committed dvc.lock again, to the last bit" in printed
    text = page(project)
    assert "| recipes.online.learning_rate | 0.005 | 0.0001 |" in text
    assert text.index("### Verdicts") < text.index("### Parameters") < text.index("### Metrics")
    assert re.search(r"\| fix-raises-published \| \w+ -&#62; \w+ \|", text)
    diff = json.loads((project.folder / "build/ci/diff.json").read_text())
    kinds = {row["run"]: set() for row in diff["metrics"]}
    for row in diff["metrics"]:
        kinds[row["run"]].add(row["kind"])
        assert row["paired"]
        if row["kind"] == "noise":
            assert row["low"] <= 0 <= row["high"]
    assert {run for run, some in kinds.items() if some != {"unchanged"}} == ONLINE
    assert {"moved", "noise"} <= set().union(*kinds.values())
    moved = r"\| published-tutorial_2017 \| log_loss \| .* \| moved \|"
    assert re.search(moved, text.split("may be noise")[0])
    assert re.search(r"\| noise \|", text.split("may be noise")[1])


@pytest.mark.slow
def test_the_patch_of_a_stale_lock_mends_it(origin: Project, tmp_path: Path) -> None:
    """For who changed one number in the browser: apply the patch, and the lock is right."""
    runs = origin.params()["runs"]
    new = runs["held_out-ngram_logistic"] | {"protocol": "random_split"}
    origin.set(runs=runs | {"random_split-ngram_logistic": new})
    commit(origin, "One run more")
    project = checkout(origin, "change", tmp_path / "ci", origin.folder / ".dvc/cache")
    job(project, RERUN="yes")
    assert "Run again: 5 stages" in page(project)
    origin.run("surnames", "stale", fails=True)
    origin.run("git", "restore", ".")
    origin.run("git", "apply", str(project.folder / "build/ci/study.patch"))
    assert "results/runs/random_split/ngram_logistic/" in origin.run(
        "git", "ls-files", "--others", "--exclude-standard"
    )
    assert origin.run("surnames", "stale") == ""


@pytest.mark.slow
def test_a_draft_gets_the_small_study(origin: Project, tmp_path: Path) -> None:
    """And no file of its own study is touched."""
    with open(origin.folder / "src/surnames/cli.py", "a") as stream:
        stream.write("# another line\n")
    commit(origin, "Comment")
    project = checkout(origin, "change", tmp_path / "ci")
    printed = job(project, SMALL)
    assert "The whole pipeline in small" in printed
    assert "The small study passed. This one was not run" in page(project)
    assert project.run("git", "status", "--porcelain") == ""


@pytest.mark.slow
def test_a_rerun_without_the_names_confirms_nothing(
    origin: Project, names: Path, tmp_path: Path
) -> None:
    """Committed on the real names, rerun where no source answers: the page says so."""
    origin.set(runs={"published-majority": origin.params()["runs"]["published-majority"]})
    keep_claims(origin)
    origin.run("surnames", "repro", SURNAMES_DATA=str(names))
    commit(origin, "The real names")
    project = checkout(origin, "change", tmp_path / "ci")
    job(project)
    assert "NO SOURCE OF THE NAMES COULD BE REACHED" in page(project)
    data_sets = [
        row["data_set"] for row in csv.DictReader((project.folder / "results/summary.csv").open())
    ]
    assert all(name.startswith("starter ") for name in data_sets)
    diff = json.loads((project.folder / "build/ci/diff.json").read_text())
    assert diff["data_sets"][0]["head"][0].startswith("practical-pytorch ")
    assert (project.folder / "build/ci/study.patch").read_text() == ""
