"""`surnames verify` sees whatever disagrees, and `surnames rebuild` puts it right."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from mlflow import MlflowClient
from support.mlflow_store import TRACK, client, runs
from support.projects import Project, commit
from support.servers import mlflow_server

from surnames.tracking import registry
from surnames.tracking.rebuild import set_aside
from surnames.tracking.store import MODEL, NOTE, Store

RUN = "STARTER held_out-fixed"


def findings(study: Project, fails: bool = False, **environment: str) -> dict[str, dict[str, Any]]:
    """What `verify` found, by kind and name."""
    said = study.run("surnames", "verify", "--format", "json", fails=fails, **environment)
    found = json.loads(said[said.index("{") :])
    assert found["clean"] != fails
    return {f"{one['kind']} {one['name']}": one for one in found["findings"]}


def wrong(study: Project, **environment: str) -> dict[str, str]:
    """What is not present, with its state."""
    found = findings(study, fails=True, **environment)
    return {name: one["state"] for name, one in found.items() if one["state"] != "present"}


def test_a_finished_study_is_clean(finished: Project) -> None:
    """A line for each run, version and alias."""
    found = findings(finished)
    kinds = [name.split()[0] for name in found]
    assert (kinds.count("run"), kinds.count("version"), kinds.count("alias")) == (7, 4, 3)
    assert found["run held_out-fixed"]["detail"] == "3 of 3 in the store"
    assert "all present" in finished.run("surnames", "verify")


def run_named(store: MlflowClient, name: str = RUN) -> Any:
    return runs(store, f"run_name = '{name}'")[0]


def version(store: MlflowClient, architecture: str = "fixed") -> Any:
    [one] = [o for o in registry.list_versions(store) if o.tags["architecture"] == architecture]
    return one


def artifact(study: Project, store: MlflowClient, path: str) -> Path:
    return study.folder / "mlflow/artifacts" / run_named(store).info.run_id / "artifacts" / path


def model_file(study: Project, name: str) -> Path:
    uri = version(client(study.folder)).source
    folder = study.folder / "mlflow/artifacts/models" / uri.rsplit("/", 1)[-1]
    return folder / "artifacts" / name


DAMAGE: dict[str, tuple[str, str, Callable[[Project, MlflowClient], Any]]] = {
    "run deleted": (
        "run held_out-fixed",
        "missing",
        lambda _, store: store.delete_run(run_named(store).info.run_id),
    ),
    "run unfinished": (
        "run held_out-fixed",
        "missing",
        lambda _, store: store.update_run(run_named(store).info.run_id, status="RUNNING"),
    ),
    "run twice": (
        "run held_out-fixed",
        "double",
        lambda _, store: store.set_terminated(
            store.create_run("1", tags=run_named(store).data.tags).info.run_id
        ),
    ),
    "metric altered": (
        "run held_out-fixed",
        "altered",
        lambda _, store: store.log_metric(run_named(store).info.run_id, "scores/accuracy", 1.0),
    ),
    "description altered": (
        "run held_out-fixed",
        "altered",
        lambda _, store: store.set_tag(run_named(store).info.run_id, NOTE, "Mine!"),
    ),
    "network's metric altered": (
        "run held_out-fixed",
        "altered",
        lambda _, store: store.log_metric(
            run_named(store, f"{RUN}-1").info.run_id, "scores/accuracy", 1.0
        ),
    ),
    "picture gone": (
        "run held_out-fixed",
        "altered",
        lambda study, store: artifact(study, store, "confusion/confusion.svg").unlink(),
    ),
    "counts altered": (
        "run held_out-fixed",
        "altered",
        lambda study, store: artifact(study, store, "confusion/confusion.csv").write_text("1"),
    ),
    "weights altered": (
        "version fixed",
        "altered",
        lambda study, _: model_file(study, "artifacts/weights.safetensors").write_bytes(b"0"),
    ),
    "model gone": (
        "version fixed",
        "altered",
        lambda study, _: shutil.rmtree(model_file(study, ".")),
    ),
    "version deleted": (
        "version fixed",
        "missing",
        lambda _, store: store.delete_model_version(MODEL, version(store).version),
    ),
    "alias moved": (
        "alias fixed",
        "stale",
        lambda _, store: store.set_registered_model_alias(
            MODEL, "fixed", version(store, "majority").version
        ),
    ),
    "champion gone": (
        "alias champion",
        "present",
        lambda _, store: store.delete_registered_model_alias(MODEL, "champion"),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_seen_and_put_right(study: Project, what: str) -> None:
    """What is wrong and nothing else, unless it hangs on that; afterwards all is as before."""
    name, state, damage = DAMAGE[what]
    before = content(study)
    damage(study, client(study.folder))
    if state != "present":
        found = wrong(study)
        assert found.pop(name) == state
        assert set(found) <= {"alias fixed", "alias champion"}
    study.run("surnames", "rebuild")
    findings(study)
    assert content(study) == before


def content(study: Project) -> dict[str, Any]:
    """All that a person sees in the store: no ids, no numbers, no times, no paths.

    Of a copy under a new name: MLflow goes on reading a file that was replaced.
    """
    copy = f"copy-{uuid4().hex}.db"
    shutil.copyfile(study.folder / "mlflow/mlflow.db", study.folder / copy)
    store = client(study.folder, copy)
    listed: dict[str, Any] = {}
    for run in runs(store):
        files = [item.path for item in store.list_artifacts(run.info.run_id, "confusion")]
        listed[run.info.run_name] = (
            run.data.params,
            run.data.metrics,
            run.data.tags,
            sorted(files),
        )
    for one in registry.list_versions(store):
        listed[one.tags["architecture"]] = (one.tags, one.description, one.aliases)
    listed["model"] = registry.registered_model(store).description
    return listed


def test_one_damage_seen_and_put_right(study: Project) -> None:
    """The quick one of those above: an altered metric."""
    test_damage_is_seen_and_put_right(study, "metric altered")


@pytest.mark.slow
def test_files_that_are_not_those_of_the_lock(study: Project) -> None:
    """Altered and deleted ones, and parameters that were changed and not run."""
    folder = study.folder / "results/runs/held_out/fixed"
    (folder / "history.csv").chmod(0o644)
    (folder / "history.csv").write_text("step\n")
    found = wrong(study)
    assert found["run held_out-fixed"] == "altered"
    (folder / "history.csv").unlink()
    study.run("dvc", "checkout", "-q")
    findings(study)
    study.set(architectures__fixed={"learning_rate": 0.01})
    found = wrong(study)
    assert found["run held_out-fixed"] == found["run published-fixed"] == "stale"
    assert "run held_out-tutorial_2017" not in found


@pytest.mark.slow
def test_changed_and_changed_back(study: Project) -> None:
    """`verify` is clean each time, and the store has exactly the two studies."""
    text = (study.folder / "params.yaml").read_text()
    networks, versions = 13, 4
    for turn in (1, 2):
        study.set(architectures__fixed={"learning_rate": 0.01})
        study.run("dvc", "repro", "-q")
        findings(study)
        (study.folder / "params.yaml").write_text(text)
        study.run("dvc", "repro", "-q")
        findings(study)
        store = client(study.folder)
        assert len(runs(store, "tags.kind = 'network'")) == networks + 6, turn
        assert len(runs(store, "tags.kind = 'run'")) == 7 + 3
        assert len(registry.list_versions(store)) == versions + 1


@pytest.mark.slow
def test_a_comment_in_the_engine_makes_no_version(study: Project) -> None:
    """Its runs are other runs, of other code; the networks are the same to the last bit."""
    with open(study.folder / "src/surnames/networks/online.py", "a") as stream:
        stream.write("# another line\n")
    commit(study, "Comment")
    study.run("dvc", "repro", "-q")
    store = client(study.folder)
    assert len(runs(store, "tags.kind = 'run'")) == 2 * 7
    assert [one.version for one in registry.list_versions(store)] == [1, 2, 3, 4]
    findings(study)


@pytest.mark.slow
def test_a_moved_project_without_its_store(study: Project, tmp_path: Path) -> None:
    """Deleted, moved, rebuilt: the same content, the pictures are there and the models load."""
    before = content(study)
    shutil.rmtree(study.folder / "mlflow/artifacts")
    (study.folder / "mlflow/mlflow.db").unlink()
    study.folder.rename(tmp_path / "elsewhere")
    moved = Project(tmp_path / "elsewhere")
    assert "surnames rebuild" in moved.run("surnames", "verify", fails=True)
    moved.run("surnames", "rebuild")
    findings(moved)
    assert content(moved) == before
    code = (
        "import mlflow; mlflow.set_tracking_uri('sqlite:///mlflow/mlflow.db');"
        "print(mlflow.pyfunc.load_model('models:/surname-origin@fixed').predict(['Satoshi']))"
    )
    assert "language" in moved.run(sys.executable, "-c", code)


@pytest.mark.slow
def test_a_copied_project_has_a_store_of_its_own(study: Project, tmp_path: Path) -> None:
    """MLflow keeps absolute paths: the copy would write into the original's folder."""
    copy = Project(tmp_path / "copy")
    shutil.copytree(study.folder, copy.folder, symlinks=True)
    assert wrong(copy)[f"store sqlite:///{copy.folder}/mlflow/mlflow.db"] == "stale"
    shutil.rmtree(study.folder)
    database = (copy.folder / "mlflow/mlflow.db").read_bytes()
    assert "so it is made again" in copy.run(*TRACK)
    findings(copy)
    set_aside_once(copy, database)


@pytest.mark.slow
def test_other_studies_are_kept(study: Project) -> None:
    """dvc.lock tells nothing of them: their runs stay where they are, with their ids."""
    study.set(study__confidence=0.9)
    study.run("dvc", "repro", "-q")
    before = {run.info.run_id for run in runs(client(study.folder))}
    assert len(before) == 26
    assert "0 of 20 runs made again" in study.run("surnames", "rebuild")
    assert {run.info.run_id for run in runs(client(study.folder))} == before
    findings(study)


def break_database(study: Project) -> bytes:
    """Make the database unreadable; what it then contains."""
    content = b"SQLite format 3\0 and no more"
    (study.folder / "mlflow/mlflow.db").write_bytes(content)
    return content


def set_aside_once(study: Project, database: bytes) -> None:
    """One folder has the former store, whole: its database with its artifacts."""
    [former] = (study.folder / "mlflow").glob("before-*")
    assert (former / "mlflow.db").read_bytes() == database
    assert len(list((former / "artifacts").rglob("MLmodel"))) == 4


def runs_written(study: Project) -> int:
    """How many runs the new store has; -1 before it has tables."""
    path = study.folder / "mlflow/mlflow.db"
    try:
        with sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True) as database:
            return int(database.execute("select count(*) from runs").fetchone()[0])
    except sqlite3.DatabaseError:
        return -1


@pytest.mark.slow
@pytest.mark.parametrize("written", [0, 10, 20])
def test_a_killed_rebuild_loses_nothing(study: Project, written: int) -> None:
    """Killed with so many runs written: the old store is kept, and a second rebuild completes."""
    before = content(study)
    broken = break_database(study)
    code = "from surnames.cli import main; main()"
    environment = {k: v for k, v in os.environ.items() if k != "MLFLOW_TRACKING_URI"} | study.code
    process = subprocess.Popen(
        [sys.executable, "-c", code, "rebuild"], cwd=study.folder, env=environment
    )
    while process.poll() is None and runs_written(study) < written:
        time.sleep(0.01)
    assert process.poll() is None
    process.kill()
    process.wait()
    set_aside_once(study, broken)
    study.run("surnames", "rebuild")
    findings(study)
    assert content(study) == before
    set_aside_once(study, broken)


@pytest.mark.parametrize("moves", [0, 1])
def test_a_store_half_set_aside(
    study: Project, monkeypatch: pytest.MonkeyPatch, moves: int
) -> None:
    """Interrupted after so many moves: the next call moves the rest to the same folder."""
    broken = break_database(study)
    store = Store(f"sqlite:///{study.folder}/mlflow/mlflow.db", study.folder)
    renamed: list[Path] = []

    def rename(path: Path, target: Path) -> None:
        if len(renamed) == moves:
            raise KeyboardInterrupt
        os.rename(path, target)
        renamed.append(path)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Path, "rename", rename)
        set_aside(store)
    assert set_aside(store) is not None
    set_aside_once(study, broken)
    assert set_aside(store) is None


@pytest.mark.slow
def test_a_broken_database_is_put_aside(study: Project) -> None:
    """What cannot be read is kept, too; there might be something in it."""
    broken = break_database(study)
    said = study.run("surnames", "rebuild")
    findings(study)
    set_aside_once(study, broken)
    [former] = (study.folder / "mlflow").glob("before-*")
    assert str(former) in said


@pytest.mark.slow
def test_a_shared_server_is_repaired_in_place(study: Project, tmp_path: Path) -> None:
    """Only what is wrong is made anew: ids that somebody wrote down stay, and others' runs too."""
    with mlflow_server(tmp_path) as uri:
        there = {"MLFLOW_TRACKING_URI": uri}
        study.run(*TRACK, **there)
        findings(study, **there)
        store = MlflowClient(uri, uri)
        ids = {run.info.run_name: run.info.run_id for run in runs(store)}
        strange = store.create_run("1", run_name="somebody else's").info.run_id
        store.log_metric(ids[RUN], "scores/accuracy", 1.0)
        store.delete_run(ids[f"{RUN}-0"])
        assert wrong(study, **there) == {"run held_out-fixed": "missing"}
        assert "2 of 20 runs made again" in study.run("surnames", "rebuild", **there)
        findings(study, **there)
        after = {run.info.run_name: run.info.run_id for run in runs(store)}
        assert after.pop("somebody else's") == strange
        assert {name for name in ids if ids[name] != after[name]} == {RUN, f"{RUN}-0"}


@pytest.mark.slow
def test_repro_notices_that_the_store_is_gone(study: Project) -> None:
    """`dvc repro` cannot: the receipt is the same for every store."""
    (study.folder / "mlflow/mlflow.db").unlink()
    assert "Running stage 'track'" in study.run("surnames", "repro")
    findings(study)
    assert "Running stage 'track'" not in study.run("surnames", "repro")
    other = f"sqlite:///{study.folder}/other/store.db"
    assert "20 runs added" in study.run("surnames", "repro", MLFLOW_TRACKING_URI=other)
    findings(study, MLFLOW_TRACKING_URI=other)
