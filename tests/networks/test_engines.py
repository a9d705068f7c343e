"""The two engines against each other, against torch's own layers and against plain algebra."""

import hashlib
import math
import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from surnames.architectures.elman import Elman
from surnames.core import alphabet
from surnames.core.corpus import BOTH, LANGUAGES, Corpus, Split
from surnames.core.errors import StudyError, TrainingError
from surnames.core.params import Run, Sgd
from surnames.core.streams import EXAMPLES, PROTOCOLS, WEIGHTS, stream
from surnames.core.streams import NAMES as NAMES_HELD_OUT
from surnames.networks import kernels, reference, training
from surnames.networks.lookup import architectures
from surnames.networks.network import (
    Network,
    ReplicateStreams,
    Weights,
    load_networks,
    sample_examples,
    save_networks,
)
from surnames.networks.torch_module import TorchModule

CELLS = {name: row for name, row in architectures().items() if type(row) is Elman}
NAMES = ["Satoshi", "Ng", "O'Neal", "A", "Schmidhuber", "De Vries", "Zi", "Abel", "Ziegler", "Bo"]
CORPUS = Corpus(NAMES * 2, np.arange(20) % len(LANGUAGES))

RUN = Run(name="a", protocol="published", architecture="fixed", family="elman", recipe="online")
cells = pytest.mark.parametrize("cell", CELLS)


def recipe(engine: str = "online", **changes: float) -> Sgd:
    values = {"hidden_size": 16, "learning_rate": 0.05, "steps": 300} | changes
    return Sgd(method="sgd", engine=engine, **values)


def streams() -> ReplicateStreams:
    """Those of one replicate, from their beginning."""
    return ReplicateStreams.of(1, "published", 0)


def fit(cell: str, **changes) -> Network:
    return CELLS[cell].fit(CORPUS, recipe(**changes), streams(), lambda steps: None)


def elman(cell: str, weights: Weights) -> reference.ElmanModule:
    row = CELLS[cell]
    network = reference.ElmanModule(row.activation, row.readout, len(weights["cell.bias"]))
    reference.set_weights(network, weights)
    return network


def logits(network: torch.nn.Module, *names: str) -> np.ndarray:
    """The reference's logits of each name, read alone."""
    found = []
    for name in names:
        letters = torch.from_numpy(alphabet.encode([name])[0].astype(int))
        found.append(network(letters[None], torch.tensor([len(name)]))[0].detach().numpy())
    return np.array(found)


@cells
@pytest.mark.parametrize(("hidden", "steps"), [(128, 1), (7, 10), (33, 10), (1, 10), (33, 500)])
def test_engines_agree_step_by_step(cell: str, hidden: int, steps: int) -> None:
    """Same stream, same first weights: the same parameters and losses, whatever the size."""
    ours = fit(cell, hidden_size=hidden, steps=steps)
    theirs = fit(cell, hidden_size=hidden, steps=steps, engine="reference")
    for name, weight in theirs.weights.items():
        assert_allclose(ours.weights[name], weight, rtol=2e-3, atol=2e-5, err_msg=name)
    assert_allclose(ours.curve, theirs.curve, rtol=1e-3, atol=1e-5)


@cells
def test_engines_score_alike(cell: str) -> None:
    """The online engine's probabilities are those of autograd's network with the same weights."""
    weights = fit(cell).weights
    ours = CELLS[cell].probabilities(weights, NAMES)
    assert_allclose(ours, reference.probabilities(elman(cell, weights), NAMES), atol=1e-6)


@pytest.mark.parametrize(("cell", "nonlinearity"), [("tutorial_2023", "tanh"), ("fixed", "relu")])
def test_hidden_readout_is_torchs_own_rnn(cell: str, nonlinearity: str) -> None:
    """nn.RNN with our weights says the same: the recurrence is the textbook's."""
    weights = fit(cell).weights
    hidden, letters = len(weights["cell.bias"]), len(alphabet.LETTERS)
    rnn = torch.nn.RNN(letters, hidden, nonlinearity=nonlinearity, batch_first=True)
    cut = {key: torch.from_numpy(array) for key, array in weights.items()}
    rnn.load_state_dict(
        {
            "weight_ih_l0": cut["cell.weight"][:, :letters],
            "weight_hh_l0": cut["cell.weight"][:, letters:],
            "bias_ih_l0": cut["cell.bias"],
            "bias_hh_l0": torch.zeros(hidden),
        }
    )
    network = elman(cell, weights)
    for name in NAMES:
        one_hot = torch.eye(letters)[torch.from_numpy(alphabet.encode([name])[0].astype(int))]
        last = rnn(one_hot[None])[1][0, 0]
        expected = cut["readout.weight"] @ last + cut["readout.bias"]
        assert_allclose(logits(network, name)[0], expected.detach(), atol=1e-5)


@given(name=st.text(alphabet.LETTERS, min_size=1, max_size=12))
@settings(max_examples=30, deadline=None)
def test_tutorial_2017_is_affine(name: str) -> None:
    """Its logits are a sum of one term for each (letter, distance from the end)."""
    weights = fit("tutorial_2017").weights
    letters = len(alphabet.LETTERS)
    cell, readout = (weights[f"{part}.weight"].astype(float) for part in ("cell", "readout"))
    V, U, S, W = cell[:, :letters], cell[:, letters:], readout[:, :letters], readout[:, letters:]
    expected = weights["readout.bias"].astype(float)
    for distance, letter in enumerate(reversed(alphabet.encode([name])[0])):
        if distance == 0:
            expected = expected + S[:, letter]
        else:
            power = np.linalg.matrix_power(U, distance - 1)
            expected = expected + W @ power @ (V[:, letter] + weights["cell.bias"])
    assert_allclose(logits(elman("tutorial_2017", weights), name)[0], expected, atol=1e-4)


def test_combined_readout_never_reads_its_last_state() -> None:
    """In the tutorial's network no gradient reaches what the last letter does to the state."""
    network = elman("tutorial_2017", fit("tutorial_2017").weights)
    logits_of_one_letter = network(torch.tensor([[3]]), torch.tensor([1]))
    logits_of_one_letter.sum().backward()
    gradient = network.cell.weight.grad
    assert gradient is None or not gradient.any()
    assert network.readout.weight.grad.any()


@cells
def test_padding_and_batching_change_no_logit(cell: str) -> None:
    """A name in a batch of longer ones is read as if alone."""
    network = elman(cell, fit(cell).weights)
    alone = logits(network, *NAMES)
    together = np.log(reference.probabilities(network, NAMES))
    assert_allclose(together - together[:, :1], alone - alone[:, :1], atol=1e-5)


@cells
@given(st.lists(st.text("ab", min_size=1, max_size=6), min_size=1, max_size=20))
def test_names_that_begin_alike_are_read_as_if_alone(cell: str, names: list[str]) -> None:
    """To the last bit: a state that is taken from the name before is the one it would have."""
    weights = CELLS[cell].initial_weights(16, np.random.default_rng(0))
    alone = [CELLS[cell].probabilities(weights, [name])[0] for name in names]
    np.testing.assert_array_equal(CELLS[cell].probabilities(weights, names), alone)


@cells
def test_the_first_letter_is_remembered(cell: str) -> None:
    """Names that differ in their first letter only get other logits: the state is carried on."""
    weights = CELLS[cell].initial_weights(64, np.random.default_rng(0))
    one, other = CELLS[cell].probabilities(weights, ["Batoshi", "Zatoshi"])
    assert np.abs(one - other).max() > 1e-6
    one, other = logits(elman(cell, weights), "Batoshi", "Zatoshi")
    assert np.abs(one - other).max() > 1e-6


def test_what_is_random_is_drawn_for_one_purpose() -> None:
    """By seed, protocol, replicate and purpose: no two of these streams begin alike."""
    keys = product((1, 2), PROTOCOLS, (0, 1), (WEIGHTS, EXAMPLES, NAMES_HELD_OUT))
    drawn = [tuple(stream(*key).integers(2**31, size=4).tolist()) for key in keys]
    assert len(set(drawn)) == len(drawn) == 36


def test_replicates_are_paired() -> None:
    """A replicate starts all six cells from the same state weights and shows them one stream."""
    first = [
        row.initial_weights(8, ReplicateStreams.of(3, "published", 2).weights)
        for row in CELLS.values()
    ]
    for weights in first[1:]:
        assert np.array_equal(weights["cell.weight"], first[0]["cell.weight"])
        assert np.array_equal(weights["cell.bias"], first[0]["cell.bias"])
    streams = [
        sample_examples(CORPUS.languages, 50, ReplicateStreams.of(3, "published", r).examples)
        for r in (2, 2, 4)
    ]
    assert np.array_equal(streams[0], streams[1])
    assert not np.array_equal(streams[0], streams[2])


def test_initial_weights_are_those_of_torch_linear() -> None:
    """The bound of torch.nn.Linear's default initialisation, which the recipe names."""
    weights = CELLS["fixed"].initial_weights(64, np.random.default_rng(0))
    linear = torch.nn.Linear(len(alphabet.LETTERS) + 64, 64)
    assert weights["cell.weight"].shape == linear.weight.shape
    bound = 1 / math.sqrt(linear.in_features)
    assert 0.99 * bound < np.abs(weights["cell.weight"]).max() <= bound
    assert abs(linear.weight.detach().abs().max().item() - bound) < 0.01 * bound


def test_stream_draws_languages_uniformly() -> None:
    """As the tutorial does: a language first, however few names it has."""
    languages = np.array([0] * 990 + [5] * 9 + [17])
    drawn = languages[sample_examples(languages, 30_000, np.random.default_rng(1))]
    assert_allclose(np.bincount(drawn, minlength=18)[[0, 5, 17]] / 30_000, 1 / 3, atol=0.02)


@given(st.floats(-600, 600))
@settings(deadline=None)
def test_exp(x: float) -> None:
    """Our exp is the platform's to a few units in the last place."""
    assert_allclose(kernels.exp(x), math.exp(x), rtol=1e-15)


@given(st.floats(1e-300, 1e300))
@settings(deadline=None)
def test_log(x: float) -> None:
    """Our log is the platform's to a few units in the last place."""
    assert_allclose(kernels.log(x), math.log(x), rtol=1e-15, atol=1e-15)


def test_tanh() -> None:
    """Our tanh, rounded to float32, is the platform's."""
    values = np.linspace(-20, 20, 4001, dtype=np.float32)
    ours = values.copy()
    kernels.activate(ours, kernels.TANH)
    assert_allclose(ours, np.tanh(values.astype(float)), rtol=2e-7, atol=1e-9)


def digest(weights: Weights) -> str:
    return hashlib.sha256(b"".join(weights[name].tobytes() for name in sorted(weights))).hexdigest()


SIX_CELLS = """
import sys; sys.path.insert(0, {tests!r})
from test_engines import CELLS, digest, fit
print(*(digest(fit(cell, hidden_size=37).weights) for cell in CELLS))
"""


def test_bits_do_not_depend_on_the_processor(tmp_path) -> None:
    """The same weights, byte for byte, with vectors of 4, 8 and 16 floats and on an older core."""
    expected = [digest(fit(cell, hidden_size=37).weights) for cell in CELLS]
    settings = {
        "AVX2": {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": ""},
        "SSE and FMA": {"NUMBA_CPU_NAME": "x86-64", "NUMBA_CPU_FEATURES": "+fma"},
        "no FMA": {"NUMBA_CPU_NAME": "x86-64", "NUMBA_CPU_FEATURES": ""},
    }
    processor = Path("/proc/cpuinfo")
    flags = processor.read_text() if processor.exists() else ""
    if "avx512f" in flags:
        settings["AVX-512"] = {"NUMBA_CPU_NAME": "skylake-avx512", "NUMBA_CPU_FEATURES": ""}
    if "avx2" not in flags:
        pytest.skip("the settings are those of x86 processors with AVX2")
    code = SIX_CELLS.format(tests=str(Path(__file__).parent))
    running = {
        name: subprocess.Popen(
            [sys.executable, "-c", code],
            env=os.environ | variables | {"NUMBA_CACHE_DIR": str(tmp_path / name)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for name, variables in settings.items()
    }
    for name, process in running.items():
        printed, _ = process.communicate()
        assert printed.split() == expected, name


def study_of(workers: int, replicates: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("SURNAMES_WORKERS", str(workers))
    split = Split(CORPUS, np.full((len(CORPUS.names), replicates), BOTH))
    networks = training.fit(CELLS["fixed"], split, recipe(), 1, replicates, RUN)
    return [digest(network.weights) for network in networks]


def test_bits_do_not_depend_on_workers_or_company(monkeypatch: pytest.MonkeyPatch) -> None:
    """One worker or three, alone or among others: a replicate's weights are its own."""
    alone = study_of(1, 5, monkeypatch)
    assert alone == study_of(3, 5, monkeypatch)
    assert alone[:2] == study_of(2, 2, monkeypatch)
    assert len(set(alone)) == 5


@pytest.mark.parametrize(
    ("cell", "engine"), product(["fixed", "readout_only"], ["online", "reference"])
)
def test_divergence_is_seen(cell: str, engine: str) -> None:
    """A learning rate of 10 leaves nothing, whether numbers or not, and the network says so."""
    assert fit(cell, learning_rate=10.0, engine=engine).diverged
    assert not fit(cell, engine=engine).diverged


def test_all_replicates_diverged_is_an_error() -> None:
    """A study without a single network says what to do."""
    split = Split(CORPUS, np.full((len(CORPUS.names), 2), BOTH))
    with pytest.raises(TrainingError, match=r"all 2 networks diverged.*lower the learning rate"):
        training.fit(CELLS["fixed"], split, recipe(learning_rate=10.0), 1, 2, RUN)


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["tutorial_2017", "fixed"])
def test_the_reference_engine_finds_the_same(cell: str, names: Path) -> None:
    """The whole published recipe under autograd: as good as the online engine's networks are."""
    every, _, _ = names.normalize(names.read_lines(names), [])
    whole = {"hidden_size": 128, "learning_rate": 0.005, "steps": 100_000}
    row, found = CELLS[cell], []
    for engine, replicates in (("online", 5), ("reference", 1)):
        for replicate in range(replicates):
            chance = ReplicateStreams.of(1, "published", replicate)
            network = row.fit(every, recipe(engine, **whole), chance, lambda steps: None)
            said = row.probabilities(network.weights, every.names).argmax(axis=1)
            right = said == every.languages
            found.append(np.mean([right[every.languages == k].mean() for k in range(18)]))
    *online_, reference_ = found
    assert abs(reference_ - np.mean(online_)) < 4 * np.std(online_, ddof=1)


class LastLetter(torch.nn.Module):
    """A module with the contract and nothing else: the last letter decides."""

    def __init__(self, letters: int, hidden_size: int, languages: int) -> None:
        super().__init__()
        self.table = torch.nn.Embedding(letters, languages)

    def forward(self, names: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        return self.table(names[torch.arange(len(names)), lengths - 1])


def test_any_module_trains_under_the_reference_engine(tmp_path) -> None:
    """It learns, is saved and loaded as safetensors, and scores the same after that."""
    row = TorchModule(LastLetter, "the last letter alone")
    network = row.fit(CORPUS, recipe("reference"), streams(), lambda steps: None)
    assert network.curve[-1][1] < network.curve[0][1]
    save_networks([network], tmp_path / "weights")
    loaded = load_networks(tmp_path / "weights", row)[0]
    assert_allclose(
        row.probabilities(loaded.weights, NAMES), row.probabilities(network.weights, NAMES)
    )
    with pytest.raises(StudyError, match="engine: reference"):
        row.fit(CORPUS, recipe("online"), streams(), lambda steps: None)
