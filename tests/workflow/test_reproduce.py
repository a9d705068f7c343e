"""`surnames reproduce`: real runs of the small study's pipeline in a clean checkout."""

import dataclasses
import re
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from support.projects import Project, commit

from surnames.evaluation import scoring
from surnames.workflow import rerun as reproduction

RUN = "published-majority"  # one network, trained in no time
EVALUATION = "results/runs/published/majority/evaluation"
PREDICTIONS = f"{EVALUATION}/predictions.safetensors"
WEIGHTS = "results/runs/published/majority/weights.safetensors"
TAGS = "update tags set value = ? where key = ? and run_uuid = ?"


def run_id(project: Project, name: str) -> str:
    """The id of the latest run with this name."""
    question = "select run_uuid from runs where name = ? order by start_time desc"
    with closing(sqlite3.connect(project.folder / "mlflow/mlflow.db")) as store:
        return str(store.execute(question, (f"STARTER {name}",)).fetchone()[0])


def retag(project: Project, run: str, key: str, value: str) -> None:
    """Let a published run say something else of itself."""
    with closing(sqlite3.connect(project.folder / "mlflow/mlflow.db")) as store, store:
        store.execute(TAGS, (value, key, run))


def everything(project: Project) -> dict[str, tuple[int, int]]:
    """Size and time of change of all that a reproduction must not touch."""
    scratch = {"tmp", "__pycache__", ".lock"}  # DVC's, Python's and MLflow's
    found = {path.relative_to(project.folder): path for path in project.folder.rglob("*")}
    return {
        str(name): (path.stat().st_size, path.stat().st_mtime_ns)
        for name, path in found.items()
        if path.is_file() and not scratch & set(name.parts)
    }


def test_a_published_network_is_made_anew(study: Project) -> None:
    """Bit for bit, from nothing (each stage runs), and nothing of the user's is touched.

    The run's commit is the one before its results were committed, as is usual.
    """
    before = everything(study)
    said = study.run("surnames", "reproduce", run_id(study, f"{RUN}-0"))
    assert "reproduced bit for bit" in said
    ran = re.findall(r"^Running stage '([^']+)'", said, re.MULTILINE)
    assert ran == ["fetch", "normalize", "split", "check", f"train@{RUN}", f"evaluate@{RUN}"]
    assert everything(study) == before
    folder = re.search(r"anew in (\S+)", said)
    assert folder and not Path(folder[1]).exists()


@pytest.mark.slow
def test_a_commit_is_made_anew_in_a_fresh_clone(finished: Project, tmp_path: Path) -> None:
    """All runs and the tables, with neither a cache nor a store; nor is either made."""
    clone = Project(tmp_path / "clone")
    finished.run("git", "clone", "-q", ".", str(clone.folder))
    said = clone.run("surnames", "reproduce", "HEAD")
    assert "reproduced bit for bit" in said
    assert "Running stage 'compare'" in said
    assert "Running stage 'track'" not in said
    assert not (clone.folder / "mlflow").exists()
    assert not (clone.folder / ".dvc/cache").exists()
    assert clone.run("git", "status", "--porcelain") == ""


@pytest.mark.slow
def test_an_altered_file_is_named(study: Project) -> None:
    """One bit of the weights, in the work tree and then in the cache: not reproduced."""
    run, weights = run_id(study, RUN), study.folder / WEIGHTS
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.unlink()  # it may be a link into the cache
    weights.write_bytes(content)
    said = study.run("surnames", "reproduce", run, fails=True)
    assert f"not reproduced\n  {WEIGHTS} was altered in the work tree" in said

    study.run("dvc", "checkout", "-q", "--force", WEIGHTS)
    cached = study.folder / ".dvc/cache/files/md5"
    digest = reproduction._digest(weights)
    kept = cached / digest[:2] / digest[2:]
    kept.chmod(0o644)
    weights.write_bytes(weights.read_bytes())  # no link any more
    kept.write_bytes(content)
    said = study.run("surnames", "reproduce", run, fails=True)
    assert f"not reproduced\n  {WEIGHTS} was altered in DVC's cache" in said


@pytest.mark.slow
def test_other_predictions_are_told_apart(study: Project) -> None:
    """Published results that the code does not give: the first difference, and the intervals."""
    path = study.folder / PREDICTIONS
    arrays = safetensors.numpy.load_file(path)
    right = reproduction.LANGUAGES[arrays["0.predicted"][7]]
    arrays["0.predicted"][7:9] += 1
    forged = reproduction.LANGUAGES[arrays["0.predicted"][7]]
    path.unlink()
    path.write_bytes(safetensors.numpy.save(arrays))
    study.run("dvc", "commit", "-q", "-f", f"evaluate@{RUN}")
    commit(study, "Results that nothing gave")
    study.run(sys.executable, "pipeline/track.py")
    run = run_id(study, f"{RUN}-0")

    said = study.run("surnames", "reproduce", run)
    first = f"replicate 0, name 7: predicted {right} (was {forged})"
    assert f"reproduced within the interval\n  {PREDICTIONS}: {first}\n" in said

    summary = study.folder / "results/summary.csv"
    header, row, *rest = summary.read_text().splitlines()
    cells = row.split(",")
    cells[header.split(",").index("mean")] = "0.5"
    summary.write_text("\n".join([header, ",".join(cells), *rest]) + "\n")
    said = study.run("surnames", "reproduce", run, fails=True)
    assert f"not reproduced\n  {RUN}: macro_recall 0.0555556, was 0.5 to 0.5\n" in said
    assert first in said


@pytest.mark.slow
def test_what_cannot_be_reproduced_says_so(study: Project) -> None:
    """A dirty tree, a commit that is elsewhere, other names: one line each, and status 1."""
    run = run_id(study, f"{RUN}-0")
    retag(study, run, "data_set", "practical-pytorch b94c636b518c")
    said = study.run("surnames", "reproduce", run, fails=True)
    assert "made from the data set practical-pytorch b94c636b518c" in said
    assert re.search(r"what could be had now is starter \w{12}; SURNAMES_DATA=", said)

    retag(study, run, "commit", "5" * 40)
    said = study.run("surnames", "reproduce", run, fails=True)
    assert f"is of commit {'5' * 40}, which is not in this repository" in said

    retag(study, run, "dirty", "true")
    said = study.run("surnames", "reproduce", run, fails=True)
    assert "is of a dirty tree" in said and "cannot be reproduced" in said

    for unknown, why in (("f" * 32, "has no run"), ("nonsense", "neither a commit")):
        said = study.run("surnames", "reproduce", unknown, fails=True)
        assert why in said and "Traceback" not in said


def test_a_commit_without_its_results_says_so(study: Project) -> None:
    """The lock must be of the commit's own code and parameters; found before anything runs."""
    said = study.run("surnames", "reproduce", "HEAD~1", fails=True)
    assert "holds no dvc.lock" in said
    study.set(study__seed=7)
    commit(study, "Another seed, not run")
    said = study.run("surnames", "reproduce", "HEAD", fails=True)
    assert re.search(r"dvc.lock is not of this code and these parameters: params.yaml \(st", said)
    assert "Running stage" not in said


@pytest.mark.slow
def test_an_uncommitted_lock_is_of_no_use(study: Project) -> None:
    """Published, and then lost: the run's results cannot be known any more."""
    run = run_id(study, f"{RUN}-0")
    retag(study, run, "surnames.fingerprint", "0" * 64)
    assert "its results were never committed" in study.run("surnames", "reproduce", run, fails=True)


def test_a_run_of_an_older_version_is_found(
    study: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is published of a run has changed since; its results have not."""
    monkeypatch.chdir(study.folder)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    run = run_id(study, RUN)
    lock = (study.folder / "dvc.lock").read_text()
    past = reproduction.find(run)
    known = reproduction.Run(protocol="published", architecture="majority", recipe="")
    fingerprint = reproduction.publication.fingerprint
    older = fingerprint(known, None, reproduction._parsed(lock), past.summary, version=1)
    retag(study, run, "surnames.fingerprint", older)
    assert reproduction.find(run) == past
    (study.folder / "dvc.lock").write_text(
        "schema: '2.0'\nstages: {}\n"
    )  # the committed one has it
    assert reproduction.find(run) == past


def test_digests_are_dvcs(finished: Project) -> None:
    """Of every file and folder that the small study made, against DVC's own lock."""
    lock = reproduction.params.read_yaml(finished.folder / "dvc.lock")
    outs = reproduction._outs(lock, lock["stages"])
    assert {path: reproduction._digest(finished.folder / path) for path in outs} == outs
    assert any(digest.endswith(".dir") for digest in outs.values())


def test_the_first_difference_is_the_first(tmp_path: Path) -> None:
    """By replicate, then by name; every field that differs there, with both values."""
    nothing = scoring.predict(np.zeros((12, 18)), np.zeros(12, np.int64))
    arrays = {
        f"{replicate}.{name}": array.copy()
        for replicate in (2, 10)
        for name, array in dataclasses.asdict(nothing).items()
    }
    was, made = tmp_path / "was", tmp_path / "made"
    was.write_bytes(safetensors.numpy.save(arrays))
    arrays["10.predicted"][0] = arrays["2.predicted"][5] = 17
    arrays["2.confidence"][5:] = 0.5
    made.write_bytes(safetensors.numpy.save(arrays))
    assert reproduction._difference(was, made) == (
        "replicate 2, name 5: predicted Vietnamese (was Arabic), confidence 0.5 (was 0.0)"
    )
    arrays["2.predicted"] = arrays["2.predicted"][1:]
    made.write_bytes(safetensors.numpy.save(arrays))
    assert reproduction._difference(was, made) == "replicate 2 was scored on other names"
