"""What `dvc repro` runs, and what it does not: real runs of the whole pipeline, in small."""

import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from support.projects import ONLINE, RUNS, Project, commit, keep_claims, mlflow_runs, ran

HELD_OUT = {f"train@{run}" for run in RUNS if run.startswith("held_out-")}
DOWNSTREAM = {"compare", "report", "track"}  # whatever changes a result, these follow


def restored(printed: str) -> set[str]:
    """The stages whose outputs came from the run-cache."""
    return set(re.findall(r"Stage '([^']+)' is cached", printed))


def fits_and_scores(runs: set[str]) -> set[str]:
    return {f"{kind}@{run}" for kind in ("train", "evaluate") for run in runs}


def test_again_is_nothing(finished: Project) -> None:
    """A second `dvc repro` runs no stage, `dvc status` is clean and git sees nothing."""
    assert not ran(finished.run("dvc", "repro"))
    assert "up to date" in finished.run("dvc", "status", "dvc.yaml")
    assert finished.run("git", "status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("parameter", "value", "stages"),
    [
        ("fetch__seconds", 60, {"fetch"}),
        ("normalize__not_names", [], {"normalize"}),
        ("protocols__held_out__folds", 3, {"split"} | HELD_OUT),
        ("protocols__random_split__held_out_share", 0.3, {"split", "train@random_split-fixed"}),
        ("study__confidence", 0.9, set()),
        ("protocols__held_out__repetitions", 2, {"split"} | HELD_OUT),
        ("study__margin", 0.01, set()),
        ("study__seed", 7, {"split"} | {f"train@{run}" for run in RUNS}),
        ("recipes__online__learning_rate", 0.01, {f"train@{run}" for run in ONLINE}),
        ("recipes__ngram__longest", 3, {"train@held_out-ngram_logistic"}),
        (
            "architectures__fixed",
            {"learning_rate": 0.01},
            {f"train@{run}" for run in RUNS if run.endswith("-fixed")},
        ),
    ],
)
def test_what_a_parameter_touches(
    study: Project, parameter: str, value: Any, stages: set[str]
) -> None:
    """The stages that a changed parameter invalidates by itself, and no others upstream."""
    study.set(**{parameter: value})
    changed = set(json.loads(study.run("dvc", "status", "--json", "dvc.yaml")))
    assert changed - DOWNSTREAM - {"gate"} == stages
    assert changed >= {"gate"}


def test_a_removed_run_leaves_the_comparison(study: Project) -> None:
    """Taken out of `runs`, an architecture is gone from the tables and its files with it."""
    runs = study.params()["runs"]
    del runs["held_out-tutorial_2017"]
    study.set(runs=runs)
    keep_claims(study)
    refused = study.run("dvc", "repro", fails=True)  # a stage deletes nothing of its dependency
    assert "results/runs/held_out/tutorial_2017 belongs to no run of params.yaml" in refused
    study.run("surnames", "repro")
    assert "held_out,tutorial_2017" not in (study.folder / "results/summary.csv").read_text()
    assert not (study.folder / "results/runs/held_out/tutorial_2017").exists()


@pytest.mark.slow
def test_one_architecture_changed_and_changed_back(study: Project) -> None:
    """Its own stages and what follows; then all from the run-cache, and MLflow gains no run."""
    before, runs = study.run("git", "rev-parse", "HEAD"), mlflow_runs(study)
    lock = (study.folder / "dvc.lock").read_bytes()
    text = (study.folder / "params.yaml").read_text()
    study.set(architectures__fixed={"learning_rate": 0.01})
    changed = {run for run in RUNS if run.endswith("-fixed")}
    assert ran(study.run("dvc", "repro")) == fits_and_scores(changed) | DOWNSTREAM | {"gate"}
    networks = sum(2 if run != "published-majority" else 1 for run in changed)
    assert mlflow_runs(study) == runs + networks + len(changed)

    (study.folder / "params.yaml").write_text(text)
    printed = study.run("dvc", "repro")
    assert ran(printed) == {"gate", "track"}
    assert restored(printed) == fits_and_scores(changed) | DOWNSTREAM - {"track"}
    assert mlflow_runs(study) == runs + networks + len(changed)
    assert (study.folder / "dvc.lock").read_bytes() == lock
    assert study.run("git", "status", "--porcelain") == ""
    assert study.run("git", "rev-parse", "HEAD") == before


@pytest.mark.slow
def test_metrics_and_params_diff(study: Project) -> None:
    """`dvc params diff` says what was changed, `dvc metrics diff` what came of it."""
    study.set(architectures__fixed={"learning_rate": 0.02})
    study.run("dvc", "repro", "-q")
    said = study.run("dvc", "params", "diff")
    assert re.search(r"params.yaml\s+architectures.fixed.learning_rate\s+-\s+0.02", said)
    rows = study.run("dvc", "metrics", "diff").splitlines()
    assert rows[0].split() == ["Path", "Metric", "HEAD", "workspace", "Change"]
    moved = [row for row in rows if "macro_recall" in row]
    assert moved
    assert all("/fixed/metrics.json" in row for row in rows[1:])


def test_metrics_show(finished: Project) -> None:
    """One row for each run, one column for each metric."""
    header, *rows = finished.run("dvc", "metrics", "show").splitlines()
    assert {"accuracy", "macro_recall", "log_loss", "ece"} < set(header.split())
    assert len([row for row in rows if row.startswith("results/runs/")]) == len(RUNS)


def test_dag(finished: Project) -> None:
    """The graph as a whole for a page, and the way to one result for a terminal."""
    graph = finished.run("dvc", "dag", "--mermaid")
    for stage in ("fetch", "check", "train@held_out-fixed", "compare", "report", "track"):
        assert f'["{stage}"]' in graph
    way = finished.run("dvc", "dag", "evaluate@held_out-fixed")
    drawn = re.findall(r"\| ([\w@-]+) +\|", way)
    assert {"fetch", "split", "train@held_out-fixed"} < set(drawn)
    assert max(map(len, way.splitlines())) < 80


def test_experiments(study: Project) -> None:
    """`dvc exp run -S` changes one number and runs what it touches; `dvc exp show` shows both."""
    study.run("dvc", "exp", "run", "-q", "-n", "faster", "-S", "recipes.online.learning_rate=0.02")
    shown = study.run(
        "dvc",
        "exp",
        "show",
        "--only-changed",
        "--csv",
        "--no-pager",
    )
    header, *rows = [line.split(",") for line in shown.splitlines() if "," in line]
    assert "recipes.online.learning_rate" in " ".join(header)
    assert any("faster" in row for row in rows)


@pytest.mark.slow
def test_all_experiments_at_once(study: Project, tmp_path: Path) -> None:
    """In a folder of its own (`--temp`), an experiment still publishes to this project's store."""
    runs = mlflow_runs(study)
    study.run(
        "dvc",
        "exp",
        "run",
        "-q",
        "--temp",
        "-n",
        "apart",
        "-S",
        "recipes.ngram.inverse_regularization=2.0",
    )
    assert mlflow_runs(study) == runs + 3
    assert study.run("git", "status", "--porcelain") == ""


def test_the_starter_corpus_is_said_everywhere(finished: Project) -> None:
    """A study without its source carries the stand-in's name in every table and page."""
    for table in ("summary", "replicates", "recall"):
        rows = (finished.folder / f"results/{table}.csv").read_text().splitlines()[1:]
        assert all(",starter " in row for row in rows)
    assert "starter" in (finished.folder / "reports/index.html").read_text().lower()


@pytest.mark.parametrize("workers", ["1", "3"])
def test_the_lock_is_the_same_for_any_number_of_workers(study: Project, workers: str) -> None:
    """Trained again from nothing, on one or three workers: not a bit of dvc.lock moves."""
    for folder in (".dvc/cache", "results/runs/held_out/fixed"):
        study.run("rm", "-rf", folder)
    target = "evaluate@held_out-fixed"
    study.run("dvc", "repro", "-q", "--force", "--no-run-cache", target, SURNAMES_WORKERS=workers)
    assert study.run("git", "status", "--porcelain") == ""


def test_names_at_hand_replace_the_starter_corpus(study: Project, names: Path) -> None:
    """`surnames repro` fetches again where only the starter corpus was to be had."""
    study.set(runs={run: study.params()["runs"][run] for run in ("published-majority",)})
    keep_claims(study)
    commit(study, "One run")
    printed = study.run("surnames", "repro", SURNAMES_DATA=str(names))
    assert "fetch: done in " in printed
    identity = study.params()["fetch"]["identity"]
    summary = (study.folder / "results/summary.csv").read_text()
    assert f"practical-pytorch {identity[:12]}" in summary
    assert ",starter " not in summary


def test_nobody_need_activate_the_environment(study: Project) -> None:
    """`.venv/bin/surnames` is enough: its stages run with its own Python, not with PATH's."""
    shutil.rmtree(study.folder / "data/checked")
    shutil.rmtree(study.folder / ".dvc/cache")
    command = (sys.executable, "-c", "from surnames.cli import main; main()")
    assert "check: done in " in study.run(*command, "repro", "check", PATH=os.defpath)
    assert (study.folder / "data/checked/held_out.json").is_file()
