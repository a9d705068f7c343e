"""The simulated studies of `make simulate`: their truth is what they say it is."""

import importlib.util
import sys
from itertools import islice
from types import ModuleType

import numpy as np
import pytest
from scipy.special import ndtri
from support.projects import ROOT

from surnames.core.corpus import TEST, TRAIN, Corpus, Split
from surnames.study.statistics import Names, Term, contrast

SIZES = np.array([40, 60, 80, 150, 300])
RECALLS = np.array([[0.2, 0.4, 0.5, 0.6, 0.8], [0.3, 0.3, 0.6, 0.5, 0.7]])


@pytest.fixture(scope="module")
def worlds() -> ModuleType:
    """benchmarks/worlds.py as a module."""
    spec = importlib.util.spec_from_file_location("worlds", ROOT / "benchmarks/worlds.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where a dataclass looks for its module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("drawn", [True, False])
def test_the_effect_is_the_one_asked_for(worlds: ModuleType, drawn: bool) -> None:
    """A million names tell it, be they drawn anew or fixed."""
    world = worlds.World(SIZES * 1600, ndtri(RECALLS), own=0.7, shared=0.8, paired=0.3)
    rng = np.random.default_rng(1)
    names = None if drawn else worlds.pair(rng, world.shared, len(world.languages))
    effects = (0.0, 0.02, 0.03)
    for effect, found in zip(
        effects, next(worlds.studies(world, (5, 1), effects, rng, names)), strict=True
    ):
        assert abs(found.values.mean() - effect) < 0.003
        assert abs(found.names.parts.sum() - effect) < 0.003


@pytest.mark.parametrize("shift", [0.0, 0.02])
def test_folds_differ_as_in_theory(worlds: ModuleType, shift: float) -> None:
    """The chance in training is fitted by this."""
    world = worlds.World(SIZES, ndtri(RECALLS), own=0.6, shared=0.8, paired=0.3, shift=shift)
    lift = RECALLS[0].mean() - RECALLS[1].mean()  # nothing is lifted
    drawn = worlds.studies(world, (5, 4), (lift,), np.random.default_rng(2))
    found = np.mean([one.values.var(ddof=1) for (one,) in islice(drawn, 300)]) ** 0.5
    assert abs(found / worlds.spread(world, 5) - 1) < 0.04


def test_intervals_hold_the_truth(worlds: ModuleType) -> None:
    """Nine times of ten or more, at either effect."""
    world = worlds.World(SIZES, ndtri(RECALLS), own=0.6, shared=0.8, paired=0.3, shift=0.02)
    effects = (0.0, 0.03)
    drawn = islice(worlds.studies(world, (5, 4), effects, np.random.default_rng(3)), 200)
    found = [[contrast([one], 0.95) for one in terms] for terms in drawn]
    for effect, of_one in zip(effects, zip(*found, strict=True), strict=True):
        assert np.mean([one.low <= effect <= one.high for one in of_one]) > 0.9


def test_without_chance_the_answers_stay(worlds: ModuleType) -> None:
    """Trained again, a network says the same of nearly every name."""
    world = worlds.World(SIZES, ndtri(RECALLS), own=1 - 1e-6, shared=0.8, paired=0.3)
    (found,) = next(worlds.studies(world, (5, 4), (0.0,), np.random.default_rng(4)))
    gains = found.names.parts / world.weights[:, None]
    assert (gains == gains[:, :1]).all(axis=1).mean() > 0.98
    assert len(np.unique(found.values)) > 5  # the folds are drawn anew


def test_folds_are_swapped_with_their_names(worlds: ModuleType) -> None:
    """A fold's difference is turned around, and so is what its names add to it."""
    rng, folds, repetitions, count = np.random.default_rng(5), 4, 2, 40
    fold = np.array([rng.permutation(count) % folds for _ in range(repetitions)])
    replicate = (fold + folds * np.arange(repetitions)[:, None]).T  # (names, repetitions)
    roles = np.where((replicate[:, :, None] == np.arange(8)).any(axis=1), TEST, TRAIN)
    languages = np.zeros(count, np.int64)
    runs = []
    for _ in range(2):
        parts = rng.integers(0, 2, replicate.shape) / count
        values = np.bincount(replicate.ravel(), parts.ravel()) * folds
        runs.append(Term(1.0, "held_out", values, 1 / 3, Names(parts, languages)))
    (found,) = next(worlds.swapped(*runs, Split(Corpus([""] * count, languages), roles), rng))
    plain = runs[0].values - runs[1].values
    assert (np.abs(found.values) == np.abs(plain)).all() and (found.values != plain).any()
    sums = np.bincount(replicate.ravel(), found.names.parts.ravel()) * folds
    np.testing.assert_allclose(sums, found.values, atol=1e-12)
