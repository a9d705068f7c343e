"""Which network answers."""

import json
import string
from pathlib import Path

import mlflow
import numpy as np
import pytest
from safetensors.numpy import save, save_file
from support.bad_weights import BAD_ARRAYS, BAD_BYTES
from support.projects import Project
from support.untrained import SMALL, network

from surnames.core import files, tables
from surnames.core.errors import StudyError
from surnames.data.names import starter_names
from surnames.networks.lookup import get_architecture
from surnames.prediction.choose import CHAMPION, NAMED, load
from surnames.tracking import registry
from surnames.tracking.model_card import model_card
from surnames.tracking.store import MODEL, STORE_ARTIFACTS, STORE_DATABASE


def test_names_of_models_are_the_registrys_aliases() -> None:
    """`tutorial` is the same network wherever it is asked for."""
    assert {k: v for k, v in registry.ALIASES.items() if k != v} == NAMED
    assert f"models:/{MODEL}@champion" == CHAMPION


@pytest.mark.parametrize("alias", ["fixed", "tutorial", "champion"])
def test_a_model_is_the_registrys_of_that_name(inside: Path, alias: str) -> None:
    """Predict and pyfunc agree on every starter name; the registry's own way in gives the same."""
    names = [*starter_names(inside / files.STARTER).names, "Ślusàrski", "李", ""]
    uri = f"sqlite:///{inside / STORE_DATABASE}"
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    kept = mlflow.pyfunc.load_model(f"models:/{MODEL}@{alias}").predict(names)
    for name in (alias, f"models:/{MODEL}@{alias}"):
        found = load(name).answers(names, top=18)
        assert [one["answers"][0]["language"] if one["answers"] else "" for one in found] == list(
            kept["language"]
        )
        for one, row in zip(found, kept.to_dict("records"), strict=True):
            for answer in one["answers"]:
                assert answer["probability"] == pytest.approx(row[answer["language"]], abs=1e-5)


def test_a_path_names_a_run_or_a_logged_model(inside: Path) -> None:
    """A run's folder, its weights, or a folder that MLflow has written."""
    run = files.run("held_out", "fixed")
    expected = load("fixed")
    for path in (run, files.weights("held_out", "fixed"), inside / run):
        found = load(str(path))
        assert found.name == expected.name
        np.testing.assert_equal(found.weights, expected.weights)
    for folder in (inside / STORE_ARTIFACTS).rglob("MLmodel"):
        load(str(folder.parent)).answers(["Satoshi"])
        load(str(folder.parent / "artifacts")).answers(["Satoshi"])


def test_held_out_networks_come_first(inside: Path) -> None:
    """As published only where nothing was held out."""
    assert load("fixed").name.startswith("held_out-fixed-")
    assert load("majority").name.startswith("published-majority-")


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("fixd", "choose from champion, tutorial, tutorial_2017"),
        ("relu_only", "has no run of relu_only; it has majority"),
        ("README.md", "the folder's name, 'surnames', is no architecture"),
        ("results/runs/held_out/fixed/history.csv", "no safetensors file of ours"),
        ("models:/surname-origin@nobody", "alias nobody not found"),
        ("models:/surname-origin/99", "no model models:/surname-origin/99"),
    ],
)
def test_a_model_that_is_not_there_is_refused(inside: Path, model: str, words: str) -> None:
    """With what there is instead."""
    with pytest.raises(StudyError, match=words):
        load(model)


def test_missing_weights_are_a_clear_error(study: Project) -> None:
    """As in a clone that has the tables, but neither a cache nor a remote."""
    (study.folder / files.weights("held_out", "fixed")).unlink()
    said = study.run("surnames", "predict", "Satoshi", fails=True)
    assert "weights.safetensors is not here; run `make repro`" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("architecture", ["fixed", "tutorial_2017"])
def test_a_model_logged_before_cards_had_a_readout_is_read(
    tmp_path: Path, architecture: str
) -> None:
    """A store keeps every version that was ever registered in it, each with its card of then."""
    model = network(architecture)
    card = model_card(model.architecture)
    assert card is not None and card.pop("readout")
    tables.write_json(card, tmp_path / "card.json")
    save_file(model.weights, tmp_path / "weights.safetensors")
    assert load(str(tmp_path)).architecture == model.architecture


def test_a_model_with_another_alphabet_is_refused(tmp_path: Path) -> None:
    """It would be read wrongly without a word."""
    card = model_card(get_architecture("fixed"))
    assert card is not None
    tables.write_json(card | {"letters": string.ascii_lowercase}, tmp_path / "card.json")
    with pytest.raises(StudyError, match="other letters"):
        load(str(tmp_path))


CARD = model_card(SMALL.architecture)
assert CARD is not None
BAD_CARDS = {
    "empty": b"",
    "no JSON": b"{",
    "deep": b"[" * 100_000,
    "large": b'"' + b"a" * 11_000_000 + b'"',
    "a long number": b"9" * 5000,
    "not UTF-8": b"\xff\xfe",
    "a list": b"[]",
    "null": b"null",
    "nothing in it": b"{}",
    **{
        name: json.dumps(CARD | change).encode()
        for name, change in {
            "another kind": {"kind": "transformer"},
            "a kind that is a list": {"kind": ["elman"]},
            "no kind": {"kind": None},
            "another activation": {"activation": "gelu"},
            "more than we know": {"temperature": 2.0},
            "languages in another order": {"languages": CARD["languages"][::-1]},
            "languages that are text": {"languages": "Arabic"},
        }.items()
    },
}


def hostile(folder: Path, card: bytes, weights: bytes) -> str:
    """What is said of a model of these two files: one line, and no answer."""
    (folder / "card.json").write_bytes(card)
    (folder / "weights.safetensors").write_bytes(weights)
    with pytest.raises(StudyError) as caught:
        load(str(folder)).answers(["Satoshi"])
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("card", BAD_CARDS.values(), ids=BAD_CARDS)
def test_a_card_that_says_something_else_is_refused(card: bytes, tmp_path: Path) -> None:
    """Bounded, typed, and nothing in it that this project does not know."""
    hostile(tmp_path, card, save(SMALL.weights))


@pytest.mark.parametrize("change", BAD_ARRAYS.values(), ids=BAD_ARRAYS)
def test_a_model_with_other_arrays_is_refused(change, tmp_path: Path) -> None:
    """Also one of an old card, which does not say its readout."""
    weights = save(change(SMALL.weights))
    assert str(tmp_path) in hostile(tmp_path, json.dumps(CARD).encode(), weights)
    old = {key: value for key, value in CARD.items() if key != "readout"}
    hostile(tmp_path, json.dumps(old).encode(), weights)


@pytest.mark.parametrize("change", BAD_BYTES.values(), ids=BAD_BYTES)
def test_a_model_of_other_bytes_is_refused(change, tmp_path: Path) -> None:
    """Before anything of the announced size is read."""
    hostile(tmp_path, json.dumps(CARD).encode(), change(save(SMALL.weights)))


def test_weights_that_overflow_give_no_answer(tmp_path: Path) -> None:
    """Finite, of the right shapes, and too large to compute with."""
    weights = {name: np.full_like(array, 3e38) for name, array in SMALL.weights.items()}
    said = hostile(tmp_path, json.dumps(CARD).encode(), save(weights))
    assert "no finite probabilities" in said


def test_shares_that_are_none_give_no_answer(tmp_path: Path) -> None:
    """Of a file that says 300 %."""
    card = model_card(get_architecture("majority"))
    weights = {"shares": np.r_[3.0, -2.0, np.zeros(16)]}
    assert "probabilities" in hostile(tmp_path, json.dumps(card).encode(), save(weights))
