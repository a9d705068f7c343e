"""The data card: what the names are, in numbers."""

from typing import Any

import numpy as np

from surnames.core import alphabet
from surnames.core.corpus import LANGUAGES, Corpus
from surnames.data.names import Change, Line


def card(lines: list[Line], every: Corpus, clean: Corpus, changes: list[Change]) -> dict[str, Any]:
    """The data card: what these names are, in numbers."""
    spoken: dict[str, set[int]] = {}
    for name, language in zip(every.names, every.languages, strict=True):
        spoken.setdefault(name, set()).add(int(language))
    letters: dict[str, int] = {}
    for line in lines:
        for letter in alphabet.lost_letters(line.text):
            letters[alphabet.visible(letter)] = letters.get(alphabet.visible(letter), 0) + 1
    kinds: dict[str, int] = {}
    for change in changes:
        for reason in change.reasons:
            kind = "repeated" if reason.startswith("repeats") else reason
            kind = "letters lost" if reason.startswith("the tutorial drops") else kind
            kinds[kind] = kinds.get(kind, 0) + 1
    pairs = set(zip(every.names, every.languages.tolist(), strict=True))
    return {
        "lines": len(lines),
        "distinct_names": len(spoken),
        "distinct_pairs": len(pairs),
        "clean_names": len(clean.names),
        "names_under_several_languages": sum(len(under) > 1 for under in spoken.values()),
        "most_languages_of_one_name": max(len(under) for under in spoken.values()),
        "changes": dict(sorted(kinds.items())),
        "letters_lost": dict(sorted(letters.items(), key=lambda item: (-item[1], item[0]))),
        "ceilings": {"lines": ceilings(every), "names": ceilings(clean)},
        "languages": {
            language: {
                "lines": int((every.languages == k).sum()),
                "distinct": sum(language_index == k for _, language_index in pairs),
                "clean": int((clean.languages == k).sum()),
            }
            for k, language in enumerate(LANGUAGES)
        },
    }


def ceilings(corpus: Corpus) -> dict[str, float]:
    """The best accuracy and macro recall that any function of the name can reach.

    A name that stands under several languages can be right for one of them only. For accuracy the
    best answer is its most frequent language, for macro recall the one with the largest share.
    """
    strings, row = np.unique(corpus.names, return_inverse=True)
    counts = np.zeros((len(strings), len(LANGUAGES)))
    np.add.at(counts, (row, corpus.languages), 1)
    shares = counts / np.maximum(counts.sum(axis=0), 1)
    present = int((counts.sum(axis=0) > 0).sum())
    return {
        "accuracy": float(counts.max(axis=1).sum() / counts.sum()),
        "macro_recall": float(shares.max(axis=1).sum() / present),
    }
