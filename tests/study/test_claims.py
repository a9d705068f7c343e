"""The ledger: what is refused, how a verdict is found, and what the committed study says."""

import json
import math
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from numpy.testing import assert_allclose
from scipy import stats
from support.projects import ROOT, Project, keep_claims

from surnames.core import files, params, tables
from surnames.core.errors import ParameterError
from surnames.display import verdicts as display
from surnames.display.wording import points
from surnames.documents import findings
from surnames.documents.paths import FINDINGS
from surnames.evaluation import scoring
from surnames.study import claims, comparison
from surnames.study.paths import CLAIMS, EFFECTS, LEDGER, REPLICATES, SUMMARY
from surnames.study.statistics import Term

RUNS = params.load(ROOT / "params.yaml").runs
GOOD = """\
claims:
  - id: one
    claim: It helps.
    sources: [{name: somebody}]
    terms:
      - [1, held_out-fixed, macro_recall]
      - [-1, held_out-tutorial_2017, macro_recall]
    more_than: 0.0
    expect: supported
"""


def ledger(folder: Path, text: str) -> Path:
    """A ledger of that text."""
    path = folder / "claims.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("expect: supported", "expect: true", ["line 9: claims.0.expect: ", "got True"]),
        ("more_than: 0.0", "more_then: 0.0", ["line 2: claims.0: more_than is missing"]),
        ("more_than: 0.0", "more_then: 0.0", ["line 8: claims.0.more_then: unknown key"]),
        ("more_than: 0.0", "more_than: much", ["line 8: claims.0.more_than: ", "got 'much'"]),
        ("[1, held_out-fixed, macro_recall]", "[1, held_out-fixed]", ["line 6: claims.0.terms.0"]),
        ("[1, held_out-fixed, macro_recall]", "held_out-fixed", ["line 6: claims.0.terms.0: "]),
        ("[1, held_out-fixed, macro_recall]", "[a, held_out-fixed, x]", ["claims.0.terms.0.0: "]),
        ("held_out-fixed", "held_out-fast", ["line 6: claims.0.terms.0: claim one compares held_"]),
        ("held_out-fixed", "held_out-fast", ["held_out-fast, which is not under `runs` in params"]),
        ("macro_recall", "marco_recall", ["line 6", "claim one asks for 'marco_recall'; choose"]),
        ("macro_recall", "recall/Klingon", ["'recall/Klingon'; choose", "recall/<Language>"]),
        ("id: one", "id: One claim", ["line 2: claims.0.id: ", "got 'One claim'"]),
        ("sources: [{name: somebody}]", "sources: []", ["line 4: claims.0.sources: "]),
        (
            "name: somebody",
            "name: x, url: 'javascript:alert()'",
            ["line 4: claims.0.sources.0.url"],
        ),
        ("claims:", "claim:", ["line 1: claims is missing", "line 1: claim: unknown key"]),
        ("claims:", "claims:\n  - 5", ["line 2: claims.0: must be keys and values", "got 5"]),
    ],
)
def test_what_cannot_be_tested_is_refused(
    tmp_path: Path, old: str, new: str, parts: list[str]
) -> None:
    """With the line, the place and what is possible."""
    path = ledger(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(ParameterError) as refused:
        claims.load(RUNS, scoring.METRICS, path)
    assert str(refused.value).startswith(f"{path} is invalid:\n")
    for part in parts:
        assert part in str(refused.value)


def test_a_claim_has_an_id_of_its_own(tmp_path: Path) -> None:
    """Two of one id would be one in every table."""
    twice = GOOD + GOOD.removeprefix("claims:\n")
    with pytest.raises(ParameterError, match=r"line 10: claims\.1\.id: the id of an earlier claim"):
        claims.load(RUNS, scoring.METRICS, ledger(tmp_path, twice))


def test_a_key_is_there_once(tmp_path: Path) -> None:
    """A program would take the latter of two without a word."""
    path = ledger(tmp_path, GOOD + "    expect: refuted\n")
    with pytest.raises(ParameterError, match=r"line 10: duplicate key 'expect', first on line 9"):
        claims.load(RUNS, scoring.METRICS, path)


@pytest.mark.parametrize(
    ("difference", "threshold", "verdict"),
    [(0.1, 0.0, "supported"), (0.1, 0.2, "refuted"), (0.1, 0.1, "undecided")],
)
def test_verdicts(tmp_path: Path, difference: float, threshold: float, verdict: str) -> None:
    """Significantly above its threshold, significantly below, or neither."""
    text = GOOD.replace("more_than: 0.0", f"more_than: {threshold}")
    found = claims.load(RUNS, scoring.METRICS, ledger(tmp_path, text))
    noise = np.array([0.001, -0.001, 0.002, -0.002, 0.0])

    def values(run: str, metric: str) -> Term:
        assert metric == "macro_recall"
        return Term(1.0, "held_out", 0.5 + difference * ("fixed" in run) * (1 + noise), 0.25)

    (row,) = claims.judge(found, values, 0.95)
    assert row["verdict"] == verdict
    assert_allclose(row["effect"], difference)


def test_a_study_of_diverged_networks_decides_nothing(tmp_path: Path) -> None:
    """No effect, no interval, no verdict, and no crash."""
    found = claims.load(RUNS, scoring.METRICS, ledger(tmp_path, GOOD))
    lost = Term(1.0, "held_out", np.array([math.nan, math.nan]), 0.25)
    (row,) = claims.judge(found, lambda run, metric: lost, 0.95)
    assert row["effect"] is row["low"] is row["p_adjusted"] is None
    assert row["verdict"] == "undecided"
    assert "undecided" in display.text({"confidence": 0.95, "claims": [row]})


def test_committed_verdicts_by_another_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """From results/replicates.csv with scipy alone: effect, p, Holm's step, verdict."""
    monkeypatch.chdir(ROOT)
    if not LEDGER.is_file():
        pytest.skip("no study has run here yet")
    judged = tables.read_json(LEDGER)
    scores: dict[str, list[float]] = {}
    for row in tables.read_table(REPLICATES):
        value = float(row["macro_recall"]) if row["macro_recall"] else math.nan
        scores.setdefault(f"{row['protocol']}-{row['architecture']}", []).append(value)
    share = {"published": 0.0, "held_out": 1 / 4, "random_split": 15 / 85}
    checked = 0
    for row in judged["claims"]:
        protocols = {run.split("-")[0] for _, run, _ in row["terms"]}
        if len(protocols) > 1 or {metric for *_, metric in row["terms"]} != {"macro_recall"}:
            continue
        pairs = sum(weight * np.array(scores[run]) for weight, run, _ in row["terms"])
        pairs = pairs[np.isfinite(pairs)]
        count = len(pairs)
        # Nadeau and Bengio widen the plain t test's error by this factor
        wider = math.sqrt(1 + count * share[protocols.pop()])
        t = stats.ttest_1samp(pairs, row["more_than"]).statistic / wider
        p = 2 * stats.t.sf(abs(t), count - 1)
        assert_allclose(row["effect"], pairs.mean(), rtol=1e-4, atol=1e-6)
        assert_allclose(row["p"], p, rtol=1e-2)
        checked += 1
    assert checked > 8
    ordered = sorted(judged["claims"], key=lambda row: row["p"])
    largest = 0.0
    for place, row in enumerate(ordered):
        largest = max(largest, min(1.0, row["p"] * (len(ordered) - place)))
        assert_allclose(row["p_adjusted"], largest, rtol=1e-4)
        assert (row["verdict"] == "undecided") == (largest >= 0.05)


def test_committed_ledger_is_expected_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """claims.yaml, results/claims.json and docs/findings.md are of one study."""
    monkeypatch.chdir(ROOT)
    if not LEDGER.is_file():
        pytest.skip("no study has run here yet")
    judged = tables.read_json(LEDGER)
    written = yaml.safe_load(CLAIMS.read_text())["claims"]
    assert [row["id"] for row in judged["claims"]] == [claim["id"] for claim in written]
    if not judged["data_set"].startswith("starter"):
        assert claims.unexpected(judged["claims"]) == []
    page = FINDINGS.read_text()
    assert page == findings.markdown()
    for row in judged["claims"]:
        told = re.search(rf"### {row['id']}\n(.*?)(?=###|##)", page, re.DOTALL)
        assert told is not None
        assert f"**{row['verdict'].capitalize()}**" in told[1]
        assert points(row["effect"]) in told[1]
        for source in row["sources"]:
            assert source["name"] in told[1] and (source["url"] or "") in told[1]


def test_parts_of_the_fix_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The main effects sum to the whole; the whole is the difference of the summary's means."""
    monkeypatch.chdir(ROOT)
    if not EFFECTS.is_file():
        pytest.skip("no study has run here yet")
    found = {
        (row["protocol"], row["activation"], row["part"]): float(row["effect"])
        for row in tables.read_table(EFFECTS)
    }
    means = {
        (row["protocol"], row["architecture"]): float(row["mean"])
        for row in tables.read_table(SUMMARY)
        if row["metric"] == "macro_recall" and row["diverged"] == "0"
    }
    for protocol, activation, _ in found:
        part = {
            name: effect
            for (p, a, name), effect in found.items()
            if (p, a) == (protocol, activation)
        }
        assert_allclose(part["activation"] + part["readout"], part["whole"], atol=2e-6)
        alone = part["activation_alone"] + part["readout_alone"] + part["interaction"]
        assert_allclose(alone, part["whole"], atol=2e-6)
        both = {"relu": "fixed", "tanh": "tutorial_2023"}[activation]
        if {(protocol, both), (protocol, "tutorial_2017")} <= set(means):
            gain = means[protocol, both] - means[protocol, "tutorial_2017"]
            assert_allclose(part["whole"], gain, atol=2e-6)


def test_fewer_replicates_decide_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first three of the committed networks: wider intervals, and some claims undecided."""
    monkeypatch.chdir(ROOT)
    if not LEDGER.is_file() or not files.scores("held_out", "fixed").is_file():
        pytest.skip("the results of the study are not here")
    config = params.load()
    study = {str(one.run): one for one in comparison.gather(config.runs.values())}

    def judged(count: int) -> list[dict]:
        def values(run: str, metric: str) -> Term:
            whole = comparison.term(study[run], metric, config.protocols)
            return Term(1.0, whole.protocol, whole.values[:count], whole.ratio)

        return claims.judge(claims.load(config.runs, scoring.METRICS), values, 0.95)

    many, few = judged(10), judged(3)
    for one, other in zip(many, few, strict=True):
        assert other["high"] - other["low"] > one["high"] - one["low"], one["id"]
    undecided = [sum(row["verdict"] == "undecided" for row in rows) for rows in (many, few)]
    assert undecided[1] > undecided[0]


def test_a_missing_run_is_told_with_its_claim(study: Project) -> None:
    """Before anything is trained or written; by DVC alone, when it comes to the verdicts."""
    before = (study.folder / "results/claims.json").read_bytes()
    runs = study.params()["runs"]
    del runs["held_out-fixed"]
    study.set(runs=runs)
    told = "claim fix-raises-unseen compares held_out-fixed, which is not under `runs`"
    printed = study.run("surnames", "repro", fails=True)
    assert told in printed and "Traceback" not in printed
    assert (study.folder / "results/claims.json").read_bytes() == before
    assert told in study.run("dvc", "repro", "compare", fails=True)
    keep_claims(study)
    shutil.rmtree(study.folder / "results/runs/held_out/fixed")  # `surnames repro` does so itself
    study.run("dvc", "repro", "-q", "compare")
    kept = json.loads((study.folder / "results/claims.json").read_text())["claims"]
    assert kept and "fix-raises-unseen" not in {row["id"] for row in kept}


def test_a_changed_verdict_fails_the_check(study: Project) -> None:
    """`make claims` prints, `--check` judges."""
    printed = study.run("surnames", "claims")
    judged = json.loads((study.folder / "results/claims.json").read_text())["claims"]
    for row in judged:
        assert re.search(rf"^{row['verdict']} .*{row['id']}$", printed, re.MULTILINE)
    path = study.folder / "claims.yaml"
    ledger = yaml.safe_load(path.read_text())
    for claim, row in zip(ledger["claims"], judged, strict=True):
        claim["expect"] = row["verdict"]
    path.write_text(yaml.safe_dump(ledger, sort_keys=False))
    study.run("dvc", "repro", "-q", "compare")
    study.run("surnames", "claims", "--check")
    other = "refuted" if judged[0]["verdict"] != "refuted" else "supported"
    ledger["claims"][0]["expect"] = other
    path.write_text(yaml.safe_dump(ledger, sort_keys=False))
    study.run("dvc", "repro", "-q", "compare")
    printed = study.run("surnames", "claims", "--check", fails=True)
    assert f"{judged[0]['id']}: {judged[0]['verdict']}, and {other} was expected" in printed
    assert "Traceback" not in printed
