"""Which names each replicate trains on and is scored on, for each protocol."""

import numpy as np

from surnames.core.corpus import BOTH, TEST, TRAIN, Corpus, Split, rows_by_text
from surnames.core.streams import NAMES, stream


def split_published(corpus: Corpus, replicates: int) -> Split:
    """Every line trains and every line is scored, in every replicate."""
    return Split(corpus, np.full((len(corpus.names), replicates), BOTH))


def split_held_out(corpus: Corpus, folds: int, repetitions: int, seed: int) -> Split:
    """Stratified folds of the distinct names; replicate r holds out fold r mod folds.

    All rows of a name go where the name goes. One that several languages share counts, for
    stratifying, as a name of the rarest of them. After each `folds` replicates the folds are drawn
    anew, so that no two replicates hold out the same names: repeated cross-validation.
    """
    from sklearn.model_selection import StratifiedKFold

    groups = [name.casefold() for name in corpus.names]
    counts = np.bincount(corpus.languages)
    rarest = sorted(
        zip(groups, corpus.languages.tolist(), strict=True), key=lambda row: -counts[row[1]]
    )
    stratum = dict(rarest)  # of each distinct name; the last, rarest language stays
    place, _ = rows_by_text(groups)
    strata = [stratum[name] for name in sorted(stratum)]
    roles = np.full((len(groups), folds * repetitions), TRAIN, dtype="<U5")
    for repetition in range(repetitions):
        state = int(stream(seed, "held_out", repetition, NAMES).integers(2**31))
        splitter = StratifiedKFold(folds, shuffle=True, random_state=state)
        for fold, (_, held_out) in enumerate(splitter.split(strata, strata)):
            roles[np.isin(place, held_out), repetition * folds + fold] = TEST
    return Split(corpus, roles)


def split_random(corpus: Corpus, replicates: int, share: float, seed: int) -> Split:
    """The usual split: this share of all lines, drawn anew for each replicate, is held out."""
    count = len(corpus.names)
    roles = np.full((count, replicates), TRAIN, dtype="<U5")
    for replicate in range(replicates):
        order = stream(seed, "random_split", replicate, NAMES).permutation(count)
        roles[order[: round(share * count)], replicate] = TEST
    return Split(corpus, roles)
