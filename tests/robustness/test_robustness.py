"""The grid of other recipes: its networks are those of the study, and its tables are kept."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import yaml
from numpy.testing import assert_allclose, assert_array_equal
from support.projects import ROOT, Project

from surnames.architectures import elman
from surnames.core import params, tables
from surnames.core.corpus import TEST, TRAIN, Corpus, Split
from surnames.core.errors import ParameterError, StudyError
from surnames.data.names import starter_names
from surnames.networks.network import ReplicateStreams
from surnames.robustness import grid, paths
from surnames.study import claims

NAMES = starter_names(ROOT / "data" / "starter")
CELL = grid.Cell(learning_rate=0.01, hidden_size=8, drawn="languages")


def test_a_checkpoint_is_the_network_after_so_many_steps() -> None:
    """The last is what the study trains, to the bit; an earlier one the same training, stopped."""
    fixed = elman.ARCHITECTURES["fixed"]
    streams = ReplicateStreams.of(1, "held_out", 0)
    half, whole = grid.checkpoints(fixed, CELL, NAMES, [120, 300], streams)
    recipe = params.Sgd(method="sgd", engine="online", hidden_size=8, learning_rate=0.01, steps=300)
    own = ReplicateStreams.of(1, "held_out", 0)
    trained = fixed.fit(NAMES, recipe, own, lambda steps: None)
    for name, weights in trained.weights.items():
        assert_array_equal(whole.weights[name], weights)
        assert (half.weights[name] != weights).any()


def test_names_are_drawn_equally_often() -> None:
    """Of a language as often as it has names, where names are drawn; else all languages alike."""
    corpus = Corpus(["a"] * 10, np.array([0] * 9 + [1]))
    for drawn, share in (("names", 0.1), ("languages", 0.5)):
        rows = grid.examples(corpus, drawn, 20_000, np.random.default_rng(1))
        assert_allclose(corpus.languages[rows].mean(), share, atol=0.01)


def test_a_grid_that_asks_some_names_more_often_is_refused() -> None:
    """Two replicates of three folds; three are one repetition."""
    roles = np.where(np.arange(9)[:, None] % 3 == np.arange(3), TEST, TRAIN)
    split = Split(Corpus(["a"] * 9, np.zeros(9, int)), roles)
    assert grid.first_replicates(split, 3, "held_out").roles.shape == (9, 3)
    with pytest.raises(StudyError, match="2 replicates are no whole number of repetitions"):
        grid.first_replicates(split, 2, "held_out")
    with pytest.raises(StudyError, match="4 replicates, and held_out has 3"):
        grid.first_replicates(split, 4, "held_out")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("cell: rate_005_hidden_128", "cell: rate_500", "rate_500 is not under `cells`"),
        ("tutorial_2017, 200000", "tutorial_2017, 99", "tutorial_2017, fixed at one of"),
        ("[50000, 100000, 200000]", "[50000, 50000]", "must ascend"),
        ("drawn: names", "drawn: lots", "drawn: "),
    ],
)
def test_what_cannot_be_trained_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    """With its line."""
    text = (ROOT / grid.PARAMS).read_text()
    path = tmp_path / "params.yaml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ParameterError, match="line .*" + said.replace("[", r"\[")):
        grid.load(path)


def test_the_tables_in_git_are_those_of_the_lock() -> None:
    """`make robustness` copies them; a copy that was changed by hand says what no network did."""
    lock = yaml.safe_load((ROOT / "robustness/dvc.lock").read_text())["stages"]["compare"]
    outs = {Path(out["path"]).name: out["md5"] for out in lock["outs"]}
    for name in (paths.CELLS, paths.CONTRASTS):
        content = (ROOT / paths.TAKEN / name).read_bytes()
        assert hashlib.md5(content).hexdigest() == outs[name]
    assert list(yaml.safe_load((ROOT / "robustness/dvc.lock").read_text())["stages"]) == sorted(
        yaml.safe_load((ROOT / "robustness/dvc.lock").read_text())["stages"]
    )


def test_the_grid_has_the_registered_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rates by units, and the rates with names drawn; each at three checkpoints, both protocols."""
    monkeypatch.chdir(ROOT)
    rows = tables.read_table(paths.TAKEN / paths.CELLS)
    found = {
        tuple(row[key] for key in ("protocol", "learning_rate", "hidden_size", "drawn", "steps"))
        for row in rows
    }
    recipes = [(h, "languages") for h in ("64", "128", "256")] + [("128", "names")]
    wanted = {
        (protocol, rate, hidden, drawn, steps)
        for protocol in grid.PROTOCOLS
        for rate in ("0.001", "0.002", "0.005", "0.01")
        for hidden, drawn in recipes
        for steps in ("50000", "100000", "200000")
    }
    assert found == wanted and len(rows) == len(wanted)
    known = claims.grid_contrasts()
    assert list(known) == list(grid.load().contrasts)
    for row in rows:
        if row["diverged_fixed"] == row["diverged_tutorial_2017"] == "0":
            gain = float(row["fixed"]) - float(row["tutorial_2017"])
            assert_allclose(float(row["effect"]), gain, atol=2e-6)
    [half, twice] = (
        {
            r["steps"]: r
            for r in rows
            if (r["protocol"], r["learning_rate"], r["hidden_size"], r["drawn"])
            == (protocol, "0.005", "128", "languages")
        }
        for protocol in grid.PROTOCOLS
    )
    speed = float(half["100000"]["fixed"]) - float(half["200000"]["tutorial_2017"])
    more = float(twice["200000"]["fixed"]) - float(twice["100000"]["fixed"])
    assert_allclose([one.effect for one in known.values()], [speed, more], atol=2e-6)


def test_a_small_grid_is_trained_once(finished: Project, tmp_path: Path) -> None:
    """Every stage, the tables, the ledger; again nothing; one cell changed, only that."""
    project = finished.copy(tmp_path / "surnames")
    settings = {
        "replicates": 2,
        "checkpoints": [50, 100],
        "cells": {
            "slow": {"learning_rate": 0.001, "hidden_size": 8, "drawn": "languages"},
            "names": {"learning_rate": 0.01, "hidden_size": 8, "drawn": "names"},
        },
        "contrasts": {
            "longer": {
                "protocol": "held_out",
                "cell": "slow",
                "terms": [[1, "fixed", 100], [-1, "fixed", 50]],
            }
        },
    }
    (project.folder / grid.PARAMS).write_text(yaml.safe_dump(settings))
    printed = project.run("surnames", "robustness")
    for stage in ("published@slow", "published@names", "held_out@slow", "held_out@names"):
        assert f"{stage}: done" in printed
    rows = tables.read_table(project.folder / paths.TAKEN / paths.CELLS)
    assert len(rows) == 2 * 2 * 2
    assert all(row["data_set"].startswith("starter") and row["effect"] for row in rows)
    assert "By other recipes" in (project.folder / "reports/index.html").read_text()
    again = project.run("surnames", "robustness")
    assert "as they were" in again and "done" not in again.replace("names: done", "")
    settings["cells"]["slow"]["learning_rate"] = 0.002
    (project.folder / grid.PARAMS).write_text(yaml.safe_dump(settings))
    printed = project.run("surnames", "robustness")
    assert "held_out@slow: done" in printed and "@names" not in printed
