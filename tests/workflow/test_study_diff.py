"""Two studies compared: on tables whose answer is known, and in real repositories."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from support.projects import Project, commit

from surnames.core.errors import StudyError
from surnames.workflow import study_diff
from surnames.workflow.study_diff import Snapshot
from surnames.workflow.study_diff.compare import MetricChange

SPLITS = {
    "split": {
        "outs": [
            {"path": f"data/splits/{protocol}.csv", "md5": protocol}
            for protocol in ("published", "held_out", "random_split")
        ]
    }
}
PARAMETERS = {
    "study.seed": 1,
    "study.confidence": 0.95,
    "protocols.held_out.folds": 5,
    "protocols.random_split.held_out_share": 0.15,
}
RNG = np.random.default_rng(0)
LUCK = RNG.normal(0, 0.1, 10)  # of a replicate, the same on both sides
OWN = RNG.normal(0, 0.001, 10)  # of a network


def side(name: str, values: Any, protocol: str = "published", **changes: Any) -> Snapshot:
    """A study of one run and one metric."""
    defaults = {
        "parameters": PARAMETERS,
        "stages": SPLITS,
        "claims": {},
        "scores": {(protocol, "fixed"): {"macro_recall": values}},
        "recalls": {},
        "data_sets": ["names 1"],
        "missing": [],
    }
    return Snapshot(name, **(defaults | changes))


def only_metric(base: Snapshot, head: Snapshot) -> MetricChange:
    """The change of the one metric that both have."""
    (row,) = study_diff.compare(base, head).metrics
    return row


def test_paired_replicates_see_what_luck_hides() -> None:
    """Two points, with ten points of luck between replicates: SciPy's paired test, and its own."""
    base, head = 0.5 + LUCK, 0.52 + LUCK + OWN
    row = only_metric(side("a", base), side("b", head))
    wanted = stats.ttest_rel(head, base).confidence_interval(0.95)
    assert (row.low, row.high) == pytest.approx((wanted.low, wanted.high))
    assert row.kind == "moved" and row.paired
    assert row.p_adjusted == pytest.approx(stats.ttest_rel(head, base).pvalue)


@pytest.mark.parametrize(
    "changes",
    [
        {"parameters": PARAMETERS | {"study.seed": 2}},
        {"stages": {"split": {"outs": [{"path": "data/splits/published.csv", "md5": "other"}]}}},
        {"stages": {}},
    ],
    ids=["another seed", "another split", "no lock"],
)
def test_without_shared_luck_it_is_welch(changes: dict[str, Any]) -> None:
    """The same figures are noise where the replicates are not the same draws."""
    base, head = 0.5 + LUCK, 0.52 + LUCK + OWN
    row = only_metric(side("a", base), side("b", head, **changes))
    wanted = stats.ttest_ind(head, base, equal_var=False).confidence_interval(0.95)
    assert (row.low, row.high) == pytest.approx((wanted.low, wanted.high))
    assert row.kind == "noise" and not row.paired


def test_replicates_of_unknown_splits_are_not_paired() -> None:
    """Two commits without a dvc.lock do not have the same split for that."""
    values = 0.5 + LUCK
    assert not only_metric(side("a", values, stages={}), side("b", values, stages={})).paired


def test_counts_that_differ_are_welch() -> None:
    """Ten replicates against eight."""
    base, head = 0.5 + LUCK, (0.52 + LUCK)[:8]
    row = only_metric(side("a", base), side("b", head))
    wanted = stats.ttest_ind(head, base, equal_var=False).confidence_interval(0.95)
    assert (row.low, row.high) == pytest.approx((wanted.low, wanted.high))


def test_folds_that_overlap_widen_the_interval() -> None:
    """Nadeau and Bengio: with five folds the variance is (1 / n + 1 / 4) times the spread's."""
    base, head = 0.5 + LUCK, 0.52 + LUCK + 10 * OWN
    wide = only_metric(side("a", base, "held_out"), side("b", head, "held_out"))
    narrow = only_metric(side("a", base), side("b", head))
    ratio = (wide.high - wide.low) / (narrow.high - narrow.low)
    assert ratio == pytest.approx(np.sqrt((1 / 10 + 1 / 4) / (1 / 10)))


def test_many_metrics_cost_the_lucky_one_its_significance() -> None:
    """Of two hundred that nothing changed some leave out zero by chance: unsure, not moved."""
    draws = np.random.default_rng(1).normal(0, 1, (200, 2, 10))
    scores = [
        {("published", f"network{k}"): {"accuracy": pair[one]} for k, pair in enumerate(draws)}
        for one in (0, 1)
    ]
    diff = study_diff.compare(side("a", [0], scores=scores[0]), side("b", [0], scores=scores[1]))
    kinds = [row.kind for row in diff.metrics]
    assert kinds.count("moved") == 0 and 3 <= kinds.count("unsure") <= 25
    for row in diff.metrics:
        assert (row.kind == "noise") == (row.low <= 0 <= row.high)


def test_diverged_and_lonely_networks() -> None:
    """Not a number on both sides is the same; one network alone has no interval."""
    broken = [np.nan, 0.5]
    assert only_metric(side("a", broken), side("b", broken)).kind == "unchanged"
    alone = only_metric(side("a", [0.5]), side("b", [0.6]))
    assert alone.kind == "no interval" and alone.low is None and alone.change == pytest.approx(0.1)
    gone = study_diff.compare(side("a", [0.5, 0.5]), side("b", [np.nan, np.nan]))
    assert "none left" in study_diff.render(gone, "table")
    json.loads(study_diff.render(gone, "json"))


def claim(verdict: str) -> dict[str, Any]:
    return {
        "id": "fix",
        "claim": "It | helps @everyone",
        "verdict": verdict,
        "effect": 0.1,
        "low": 0.05,
        "high": 0.15,
    }


def test_verdicts_come_first() -> None:
    """And the claim's sentence cannot break the page's table."""
    base = side("a", LUCK, claims={"fix": claim("supported"), "old": claim("refuted")})
    head = side("b", LUCK, claims={"fix": claim("undecided"), "old": claim("refuted")})
    diff = study_diff.compare(base, head)
    assert [change.name for change in diff.verdicts] == ["fix"]
    page = study_diff.render(diff, "markdown")
    assert page.index("### Verdicts") < page.index("### Parameters")
    assert "| fix | supported -&#62; undecided | +10.0 (+5.0 to +15.0) |" in page
    assert "It &#124; helps &#64;everyone" in page
    assert "Still refuted: old." in page


def test_data_sets_that_differ_are_noted_first() -> None:
    """A change may be theirs."""
    diff = study_diff.compare(side("a", LUCK), side("b", LUCK, data_sets=["starter 2"]))
    assert "the data sets differ (names 1 and starter 2)" in diff.notes[0]
    assert "names 1 -> starter 2" in study_diff.render(diff, "table")


def test_two_commits_of_a_real_study(study: Project, tmp_path: Path) -> None:
    """From git's own tables: no cache, no store, no data; what was not touched is unchanged."""
    study.run("git", "tag", "before")
    table = study.folder / "results/recall.csv"
    text = table.read_text()
    rows = list(csv.DictReader(text.splitlines()))
    row = next(row for row in rows if row["language"] == "Greek" and float(row["recall"]) < 0.5)
    line = ",".join(row.values())
    table.write_text(text.replace(line, line.replace(f",{row['recall']},", ",0.987,"), 1))
    study.set(recipes__online__steps=3000)
    commit(study, "Change")
    for made in (".dvc/cache", "mlflow", "data/raw"):
        shutil.rmtree(study.folder / made)
    diff = json.loads(study.run("surnames", "diff", "before", "HEAD", "--format", "json"))
    assert diff["parameters"] == [{"name": "recipes.online.steps", "base": 2000, "head": 3000}]
    assert {row["kind"] for row in diff["metrics"]} == {"unchanged"}
    assert diff["gained"][0]["language"] == "Greek" and diff["gained"][0]["head"] == 0.987
    assert not diff["lost"] and not diff["stages"] and not diff["notes"]
    assert "HEAD" in diff["head"] and "before" in diff["base"]
    assert "| recipes.online.steps | 2000 | 3000 |" in study.run(
        "surnames", "diff", "before", "--format", "markdown"
    )


def test_what_one_side_lacks_is_noted(study: Project) -> None:
    """An older commit without a ledger, and one without any results."""
    study.run("git", "rm", "-q", "results/claims.json")
    commit(study, "Older")
    text = study.run("surnames", "diff", "HEAD", "HEAD~1")
    assert "Note: HEAD " in text and "has no results/claims.json, so that is not compared" in text
    study.run("git", "rm", "-rq", "results", "dvc.lock")
    commit(study, "Oldest")
    text = study.run("surnames", "diff", "HEAD~2")
    assert "the work tree has no dvc.lock, results/claims.json, results/summary.csv" in text


@pytest.mark.parametrize("name", ["nowhere", "--since=2020", "HEAD:params.yaml", ""])
def test_what_is_no_commit_is_refused(name: str) -> None:
    """Whatever git would take it for."""
    with pytest.raises(StudyError, match="is not a commit in this repository"):
        study_diff.load(name)


def test_it_needs_no_torch_mlflow_or_dvc() -> None:
    """Two commits are compared in a second or two."""
    code = (
        "import sys; from surnames.workflow.study_diff import compare, load, render;"
        "render(compare(load('HEAD'), load('HEAD')), 'table');"
        "print({'torch', 'mlflow', 'dvc', 'sklearn', 'matplotlib', 'numba'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("path", "content", "said"),
    [
        ("params.yaml", "a: [\n", "params.yaml of the work tree cannot be read"),
        ("results/claims.json", "{", "results/claims.json of the work tree cannot be read"),
        ("dvc.lock", "a: 1\na: 2\n", "dvc.lock, line 2: duplicate key 'a'"),
    ],
)
def test_a_file_that_cannot_be_parsed_is_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, content: str, said: str
) -> None:
    """With the file and the side that it belongs to."""
    (tmp_path / "results").mkdir()
    (tmp_path / path).write_text(content)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StudyError, match=said):
        study_diff.load(None)
