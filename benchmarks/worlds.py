"""Simulated studies whose true effect is known, and the world that they are drawn from.

In a simulated study two networks are asked the names of lists as long as the real ones, fold by
fold. A network is right about a name if a sum of normal deviates is above zero: how easy the
language is, how easy the name is, and the luck of training, which moves a language as a whole and
each name by itself. What varies has variance one in sum, so a language's ease is the probit of its
recall.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from surnames.core.corpus import TEST, Split
from surnames.study.statistics import Names, Term, test_train_ratio

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(80)  # for means over a normal deviate


@dataclass(frozen=True)
class World:
    """Two networks and the names that they are asked; variances are those of an answer."""

    sizes: np.ndarray  # (languages,) names
    ease: np.ndarray  # (2, languages) of a language for a network
    own: float  # variance of a name's ease, which stays when a network is trained again
    shared: float  # correlation of a name's ease between the networks
    paired: float  # correlation of luck between them: they train on the same names in one order
    shift: float = 0.0  # variance of the luck that moves a language; each name's has what is left

    @property
    def languages(self) -> np.ndarray:
        """The language of each name, (names,)."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    @property
    def weights(self) -> np.ndarray:
        """What a right answer adds to the macro recall, (names,)."""
        return (1 / len(self.sizes) / self.sizes)[self.languages]

    def lifted(self, lift: float) -> np.ndarray:
        """The ease of languages, all easier for the first network."""
        return self.ease + np.array([[lift], [0.0]])

    def effect(self, lift: float, names: np.ndarray | None) -> float:
        """The lifted network's macro recall less the other's, about these names or all such."""
        ease = self.lifted(lift)
        if names is None:
            one, other = ndtr(ease).mean(axis=1)
        else:
            known = ease[:, self.languages] + self.own**0.5 * names
            one, other = ndtr(known / (1 - self.own) ** 0.5) @ self.weights
        return float(one - other)


def pair(rng: np.random.Generator, correlation: float, *shape: int) -> np.ndarray:
    """Normal deviates of both networks, (2, *shape)."""
    both = rng.standard_normal((2, *shape), np.float32)
    both[1] = correlation * both[0] + (1 - correlation**2) ** 0.5 * both[1]
    return both


def both_right(one: np.ndarray, other: np.ndarray, correlation: float) -> np.ndarray:
    """How probably two answers are right, by their eases and the correlation of what varies."""
    common, rest = correlation**0.5 * NODES, (1 - correlation) ** 0.5
    chances = [ndtr((ease[:, None] + common) / rest) for ease in (one, other)]
    return chances[0] * chances[1] @ WEIGHTS / WEIGHTS.sum()


def spread(world: World, folds: int) -> float:
    """Standard deviation of the difference of macro recalls in one fold."""
    one, other = world.ease
    p, q, shift = ndtr(one), ndtr(other), world.shift
    correlation = world.own * world.shared + (1 - world.own) * world.paired
    name = p + q - 2 * both_right(one, other, correlation) - (p - q) ** 2
    moved = both_right(one, one, shift) + both_right(other, other, shift)  # two names of a fold
    moved -= 2 * both_right(one, other, shift * world.paired) + (p - q) ** 2
    variances = moved + (name - moved) * folds / world.sizes
    return float(variances.sum() ** 0.5 / len(variances))


def fitted(runs: tuple[Term, Term], folds: int) -> tuple[World, float]:
    """The world that is like two runs' macro recalls, and the spread of their differences."""
    given = [run.names for run in runs if run.names is not None]
    languages = given[0].languages
    sizes = np.bincount(languages)
    # a right answer adds something to the macro recall, a wrong one nothing or less
    known = [np.isfinite(names.parts) * 1.0 for names in given]
    right = [(names.parts > 0) * 1.0 for names in given]
    counts = [np.bincount(languages, own.sum(axis=1)) for own in (*right, *known)]
    ease = ndtri(np.array(counts[:2]) / counts[2:])
    share = 1 / sizes / (1 / sizes).sum()  # of a language in the variance of the macro recall
    weights = (share / sizes)[languages]

    def correlation(i: int, j: int, same: bool = False) -> float:
        """Of networks i and j: it makes both right as often as in the same or other repetitions."""
        both = (right[i].T * weights @ right[j]) / (known[i].T * weights @ known[j])
        often = both[np.eye(len(both), dtype=bool) == same].mean()
        found = brentq(lambda r: both_right(ease[i], ease[j], r) @ share - often, 0, 0.999)
        return float(found)

    own = (correlation(0, 0) + correlation(1, 1)) / 2
    apart, together = correlation(0, 1), correlation(0, 1, same=True)
    world = World(sizes, ease, own, min(apart / own, 1.0), max(together - apart, 0) / (1 - own))
    aim = float(np.nanstd(runs[0].values - runs[1].values, ddof=1))
    shift = brentq(lambda x: spread(replace(world, shift=x), folds) - aim, 0, 0.99 * (1 - own))
    return replace(world, shift=shift), aim


def studies(
    world: World,
    design: tuple[int, int],
    effects: tuple[float, ...],
    rng: np.random.Generator,
    fixed: np.ndarray | None = None,
) -> Iterator[list[Term]]:
    """Study after study, the difference of macro recalls for each true effect.

    The effects are about the `fixed` names' ease (2, names), or about all such names. Those of a
    study share all that is drawn.
    """
    (folds, repetitions), languages, weights = design, world.languages, world.weights
    ratio, cells = test_train_ratio("held_out", folds, 0), len(world.sizes) * folds
    lifts = [brentq(lambda x, e=e: world.effect(x, fixed) - e, -1, 1) for e in effects]
    bars = [-world.lifted(lift).astype(np.float32)[:, None, languages] for lift in lifts]
    while True:
        names = pair(rng, world.shared, len(languages)) if fixed is None else fixed
        orders = [[rng.permutation(size) for size in world.sizes] for _ in range(repetitions)]
        fold = np.array([np.concatenate(order) % folds for order in orders])
        cell = languages * folds + fold  # (repetitions, names)
        moved = pair(rng, world.paired, repetitions, cells)
        deviates = world.own**0.5 * names[:, None]
        deviates = deviates + world.shift**0.5 * np.take_along_axis(moved, cell[None], 2)
        luck = pair(rng, world.paired, *cell.shape)
        deviates += (1 - world.own - world.shift) ** 0.5 * luck
        cell = (cell + cells * np.arange(repetitions)[:, None]).ravel()
        asked, found = np.bincount(cell), []
        for bar in bars:
            one, other = deviates > bar
            gain = one - 1.0 * other
            recalls = np.bincount(cell, gain.ravel()) / asked
            values = recalls.reshape(repetitions, -1, folds).mean(axis=1).ravel()
            parts = Names((gain * weights).T, languages)
            found.append(Term(1.0, "held_out", values, ratio, parts))
        yield found


def swapped(one: Term, other: Term, split: Split, rng: np.random.Generator) -> Iterator[list[Term]]:
    """Studies of two runs of one kind: fold by fold it is drawn which is called the first."""
    assert one.names is not None and other.names is not None
    replicate = np.nonzero(split.roles == TEST)[1].reshape(one.names.parts.shape)
    values, parts = one.values - other.values, one.names.parts - other.names.parts
    while True:
        sign = rng.choice([-1.0, 1.0], len(values))
        names = Names(sign[replicate] * parts, one.names.languages)
        yield [Term(1.0, one.protocol, sign * values, one.ratio, names)]
