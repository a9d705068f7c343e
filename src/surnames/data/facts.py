"""The data card: what the names are, in numbers."""

from collections import Counter
from typing import Any

import numpy as np

from surnames.core import alphabet
from surnames.core.corpus import LANGUAGES, Corpus, rows_by_text
from surnames.data.names import Change, Line


def card(lines: list[Line], every: Corpus, clean: Corpus, changes: list[Change]) -> dict[str, Any]:
    """The data card: what these names are, in numbers."""
    pairs = set(zip(every.names, every.languages.tolist(), strict=True))
    languages_of = Counter(name for name, _ in pairs)  # name -> number of languages
    distinct = Counter(language for _, language in pairs)
    letters = Counter(
        alphabet.visible(c) for line in lines for c in alphabet.lost_letters(line.text)
    )
    kinds = Counter(_kind(reason) for change in changes for reason in change.reasons)
    counts = [np.bincount(one.languages, minlength=len(LANGUAGES)) for one in (every, clean)]
    return {
        "lines": len(lines),
        "distinct_names": len(languages_of),
        "distinct_pairs": len(pairs),
        "clean_names": len(clean.names),
        "names_under_several_languages": sum(number > 1 for number in languages_of.values()),
        "most_languages_of_one_name": max(languages_of.values()),
        "changes": dict(sorted(kinds.items())),
        "letters_lost": dict(sorted(letters.items(), key=lambda item: (-item[1], item[0]))),
        "ceilings": {"lines": ceilings(every), "names": ceilings(clean)},
        "languages": {
            language: {"lines": counts[0][k], "distinct": distinct[k], "clean": counts[1][k]}
            for k, language in enumerate(LANGUAGES)
        },
    }


def _kind(reason: str) -> str:
    """A reason without the line or the letters that it names."""
    kinds = {"repeats": "repeated", "the tutorial drops": "letters lost"}
    return next((kind for start, kind in kinds.items() if reason.startswith(start)), reason)


def ceilings(corpus: Corpus) -> dict[str, float]:
    """The best accuracy and macro recall that any function of the name can reach.

    A name that stands under several languages can be right for one of them only. For accuracy the
    best answer is its most frequent language, for macro recall the one with the largest share.
    """
    row, distinct = rows_by_text(corpus.names)
    counts = np.zeros((distinct, len(LANGUAGES)))
    np.add.at(counts, (row, corpus.languages), 1)
    shares = counts / np.maximum(counts.sum(axis=0), 1)
    present = int((counts.sum(axis=0) > 0).sum())
    return {
        "accuracy": float(counts.max(axis=1).sum() / counts.sum()),
        "macro_recall": float(shares.max(axis=1).sum() / present),
    }
