"""What others use moves by committed code alone; what is wrong with a store is said in a line."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from support.projects import Project, commit


def registry(project: Project) -> dict[str, list[Any]]:
    """All that others may rely on: versions with their texts and tags, aliases, the model's."""
    with sqlite3.connect(project.folder / "mlflow/mlflow.db") as store:
        return {
            table: sorted(store.execute(f"select * from {table}").fetchall(), key=str)
            for table in (
                "registered_models",
                "registered_model_aliases",
                "registered_model_tags",
                "model_versions",
                "model_version_tags",
            )
        }


FASTER = {"architectures__fixed": {"learning_rate": 0.01}}


@pytest.mark.slow
def test_a_tree_with_changes_moves_nothing_until_they_are_committed(study: Project) -> None:
    """Its runs are published; once it is committed, the next `surnames repro` registers them."""
    before = registry(study)
    study.set(**FASTER)
    printed = study.run("surnames", "repro")
    assert "no model is registered, and no alias moved: the work tree has changes" in printed
    assert registry(study) == before
    found = json.loads(study.run("surnames", "verify", "--format", "json"))
    versions = {one["name"]: one for one in found["findings"] if one["kind"] == "version"}
    assert versions["fixed"]["detail"].startswith("not registered: the work tree has changes")

    commit(study, "Faster")
    study.run("surnames", "repro")
    assert study.run("git", "status", "--porcelain") == ""
    after = registry(study)
    assert len(after["model_versions"]) == len(before["model_versions"]) + 1
    assert set(before["model_versions"]) < set(after["model_versions"])
    assert set(before["model_version_tags"]) < set(after["model_version_tags"])
    study.run("surnames", "verify")


@pytest.mark.slow
@pytest.mark.parametrize("where", [(), ("--temp",)])
def test_an_experiment_moves_nothing(study: Project, where: tuple[str, ...]) -> None:
    """In the work tree or in a folder of its own; the study's own models stay as they were."""
    before = registry(study)
    change = ("-S", "recipes.online.learning_rate=0.01")
    study.run("dvc", "exp", "run", "-q", *where, *change)
    assert registry(study) == before
    study.run("git", "checkout", "-q", ".")
    study.run("dvc", "checkout", "-q")
    study.run("surnames", "verify")


BROKEN = {
    "another version": ("is of another version of MLflow", None),
    "garbage": ("is damaged", b"garbage" * 1000),
    "half": ("is damaged", 20_000),
}


@pytest.mark.slow
@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_store_is_named_with_what_mends_it(study: Project, how: str) -> None:
    """By every command that needs it, in a line; `surnames rebuild` keeps the file and works."""
    words, content = BROKEN[how]
    database = study.folder / "mlflow/mlflow.db"
    if content is None:
        with sqlite3.connect(database) as store:
            store.execute("update alembic_version set version_num = 'ffffffffffff'")
    else:
        whole = database.read_bytes()
        database.write_bytes(content if isinstance(content, bytes) else whole[:content])
    for command in (("verify",), ("predict", "Satoshi", "--model", "champion"), ("ui",)):
        said = study.run("surnames", *command, fails=True)
        assert words in said and "`surnames rebuild`" in said
        assert "Traceback" not in said and len(said.splitlines()) < 4
    study.run("surnames", "rebuild")
    study.run("surnames", "verify")
    kept = list(Path(study.folder / "mlflow").glob("before-*/mlflow.db"))
    assert len(kept) == 1
