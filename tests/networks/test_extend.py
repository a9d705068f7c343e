"""docs/extend.md, followed to the letter in a scratch clone: one file, one entry."""

import json
import re

import pytest
import torch
import yaml
from support.projects import ROOT, Project, mlflow_runs

PAGE = (ROOT / "docs/extend.md").read_text()
[FILE] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
[ENTRY] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
ADDED = {"published-gru", "held_out-gru"}


@pytest.fixture
def extended(study: Project) -> Project:
    """A small study with the page's file and entry; fewer steps, for time."""
    (study.folder / "src/surnames/architectures/gru.py").write_text(FILE)
    values = study.params()
    for section, added in yaml.safe_load(ENTRY).items():
        values[section] |= added
    values["architectures"]["gru"] |= {"steps": 100, "hidden_size": 8}
    study.set(**values)
    return study


def test_an_architecture_is_one_file_and_its_entry(extended: Project) -> None:
    """dvc status names its stages and those that show all runs; after it, everything shows it."""
    changed = set(json.loads(extended.run("dvc", "status", "--json", "dvc.yaml")))
    own = {f"{kind}@{run}" for kind in ("train", "evaluate") for run in ADDED}
    assert changed == own | {"gate", "compare", "report", "track"}

    extended.run("surnames", "repro")
    for protocol in ("published", "held_out"):
        assert (
            f"\n{protocol},gru,macro_recall,2,0,0."
            in (extended.folder / "results/summary.csv").read_text()
        )
        assert mlflow_runs(extended, f"%{protocol}-gru%") == 3
    for place in ("README.md", "reports/index.html"):
        page = (extended.folder / place).read_text()
        assert "gated recurrent unit, output from its last state" in page, place


def test_an_edit_of_it_retrains_it_alone(extended: Project) -> None:
    """And trained once, an edit of its file makes no other training stage stale."""
    extended.run("dvc", "repro", "-q", *(f"evaluate@{run}" for run in ADDED))
    with (extended.folder / "src/surnames/architectures/gru.py").open("a") as file:
        file.write("# edited\n")
    changed = json.loads(extended.run("dvc", "status", "--json", "dvc.yaml"))
    assert {stage for stage in changed if stage.startswith("train@")} == {
        f"train@{run}" for run in ADDED
    }


def test_the_example_keeps_the_contract() -> None:
    """The page's module runs as printed, and padding does not change its logits."""
    scope: dict = {}
    exec(FILE, scope)
    network = scope["build"](57, 8, 18)
    alone = network(torch.tensor([[3, 1, 4]]), torch.tensor([3]))
    padded = network(torch.tensor([[3, 1, 4, 9, 9], [5, 9, 2, 6, 5]]), torch.tensor([3, 5]))
    assert alone.shape == (1, 18)
    torch.testing.assert_close(padded[:1], alone)
