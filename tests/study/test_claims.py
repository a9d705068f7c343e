"""The ledger: what is refused, how a verdict is found, and what the committed study says."""

import json
import math
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
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
        (
            "macro_recall",
            "recall/Klingon",
            ["'recall/Klingon'; choose", "recall/<Language or group>"],
        ),
        ("macro_recall", "macro_recall/fat", ["'macro_recall/fat'; choose", "macro_recall/near"]),
        (
            "[1, held_out-fixed, macro_recall]",
            "[1, published-fixed, macro_recall/near]",
            ["line 6", "unseen names: published-fixed is not under held_out"],
        ),
        (
            "[1, held_out-fixed, macro_recall]",
            "[1, held_out-majority, macro_recall_trained_on]",
            ["line 6", "which only networks on unseen names have, not held_out-majority"],
        ),
        (
            "[1, held_out-fixed, macro_recall]",
            "[1, published-fixed, macro_recall_trained_on]",
            ["line 6", "which only networks on unseen names have, not published-fixed"],
        ),
        (
            "[1, held_out-fixed, macro_recall]",
            "[1, robustness, macro_recall]",
            [
                "line 6",
                "a contrast of robustness/params.yaml, not 'macro_recall'; it has fixed_at_",
            ],
        ),
        ("claims:", "registered: today\nclaims:", ["line 1: registered: ", "got 'today'"]),
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
    [(0.1, 0.0, "supported"), (0.1, 0.2, "refuted"), (0.1, 0.1, "negligible")],
)
def test_verdicts(tmp_path: Path, difference: float, threshold: float, verdict: str) -> None:
    """Significantly above its threshold, significantly below, or neither and near it."""
    text = GOOD.replace("more_than: 0.0", f"more_than: {threshold}")
    found = claims.load(RUNS, scoring.METRICS, ledger(tmp_path, text)).claims
    noise = np.array([0.001, -0.001, 0.002, -0.002, 0.0])

    def values(run: str, metric: str) -> Term:
        assert metric == "macro_recall"
        return Term(1.0, "held_out", 0.5 + difference * ("fixed" in run) * (1 + noise), 0.25)

    (row,) = claims.judge(found, values, 0.95, 0.02)
    assert row["verdict"] == verdict
    assert_allclose(row["effect"], difference)
    assert row["detectable"] is None
    (row,) = claims.judge(found, values, 0.95, 0.00001)
    assert row["verdict"] == ("undecided" if verdict == "negligible" else verdict)


def noisy(claim: str, spread: dict[str, float]) -> Term:
    """A run's ten scores, of a mean of one half and a spread by the run's name."""
    rng = np.random.default_rng([*claim.encode()])
    return Term(1.0, "published", 0.5 + rng.normal(0, spread.get(claim, 0.01), 10), 0.0)


def test_families_are_corrected_by_themselves(tmp_path: Path) -> None:
    """With scipy alone: t, Holm in each family, two one-sided tests, and what would be found."""
    claim = GOOD.removeprefix("claims:\n")
    runs = ["fixed", "tanh_only", "relu_only", "readout_only", "tutorial_2023"]
    text = "claims:\n"
    for place, run in enumerate(runs):
        text += claim.replace("id: one", f"id: c{place}").replace(
            "held_out-fixed", f"published-{run}"
        )
        text += "    family: primary\n" if place < 2 else ""
    text = text.replace("held_out-tutorial_2017", "published-tutorial_2017")
    spread = {"tanh_only": 0.08, "relu_only": 0.08}
    drawn = {f"published-{run}": noisy(run, spread) for run in [*runs, "tutorial_2017"]}
    found = claims.load(RUNS, scoring.METRICS, ledger(tmp_path, text)).claims
    rows = claims.judge(found, lambda run, metric: drawn[run], 0.95, 0.02)
    assert [row["id"] for row in rows] == [f"c{place}" for place in range(5)]
    for family in (rows[:2], rows[2:]):
        pairs = [
            drawn[row["terms"][0][1]].values - drawn["published-tutorial_2017"].values
            for row in family
        ]
        different = [stats.ttest_1samp(pair, 0).pvalue for pair in pairs]
        same = [
            max(
                stats.ttest_1samp(pair, -0.02, alternative="greater").pvalue,
                stats.ttest_1samp(pair, 0.02, alternative="less").pvalue,
            )
            for pair in pairs
        ]
        left = len(family) - sum(p < 0.05 for p in stepped(different))
        columns = zip(family, pairs, stepped(different), stepped(same), strict=True)
        for row, pair, p, q in columns:
            assert_allclose([row["p_adjusted"], row["p_equivalent"]], [p, q])
            wanted = "supported" if pair.mean() > 0 else "refuted"
            wanted = wanted if p < 0.05 else "negligible" if q < 0.05 else "undecided"
            assert row["verdict"] == wanted
            if wanted == "undecided":
                reach = stats.t.ppf(1 - 0.05 / left / 2, 9) + stats.t.ppf(0.8, 9)
                assert_allclose(row["detectable"], reach * stats.sem(pair))
            else:
                assert row["detectable"] is None
    assert {row["verdict"] for row in rows[:2]} >= {"undecided"}
    assert {row["verdict"] for row in rows[2:]} >= {"undecided", "negligible"}


def stepped(p_values: list[float]) -> list[float]:
    """Holm's adjusted p-values by hand."""
    adjusted, largest = {}, 0.0
    for place, p in enumerate(sorted(p_values)):
        largest = max(largest, min(1.0, p * (len(p_values) - place)))
        adjusted[p] = largest
    return [adjusted[p] for p in p_values]


def test_groups_are_of_languages(tmp_path: Path) -> None:
    """A group has a name of its own, and languages that there are."""
    grouped = GOOD.replace("macro_recall", "recall/northern", 1)
    with pytest.raises(ParameterError, match=r"recall/northern'; choose .*<Language or group>"):
        claims.load(RUNS, scoring.METRICS, ledger(tmp_path, grouped))
    grouped = f"groups:\n  northern: [Scottish, Dutch]\n{grouped}"
    assert claims.load(RUNS, scoring.METRICS, ledger(tmp_path, grouped)).groups["northern"]
    with pytest.raises(ParameterError, match=r"line 2: groups\.northern: Frisian: no language"):
        claims.load(RUNS, scoring.METRICS, ledger(tmp_path, grouped.replace("Dutch", "Frisian")))
    with pytest.raises(
        ParameterError, match=r"line 2: groups\.northern: a language is there twice"
    ):
        claims.load(RUNS, scoring.METRICS, ledger(tmp_path, grouped.replace("Dutch", "Scottish")))


def test_a_study_of_diverged_networks_decides_nothing(tmp_path: Path) -> None:
    """No effect, no interval, no verdict, and no crash."""
    found = claims.load(RUNS, scoring.METRICS, ledger(tmp_path, GOOD)).claims
    lost = Term(1.0, "held_out", np.array([math.nan, math.nan]), 0.25)
    (row,) = claims.judge(found, lambda run, metric: lost, 0.95, 0.02)
    assert row["effect"] is row["low"] is row["p_adjusted"] is None
    assert row["verdict"] == "undecided"
    assert "undecided" in display.text({"confidence": 0.95, "claims": [row]})


def test_committed_verdicts_by_another_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """From results/replicates.csv with scipy alone: effects, p under published, Holm, verdicts."""
    monkeypatch.chdir(ROOT)
    if not LEDGER.is_file():
        pytest.skip("no study has run here yet")
    judged = tables.read_json(LEDGER)
    scores: dict[str, list[float]] = {}
    for row in tables.read_table(REPLICATES):
        value = float(row["macro_recall"]) if row["macro_recall"] else math.nan
        scores.setdefault(f"{row['protocol']}-{row['architecture']}", []).append(value)
    checked = 0
    for row in judged["claims"]:
        protocols = {run.split("-")[0] for _, run, _ in row["terms"]}
        if len(protocols) > 1 or {metric for *_, metric in row["terms"]} != {"macro_recall"}:
            continue
        pairs = sum(weight * np.array(scores[run]) for weight, run, _ in row["terms"])
        pairs = pairs[np.isfinite(pairs)]
        assert_allclose(row["effect"], pairs.mean(), rtol=1e-4, atol=1e-6)
        if protocols == {"published"}:
            assert_allclose(row["p"], stats.ttest_1samp(pairs, row["more_than"]).pvalue, rtol=1e-2)
            checked += 1
    assert checked > 4
    for family in ("primary", "secondary"):
        rows = [row for row in judged["claims"] if row["family"] == family]
        assert_allclose(
            [row["p_adjusted"] for row in rows], stepped([row["p"] for row in rows]), rtol=1e-4
        )
        for row in rows:
            decided = row["verdict"] in ("supported", "refuted")
            assert decided == (row["p_adjusted"] < 0.05)
            negligible = not decided and row["p_equivalent"] < 0.05
            assert (row["verdict"] == "negligible") == negligible


def test_a_small_study_by_another_way(finished: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The two-way interval from the saved predictions and the split, with loops and scipy alone."""
    monkeypatch.chdir(finished.folder)
    split = tables.read_table(files.split("held_out"))
    rows = {row["id"]: row for row in tables.read_json(LEDGER)["claims"]}
    row = rows["fix-raises-unseen"]
    right: dict[str, dict[int, list[float]]] = {}
    folds: dict[str, list[float]] = {}
    for name in ("fixed", "tutorial_2017"):
        saved = safetensors.numpy.load_file(files.predictions("held_out", name))
        right[name], folds[name] = {}, []
        for replicate in range(2):
            asked = [k for k, one in enumerate(split) if one[f"replicate_{replicate}"] == "test"]
            hits = saved[f"{replicate}.language"] == saved[f"{replicate}.predicted"]
            by_language: dict[str, list[bool]] = {}
            for place, hit in zip(asked, hits.tolist(), strict=True):
                right[name].setdefault(place, []).append(hit)
                by_language.setdefault(split[place]["language"], []).append(hit)
            folds[name].append(np.mean([np.mean(one) for one in by_language.values()]))
    gains = np.array(folds["fixed"]) - np.array(folds["tutorial_2017"])
    assert_allclose(row["effect"], gains.mean(), atol=1e-6)
    parts, degrees = [gains.var(ddof=1) / 2], [1]
    for language in {one["language"] for one in split}:
        own = [
            np.mean(right["fixed"][k]) - np.mean(right["tutorial_2017"][k])
            for k, one in enumerate(split)
            if one["language"] == language
        ]
        parts.append(np.var(own, ddof=1) / len(own) / 18**2)
        degrees.append(len(own) - 1)
    freedom = sum(parts) ** 2 / sum(v**2 / d for v, d in zip(parts, degrees, strict=True) if v)
    interval = stats.t.interval(0.95, freedom, gains.mean(), math.sqrt(sum(parts)))
    assert_allclose([row["low"], row["high"]], interval, atol=1e-5)


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
    """The first three of the committed networks: mostly wider intervals, and more undecided."""
    monkeypatch.chdir(ROOT)
    if not LEDGER.is_file() or not files.scores("held_out", "fixed").is_file():
        pytest.skip("the results of the study are not here")
    config = params.load()
    study = {str(one.run): one for one in comparison.gather(config.runs.values())}
    found = claims.load(config.runs, scoring.METRICS)
    own = [
        claim
        for claim in found.claims
        if not any(
            run == claims.GRID or "macro_recall/" in metric for _, run, metric in claim.terms
        )
    ]

    def judged(count: int) -> list[dict]:
        def values(run: str, metric: str) -> Term:
            whole = comparison.term(study[run], metric, config.protocols, found.groups)
            return Term(1.0, whole.protocol, whole.values[:count], whole.ratio)

        return claims.judge(own, values, 0.95, 0.02)

    many, few = judged(10), judged(3)
    widths = [[row["high"] - row["low"] for row in rows] for rows in (many, few)]
    assert np.mean(np.less(*widths)) > 0.7  # three may lie close together by chance
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
