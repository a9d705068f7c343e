"""Weights on disk: a network of that architecture, or one error that names the file."""

from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from support.bad_weights import BAD_ARRAYS, BAD_BYTES
from support.untrained import SMALL, network

from surnames.core.errors import DataError
from surnames.networks.lookup import architectures, get_architecture
from surnames.networks.network import Network, check_weights, load_networks, save_networks

FIXED = get_architecture("fixed")
DIVERGED = {name: np.full_like(array, np.nan) for name, array in SMALL.weights.items()}


def refused(path: Path) -> str:
    """The one line that loading says."""
    with pytest.raises(DataError, match="`make repro` makes it again") as caught:
        load_networks(path, FIXED)
    message = str(caught.value)
    assert message.startswith(f"{path} is damaged") and "\n" not in message
    return message


@pytest.mark.parametrize("name", sorted(BAD_ARRAYS.keys() - {"nothing"}))  # that is a network less
def test_other_arrays_are_refused(name: str, tmp_path: Path) -> None:
    """The second of two networks has the fault."""
    networks = [SMALL.weights, BAD_ARRAYS[name](SMALL.weights)]
    save_networks([Network(weights) for weights in networks], tmp_path / "weights")
    refused(tmp_path / "weights")


@pytest.mark.parametrize("change", BAD_BYTES.values(), ids=BAD_BYTES)
def test_other_bytes_are_refused(change, tmp_path: Path) -> None:
    """Before anything of the announced size is read."""
    path = tmp_path / "weights"
    save_networks([Network(SMALL.weights)], path)
    path.write_bytes(change(path.read_bytes()))
    refused(path)


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    """The array, what it is and what it should be; a replicate that is missing, too."""
    arrays = {f"0.{name}": array for name, array in SMALL.weights.items()}
    bias = arrays["0.readout.bias"]
    path = tmp_path / "weights"
    path.write_bytes(safetensors.numpy.save(arrays | {"0.readout.bias": bias[:17]}))
    assert "readout.bias is ('float32', (17,)), not ('float32', (18,))" in refused(path)
    path.write_bytes(
        safetensors.numpy.save({k.replace("0.", "1.", 1): v for k, v in arrays.items()})
    )
    assert "no 0" in refused(path)


def test_a_network_that_diverged_is_part_of_a_study(tmp_path: Path) -> None:
    """All of it NaN: loaded for a stage, and refused where it should answer."""
    save_networks([Network(SMALL.weights), Network(DIVERGED)], tmp_path / "weights")
    assert [one.diverged for one in load_networks(tmp_path / "weights", FIXED)] == [False, True]
    with pytest.raises(ValueError, match="NaN or infinite"):
        check_weights(DIVERGED, FIXED)


def test_no_cell_takes_the_weights_of_the_other_readout() -> None:
    """A readout shows in the shapes; an activation shows in no weight."""
    for name in ("tutorial_2017", "fixed"):
        own = architectures()[name].readout  # type: ignore[attr-defined]
        for other in ("tutorial_2017", "tanh_only", "readout_only", "fixed"):
            weights = network(other, hidden=8).weights
            if architectures()[other].readout == own:  # type: ignore[attr-defined]
                check_weights(weights, architectures()[name])
            else:
                with pytest.raises(ValueError, match=r"readout\.weight is"):
                    check_weights(weights, architectures()[name])


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("majority", {"shares": np.full(17, 1 / 17)}),
        ("ngram_logistic", {"vocabulary": np.frombuffer(b"a\nb", np.uint8)}),
        (
            "ngram_logistic",
            {
                "vocabulary": np.frombuffer(b"a" * 200, np.uint8),
                "idf": np.ones(1, np.float32),
                "weight": np.ones((1, 18), np.float32),
                "bias": np.ones(18, np.float32),
            },
        ),
        (
            "ngram_logistic",
            {
                "vocabulary": np.frombuffer(b"\xff\nb", np.uint8),
                "idf": np.ones(2, np.float32),
                "weight": np.ones((2, 18), np.float32),
                "bias": np.ones(18, np.float32),
            },
        ),
    ],
)
def test_baselines_are_held_to_their_arrays(name: str, weights: dict[str, np.ndarray]) -> None:
    """As many rows as n-grams, which are text and short."""
    with pytest.raises(ValueError, match="no weights of"):
        check_weights(weights, get_architecture(name))
