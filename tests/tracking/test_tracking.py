"""The MLflow store holds the study: all of it, once, whoever publishes and however often."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from support.mlflow_store import TRACK, client, expected_names, load_model, runs, versions
from support.projects import Project

from surnames.core import alphabet, corpus, params, tables
from surnames.core.errors import StudyError
from surnames.data.names import starter_names
from surnames.networks.lookup import get_architecture
from surnames.networks.network import load_networks
from surnames.study import comparison
from surnames.tracking import portable_scorer, server
from surnames.tracking.model_card import labels
from surnames.tracking.registry import REQUIREMENTS
from surnames.tracking.run_record import build_run_record
from surnames.tracking.store import FINGERPRINT, MODEL, NOTE, RECEIPT, configured_store
from surnames.tracking.subjects import fingerprint, load_snapshot


@pytest.fixture(scope="module")
def store(finished: Project) -> MlflowClient:
    """The store that `dvc repro` filled; read it only."""
    return client(finished.folder)


@pytest.fixture
def inside(finished: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The finished study as the working folder, without the environment's own store."""
    monkeypatch.chdir(finished.folder)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    yield finished.folder


def test_every_network_and_every_run_is_there_once(store: MlflowClient) -> None:
    """One flat, finished run each, and no fingerprint twice."""
    found = runs(store)
    names = [run.info.run_name for run in found]
    assert sorted(names) == sorted(expected_names())
    assert len({run.data.tags[FINGERPRINT] for run in found}) == len(found)
    assert {run.info.status for run in found} == {"FINISHED"}
    assert not any("mlflow.parentRunId" in run.data.tags for run in found)


def test_a_network_carries_all_that_is_known_of_it(store: MlflowClient, finished: Project) -> None:
    """Parameters, scores, recalls, curve, tags and data set are those of the files."""
    [run] = runs(store, "tags.kind = 'network' AND run_name = 'STARTER held_out-fixed-1'")
    asked = {
        "protocol": "held_out",
        "architecture": "fixed",
        "activation": "relu",
        "readout": "hidden",
        "replicate": "1",
        "seed": "20261125",
        "folds": "2",
        "recipe": "online",
        "hidden_size": "16",
        "learning_rate": "0.005",
        "steps": "2000",
    }
    assert asked.items() <= run.data.params.items()
    folder = finished.folder / "results/runs/held_out/fixed/evaluation"
    scores = tables.read_table(folder / "scores.csv")[1]
    recalls = tables.read_table(folder / "recall.csv")[1]
    for table, section in ((scores, "scores"), (recalls, "scores/recall")):
        for column, cell in table.items():
            if column != "replicate":
                assert run.data.metrics[f"{section}/{column}"] == float(cell)
    curve = [
        (int(row["step"]), float(row["loss"]))
        for row in tables.read_table(folder.parent / "history.csv")
        if row["replicate"] == "1"
    ]
    found = store.get_metric_history(run.info.run_id, "training/loss")
    assert sorted((point.step, point.value) for point in found) == curve
    head = finished.run("git", "rev-parse", "HEAD~1").strip()  # the results are one commit later
    tags = {
        "protocol": "held_out",
        "architecture": "fixed",
        "replicate": "1",
        "diverged": "false",
        "commit": head,
        "mlflow.source.git.commit": head,
        "dirty": "false",
    }
    assert tags.items() <= run.data.tags.items()
    data_set = tables.read_json(finished.folder / "data/raw/data_set.json")
    [used] = run.inputs.dataset_inputs
    assert (used.dataset.name, used.dataset.digest) == ("starter", data_set["identity"][:36])
    assert json.loads(used.dataset.profile)["identity"] == data_set["identity"]


def test_a_run_carries_means_intervals_and_its_confusion(
    store: MlflowClient, finished: Project, tmp_path: Path
) -> None:
    """Metrics are those of results/summary.csv; the confusion is there as picture and as data."""
    [run] = runs(store, "tags.kind = 'run' AND run_name = 'STARTER held_out-fixed'")
    rows = [
        row
        for row in tables.read_table(finished.folder / "results/summary.csv")
        if (row["protocol"], row["architecture"]) == ("held_out", "fixed")
    ]
    assert rows
    for row in rows:
        names = {"mean": f"scores/{row['metric']}", "sd": f"scores/sd/{row['metric']}"}
        names |= {f"ci_{e}": f"scores/interval/{row['metric']}_{e}" for e in ("low", "high")}
        for column, name in names.items():
            assert run.data.metrics[name] == float(row[column])
    assert len(store.get_metric_history(run.info.run_id, "training/loss")) > 10
    picture = "confusion/confusion.svg"
    listed = {item.path for item in store.list_artifacts(run.info.run_id, "confusion")}
    assert listed == {picture, "confusion/confusion.csv", "confusion/table.json"}
    kept = Path(store.download_artifacts(run.info.run_id, "confusion/confusion.csv", str(tmp_path)))
    made = finished.folder / "results/runs/held_out/fixed/evaluation/confusion.csv"
    assert kept.read_bytes() == made.read_bytes()
    logged = json.loads(
        Path(
            store.download_artifacts(run.info.run_id, "confusion/table.json", str(tmp_path))
        ).read_text()
    )
    counts = [[int(cell) for cell in row[1:]] for row in logged["data"]]
    assert counts == [
        [int(row[name]) for name in corpus.LANGUAGES] for row in tables.read_table(made)
    ]


def test_the_starter_corpus_is_said_loudly(store: MlflowClient) -> None:
    """No run and no version of a study on made-up names passes for an answer."""
    for run in runs(store):
        assert run.info.run_name.startswith("STARTER ")
        assert run.data.tags["starter"] == "true"
        assert run.data.tags["data_set"].startswith("starter ")
        assert "STARTER CORPUS: no answer" in run.data.tags[NOTE]
    for one in versions(store):
        assert one.tags["starter"] == "true"
        assert "STARTER CORPUS" in one.description


def test_publishing_again_adds_nothing(study: Project) -> None:
    """Neither a run, nor a version, nor an experiment; and the receipt stays byte for byte."""
    before = client(study.folder)
    receipt = (study.folder / RECEIPT).read_bytes()
    ids = {run.info.run_id for run in runs(before)}
    numbers = [one.version for one in versions(before)]
    (study.folder / RECEIPT).unlink()
    assert "MLflow: 0 runs added, 20 already there" in study.run(*TRACK)
    assert {run.info.run_id for run in runs(client(study.folder))} == ids
    assert [one.version for one in versions(client(study.folder))] == numbers
    assert (study.folder / RECEIPT).read_bytes() == receipt


def test_a_half_made_run_is_replaced(study: Project) -> None:
    """A publisher that was killed leaves a RUNNING run: it goes, and a whole one comes."""
    store = client(study.folder)
    [run] = runs(store, "run_name = 'STARTER held_out-fixed-0'")
    store.update_run(run.info.run_id, status="RUNNING")
    assert "MLflow: 1 runs added, 19 already there" in study.run(*TRACK)
    [fresh] = runs(client(study.folder), "run_name = 'STARTER held_out-fixed-0'")
    assert fresh.info.run_id != run.info.run_id
    assert fresh.info.status == "FINISHED"
    assert fresh.data.metrics == run.data.metrics


@pytest.mark.slow
def test_eight_publishers_at_once_lose_and_double_nothing(study: Project) -> None:
    """On a store that does not exist yet: MLflow alone breaks a new SQLite file that way."""
    uri = f"sqlite:///{study.folder / 'shared/store.db'}"
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda _: study.run(*TRACK, MLFLOW_TRACKING_URI=uri), range(8)))
    assert sum("20 runs added" in text for text in said) == 1
    assert sum(" 0 runs added, 20 already there" in text for text in said) == 7
    store = client(study.folder, "shared/store.db")
    assert sorted(run.info.run_name for run in runs(store)) == sorted(expected_names())
    assert len(versions(store)) == 4


@pytest.mark.slow
def test_a_changed_study_is_added_and_the_old_one_kept(study: Project) -> None:
    """Other intervals are another run; the networks, which know no interval, are not."""
    study.set(study__confidence=0.5)
    study.run("dvc", "repro", "-q")
    store = client(study.folder)
    assert len(runs(store, "tags.kind = 'network'")) == 13
    assert len(runs(store, "tags.kind = 'run'")) == 13  # the one of one network has no interval
    study.set(study__confidence=0.95)
    study.run("dvc", "repro", "-q")
    assert len(runs(client(study.folder))) == 26


def test_nothing_is_written_elsewhere(finished: Project) -> None:
    """Not in ./mlruns, where MLflow puts what it is told no place for: models, for instance."""
    assert not (finished.folder / "mlruns").exists()
    assert len(list((finished.folder / "mlflow/artifacts").rglob("MLmodel"))) == 4


def test_the_receipt_says_what_is_there_and_no_more(finished: Project, store: MlflowClient) -> None:
    """The sorted fingerprints: no ids and no times, which would make each run of it another."""
    fingerprints = sorted(run.data.tags[FINGERPRINT] for run in runs(store))
    assert tables.read_json(finished.folder / RECEIPT) == {"fingerprints": fingerprints}


def test_a_fingerprint_forgets_sizes_and_remembers_the_rest() -> None:
    """What DVC may add or order anew changes nothing; a digest, a parameter or a command does."""

    run = params.load(Path(__file__).parents[2] / "params.yaml").runs["held_out-fixed"]

    def fingerprint_with(**changes: Any) -> str:
        stage = {
            "cmd": "python pipeline/train.py held_out fixed",
            "deps": [{"path": "a", "md5": "1", "size": 3}, {"path": "b", "md5": "2"}],
            "params": {"params.yaml": {"study.seed": 1}},
            "outs": [{"path": "c", "md5": "3", "size": 4}],
        } | changes
        lock = {"stages": {f"{kind}@held_out-fixed": stage for kind in ("train", "evaluate")}}
        return fingerprint(run, 2, lock, [])

    same = {"deps": [{"path": "b", "md5": "2", "size": 9}, {"path": "a", "md5": "1"}]}
    assert fingerprint_with(**same) == fingerprint_with()
    for other in (
        {"cmd": "python pipeline/train.py"},
        {"deps": [{"path": "a", "md5": "1"}, {"path": "b", "md5": "0"}]},
        {"params": {"params.yaml": {"study.seed": 2}}},
        {"outs": [{"path": "c", "md5": "0"}]},
    ):
        assert fingerprint_with(**other) != fingerprint_with()


def test_a_diverged_network_is_marked_and_has_no_scores(inside: Path) -> None:
    """Not-a-number never reaches the store; the tag says why there is none."""
    study = load_snapshot()
    subject = next(s for s in study.subjects if s.name == "held_out-fixed-0")
    [results] = comparison.gather([subject.run])
    for values in (*results.scores.values(), *results.recalls.values()):
        values[0] = np.nan
    record = build_run_record(subject, results, study)
    assert record.tags["diverged"] == "true"
    assert {key.split("/")[0] for key, _, _ in record.metrics} == {"training"}
    assert "diverged" in record.tags[NOTE]


# The registry


@pytest.mark.parametrize(
    ("alias", "architecture"),
    [("tutorial", "tutorial_2017"), ("fixed", "fixed"), ("champion", None)],
)
def test_aliases_point_at_held_out_networks(
    store: MlflowClient, finished: Project, alias: str, architecture: str | None
) -> None:
    """The champion has the best mean held-out macro recall; each version is its median network."""
    found = store.get_model_version_by_alias(MODEL, alias)
    means = {
        row["architecture"]: float(row["mean"])
        for row in tables.read_table(finished.folder / "results/summary.csv")
        if (row["protocol"], row["metric"]) == ("held_out", "macro_recall")
    }
    architecture = architecture or max(means, key=lambda name: means[name])
    assert (found.tags["architecture"], found.tags["protocol"]) == (architecture, "held_out")
    scores = tables.read_table(
        finished.folder / f"results/runs/held_out/{architecture}/evaluation/scores.csv"
    )
    lower = min(scores, key=lambda row: float(row["macro_recall"]))  # the lower median of two
    assert found.tags["replicate"] == lower["replicate"]
    run = store.get_run(found.run_id)
    assert run.info.run_name == f"STARTER held_out-{architecture}-{lower['replicate']}"


@pytest.fixture(scope="module")
def loaded(store: MlflowClient) -> dict[str, Any]:
    """The registered models by architecture."""
    return {one.tags["architecture"]: load_model(store, one.version) for one in versions(store)}


def test_there_is_a_version_for_each_architecture(loaded: dict[str, Any]) -> None:
    """Also for one that was only trained as published."""
    assert set(loaded) == {"majority", "ngram_logistic", "tutorial_2017", "fixed"}


@pytest.mark.parametrize("architecture", ["majority", "ngram_logistic", "tutorial_2017", "fixed"])
def test_a_model_says_what_the_study_scored(
    loaded: dict[str, Any], store: MlflowClient, finished: Project, architecture: str
) -> None:
    """The kept model's arithmetic is that of its architecture, to 1e-5, on every starter name."""
    names = [*starter_names(finished.folder / "data/starter").names, "a", "Ou Yang"]
    [tags] = [one.tags for one in versions(store) if one.tags["architecture"] == architecture]
    folder = finished.folder / f"results/runs/{tags['protocol']}/{architecture}"
    row = get_architecture(architecture)
    weights = load_networks(folder / "weights.safetensors", row)[int(tags["replicate"])].weights
    expected = row.probabilities(weights, names)
    answer = loaded[architecture].predict(names)
    found = answer[list(corpus.LANGUAGES)].to_numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)
    best = [corpus.LANGUAGES[k] for k in found.argmax(axis=1)]
    assert list(answer["language"]) == best
    np.testing.assert_allclose(answer["probability"], found.max(axis=1))


def test_names_are_cleaned_as_in_training() -> None:
    """The scorer's own copy of `alphabet.cleaned_form` gives the same, whatever comes."""
    odd = ["Groß", "Maxa/B", "Rafaj1", "Ou-Yang", "  Ślusàrski ", "O’Néàl", "", "123", "北京", "/"]
    card = portable_scorer.prepared({}, labels() | {"kind": "elman"})
    for name in odd + [chr(code) for code in range(32, 1000)]:
        assert portable_scorer.cleaned(name, card) == alphabet.cleaned_form(name)


def test_nothing_left_of_a_name_is_no_answer(loaded: dict[str, Any]) -> None:
    """An empty language and no probabilities, in its own row; the others are answered."""
    for model in loaded.values():
        answer = model.predict(["Satoshi", "", "123", "北京", "Ślusàrski"])
        assert [bool(language) for language in answer["language"]] == [True, *3 * [False], True]
        assert answer.iloc[1:4, 1:].isna().all(axis=None)
        assert answer.iloc[[0, 4], 1:].notna().all(axis=None)


def test_names_come_as_a_list_or_as_a_column(loaded: dict[str, Any]) -> None:
    """The same answer in the order and with the index that came; a missing value is no name."""
    model = loaded["fixed"]
    listed = model.predict(["Satoshi", "Jackson"])
    column = model.predict(pd.DataFrame({"name": ["Satoshi", "Jackson", None]}, index=[5, 7, 9]))
    pd.testing.assert_frame_equal(column.iloc[:2].reset_index(drop=True), listed)
    assert list(column.index) == [5, 7, 9]
    assert column.loc[9, "language"] == ""


@pytest.mark.parametrize(
    "wrong",
    [
        [1, 2],
        pd.DataFrame({"language": ["Japanese"], "name": ["Satoshi"]}),
        pd.DataFrame({"id": [1], "name": ["Satoshi"]}),
        {"name": ["Satoshi", "Jackson"]},
    ],
)
def test_what_is_no_column_of_names_is_refused(loaded: dict[str, Any], wrong: Any) -> None:
    """Instead of scoring something else without a word."""
    with pytest.raises((MlflowException, ValueError), match=r"expected|schema"):
        loaded["fixed"].predict(wrong)


def test_a_model_stands_alone(store: MlflowClient, finished: Project) -> None:
    """Signature, example, labels and pinned requirements are inside; no pickle, and no project."""
    found = store.get_model_version_by_alias(MODEL, "fixed")
    folder = Path(store.get_model_version_download_uri(MODEL, found.version))
    kept = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert {
        "MLmodel",
        "portable_model.py",
        "artifacts/portable_scorer.py",
        "artifacts/weights.safetensors",
    } <= kept
    assert not [name for name in kept if name.endswith((".pkl", ".pickle", ".pt"))]
    card = tables.read_json(folder / "artifacts/card.json")
    assert (card["languages"], card["letters"]) == (list(corpus.LANGUAGES), alphabet.LETTERS)
    wanted = (folder / "requirements.txt").read_text().split()
    assert {line.split("==")[0] for line in wanted} == set(REQUIREMENTS)
    assert all("==" in line for line in wanted)
    code = (
        "import sys; sys.modules['surnames'] = None; import mlflow;"
        f"model = mlflow.pyfunc.load_model({str(folder)!r});"
        "assert model.metadata.signature and model.input_example is not None;"
        "print(list(model.predict(['Satoshi'])['language']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd="/", check=False
    )
    assert done.returncode == 0, done.stderr


# The place


def test_the_store_is_the_projects_own(inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under `dvc exp run --temp` that of the main checkout; or what the environment names."""
    assert configured_store().uri == f"sqlite:///{inside}/mlflow/mlflow.db"
    monkeypatch.setenv("DVC_ROOT", "/main")
    assert configured_store().uri == "sqlite:////main/mlflow/mlflow.db"
    assert configured_store().artifacts == "/main/mlflow/artifacts"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    assert configured_store().uri == "http://127.0.0.1:1"
    assert configured_store().artifacts is None


def test_there_are_no_pages_before_there_is_a_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server would make an empty one and show nothing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    with pytest.raises(StudyError, match="make repro"):
        server.serve(5000)
    assert os.listdir(tmp_path) == []
