"""Macro recall of some of the names: its values and its variance, with loops."""

import numpy as np
from numpy.testing import assert_allclose

from surnames.core.corpus import TEST, TRAIN, Corpus, Split
from surnames.study import comparison
from surnames.study.comparison import Answers, Results

FOLDS, REPETITIONS = 3, 2


def study(seed: int) -> tuple[Split, np.ndarray, Answers]:
    """A split of 60 names in two repetitions of three folds, edits, and what was right."""
    rng = np.random.default_rng(seed)
    names = ["x" * int(length) for length in rng.integers(2, 12, 60)]
    languages = rng.permutation(np.arange(60) % 4)
    roles = np.full((60, FOLDS * REPETITIONS), TRAIN, "<U5")
    for repetition in range(REPETITIONS):
        fold = rng.permutation(np.arange(60) % FOLDS)
        for k in range(FOLDS):
            roles[fold == k, repetition * FOLDS + k] = TEST
    split = Split(Corpus(names, languages), roles)
    edits = np.where(roles == TEST, rng.integers(1, 4, roles.shape), 0)
    right = [
        {comparison.PLAIN: rng.random(len(split.scored_rows(k))) < 0.6}
        for k in range(FOLDS * REPETITIONS)
    ]
    groups = comparison.name_groups(split, edits)
    return split, edits, comparison.answers_by_name(split, right, groups)


def test_groups_are_what_they_are_called() -> None:
    """Near is one edit from a training name in that repetition; lengths are letters."""
    split, edits, answers = study(1)
    for row, name in enumerate(split.corpus.names):
        for repetition in range(REPETITIONS):
            (replicate,) = (
                k
                for k in range(repetition * FOLDS, (repetition + 1) * FOLDS)
                if split.roles[row, k] == TEST
            )
            assert answers.asked[row, repetition] == replicate
            near = edits[row, replicate] == 1
            found = {group: table[row, repetition] for group, table in answers.groups.items()}
            short, long = len(name) <= 5, len(name) >= 9
            assert found == {"near": near, "far": not near, "short": short, "long": long}


def test_values_and_variance_of_a_group() -> None:
    """By replicate the mean of the languages' recalls; each answer less its language's recall."""
    _, _, answers = study(2)
    asked, right = answers.groups["near"], answers.right[comparison.PLAIN]
    results = Results(None, {}, {}, [], np.zeros(0), answers)  # type: ignore[arg-type]
    values, names = comparison.of_group(results.answers, asked)
    for replicate, value in enumerate(values):
        here = asked & (answers.asked == replicate)
        recalls = [
            right[here & (answers.languages == k)[:, None]].mean()
            for k in range(4)
            if (here & (answers.languages == k)[:, None]).any()
        ]
        assert_allclose(value, np.mean(recalls))
    for row, repetition in np.ndindex(asked.shape):
        own = asked & (answers.languages == answers.languages[row])[:, None]
        each = own.sum() / REPETITIONS * 4
        wanted = asked[row, repetition] * (right[row, repetition] - right[own].mean()) / each
        assert_allclose(names.parts[row, repetition], wanted)


def test_all_names_have_the_variance_of_the_registration() -> None:
    """Of whole languages it does not matter that a constant is taken off each answer."""
    _, _, answers = study(3)
    names = comparison.of_languages(answers)
    gains = answers.right[comparison.PLAIN].mean(axis=1)
    for language in range(4):
        own = answers.languages == language
        variance = own.sum() * names.parts[own].mean(axis=1).var(ddof=1)
        assert_allclose(variance, gains[own].var(ddof=1) / own.sum() / 4**2)
