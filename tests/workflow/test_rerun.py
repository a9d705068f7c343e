"""`surnames rerun`: real runs of the small study's pipeline in a clean checkout."""

import re
import sqlite3
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from support.projects import Project, commit, ran

from surnames import dvc_repo
from surnames.core import digests, params
from surnames.core.corpus import LANGUAGES
from surnames.evaluation import scoring
from surnames.tracking.subjects import fingerprint
from surnames.workflow.rerun import compare, target

RUN = "published-majority"  # one network, trained in no time
EVALUATION = "results/runs/published/majority/evaluation"
PREDICTIONS = f"{EVALUATION}/predictions.safetensors"
WEIGHTS = "results/runs/published/majority/weights.safetensors"
TAGS = "update tags set value = ? where key = ? and run_uuid = ?"


def run_id(project: Project, name: str) -> str:
    """The ID of the latest run with this name."""
    question = "select run_uuid from runs where name = ? order by start_time desc"
    with closing(sqlite3.connect(project.folder / "mlflow/mlflow.db")) as store:
        return str(store.execute(question, (f"STARTER {name}",)).fetchone()[0])


def retag(project: Project, run: str, key: str, value: str) -> None:
    """Change a tag of a published run."""
    with closing(sqlite3.connect(project.folder / "mlflow/mlflow.db")) as store, store:
        store.execute(TAGS, (value, key, run))


def everything(project: Project) -> dict[str, tuple[int, int]]:
    """Size and modification time of all that a rerun must not touch."""
    scratch = {"tmp", "__pycache__", ".lock"}  # DVC's, Python's and MLflow's
    names = {path.relative_to(project.folder): path for path in project.folder.rglob("*")}
    return {
        str(name): (path.stat().st_size, path.stat().st_mtime_ns)
        for name, path in names.items()
        if path.is_file() and not scratch & set(name.parts)
    }


def test_a_published_network_is_run_again(study: Project) -> None:
    """Bit for bit, from nothing (each stage runs), and nothing of the user's is touched.

    The run's commit is the one before its results were committed, as is usual.
    """
    before = everything(study)
    printed = study.run("surnames", "rerun", run_id(study, f"{RUN}-0"))
    assert "matches bit for bit" in printed
    stages = {"gate", "fetch", "normalize", "split", "check", f"train@{RUN}", f"evaluate@{RUN}"}
    assert ran(printed) == stages
    assert everything(study) == before
    folder = re.search(r"again in (\S+)", printed)
    assert folder and not Path(folder[1]).exists()


@pytest.mark.slow
def test_a_commit_is_run_again_in_a_fresh_clone(finished: Project, tmp_path: Path) -> None:
    """All runs and the tables, with neither a cache nor a store; nor is either created."""
    clone = Project(tmp_path / "clone")
    finished.run("git", "clone", "-q", ".", str(clone.folder))
    printed = clone.run("surnames", "rerun", "HEAD")
    assert "matches bit for bit" in printed
    assert {"compare"} == ran(printed) & {"compare", "report", "track"}
    assert not (clone.folder / "mlflow").exists()
    assert not (clone.folder / ".dvc/cache").exists()
    assert clone.run("git", "status", "--porcelain") == ""


@pytest.mark.slow
def test_an_altered_file_is_named(study: Project) -> None:
    """One bit of the weights, in the work tree and then in the cache: no match."""
    run, weights = run_id(study, RUN), study.folder / WEIGHTS
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.unlink()  # it may be a link into the cache
    weights.write_bytes(content)
    printed = study.run("surnames", "rerun", run, fails=True)
    assert f"does not match\n  {WEIGHTS} was altered in the work tree" in printed

    study.run("dvc", "checkout", "-q", "--force", WEIGHTS)
    digest = digests.digest(weights)
    kept = study.folder / ".dvc/cache/files/md5" / digest[:2] / digest[2:]
    kept.chmod(0o644)
    weights.write_bytes(weights.read_bytes())  # no link any more
    kept.write_bytes(content)
    printed = study.run("surnames", "rerun", run, fails=True)
    assert f"does not match\n  {WEIGHTS} was altered in DVC's cache" in printed


@pytest.mark.slow
def test_other_predictions_are_named(study: Project) -> None:
    """Published results that the code does not give: the first difference, and the intervals."""
    path = study.folder / PREDICTIONS
    arrays = safetensors.numpy.load_file(path)
    right = LANGUAGES[arrays["0.predicted"][7]]
    arrays["0.predicted"][7:9] += 1
    forged = LANGUAGES[arrays["0.predicted"][7]]
    path.unlink()
    path.write_bytes(safetensors.numpy.save(arrays))
    study.run("dvc", "commit", "-q", "-f", f"evaluate@{RUN}")
    commit(study, "Results that the code does not give")
    study.run(sys.executable, "pipeline/track.py")
    run = run_id(study, f"{RUN}-0")

    printed = study.run("surnames", "rerun", run)
    first = f"replicate 0, name 7: predicted {right} (was {forged})"
    assert f"matches within the interval\n  {PREDICTIONS}: {first}\n" in printed

    summary = study.folder / "results/summary.csv"
    header, row, *rest = summary.read_text().splitlines()
    cells = row.split(",")
    cells[header.split(",").index("mean")] = "0.5"
    summary.write_text("\n".join([header, ",".join(cells), *rest]) + "\n")
    printed = study.run("surnames", "rerun", run, fails=True)
    assert f"does not match\n  {RUN}: macro_recall 0.0555556, was 0.5 to 0.5\n" in printed
    assert first in printed


@pytest.mark.slow
def test_what_cannot_be_run_again_is_refused(study: Project) -> None:
    """A dirty tree, a commit that is elsewhere, other names: one line each, and status 1."""
    run = run_id(study, f"{RUN}-0")
    retag(study, run, "data_set", "practical-pytorch b94c636b518c")
    printed = study.run("surnames", "rerun", run, fails=True)
    assert "made from the data set practical-pytorch b94c636b518c" in printed
    assert re.search(r"available now is starter \w{12}; SURNAMES_DATA=", printed)

    retag(study, run, "commit", "5" * 40)
    printed = study.run("surnames", "rerun", run, fails=True)
    assert f"is of commit {'5' * 40}, which is not in this repository" in printed

    retag(study, run, "dirty", "true")
    printed = study.run("surnames", "rerun", run, fails=True)
    assert "is of a dirty tree" in printed and "cannot be run again" in printed

    for unknown, why in (("f" * 32, "has no run"), ("nonsense", "neither a commit")):
        printed = study.run("surnames", "rerun", unknown, fails=True)
        assert why in printed and "Traceback" not in printed


def test_a_commit_without_its_results_is_refused(study: Project) -> None:
    """The lock must be of the commit's own code and parameters; refused before anything runs."""
    printed = study.run("surnames", "rerun", "HEAD~1", fails=True)
    assert "holds no dvc.lock" in printed
    study.set(study__seed=7)
    commit(study, "Another seed, not run")
    printed = study.run("surnames", "rerun", "HEAD", fails=True)
    why = r"dvc.lock is not of this code and these parameters \(\S+: study.seed changed\)"
    assert re.search(why, printed)
    assert not ran(printed)


def test_a_run_is_found_by_its_fingerprint(study: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """That of an older format, too, and in a committed dvc.lock; lost, it is refused."""
    monkeypatch.chdir(study.folder)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    run_of_params = params.load().runs[RUN]
    run = run_id(study, RUN)
    found = target.find(run)
    lock = dvc_repo.parse_lock(found.lock)
    older = fingerprint(run_of_params, None, lock, found.summary, version=1)
    retag(study, run, "surnames.fingerprint", older)
    assert target.find(run) == found
    (study.folder / "dvc.lock").write_text("schema: '2.0'\nstages: {}\n")
    assert replace(target.find(run), lock=found.lock) == found
    retag(study, run, "surnames.fingerprint", "0" * 64)
    with pytest.raises(target.StudyError, match="its results were never committed"):
        target.find(run)


def test_the_first_difference_is_the_first(tmp_path: Path) -> None:
    """By replicate, then by name; every field that differs there, with both values."""
    nothing = scoring.predict(np.zeros((12, 18)), np.zeros(12, np.int64))
    arrays = {
        f"{replicate}.{name}": array.copy()
        for replicate in (2, 10)
        for name, array in zip(scoring.PREDICTION_KEYS, vars(nothing).values(), strict=True)
    }
    before, after = tmp_path / "before", tmp_path / "after"
    before.write_bytes(safetensors.numpy.save(arrays))
    arrays["10.predicted"][0] = arrays["2.predicted"][5] = 17
    arrays["2.confidence"][5:] = 0.5
    after.write_bytes(safetensors.numpy.save(arrays))
    assert compare.difference(before, after) == (
        "replicate 2, name 5: predicted Vietnamese (was Arabic), confidence 0.5 (was 0.0)"
    )
    arrays["2.predicted"] = arrays["2.predicted"][1:]
    after.write_bytes(safetensors.numpy.save(arrays))
    assert compare.difference(before, after) == "replicate 2 was scored on other names"
