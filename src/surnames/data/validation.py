"""The check between splitting and training: the schema of a split, and the leakage gate."""

from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa

from surnames.core import alphabet
from surnames.core.corpus import BOTH, LANGUAGES, TEST, TRAIN, Split, rows_by_text
from surnames.core.errors import DataError

SHOWN = 5  # offenders that a message names
EVERY = "all of the languages"


def schema(replicates: int, protocol: str) -> pa.DataFrameSchema:
    """What a split must be: known languages, our letters, no empty name, its protocol's roles."""
    roles = [BOTH] if protocol == "published" else [TRAIN, TEST]
    role = pa.Column(str, pa.Check.isin(roles, error=f"one of {', '.join(roles)}"))
    written = pa.Check(bool, element_wise=True, error="a name")
    ours = pa.Check(
        lambda name: set(name) <= alphabet.INDEX.keys(),
        element_wise=True,
        error="made of the alphabet's letters",
    )
    every = pa.Check(lambda column: set(LANGUAGES) <= set(column), error=EVERY)
    return pa.DataFrameSchema(
        {
            "name": pa.Column(str, [written, ours]),
            "language": pa.Column(str, [pa.Check.isin(LANGUAGES), every]),
            **{f"replicate_{replicate}": role for replicate in range(replicates)},
        },
        strict=True,
    )


def check(split: Split, protocol: str) -> dict[str, Any]:
    """Hold one split against the schema and, under `held_out`, against leaks.

    Returns, for each language, the share of scored names (over all replicates) whose string also
    stands in training. Raises DataError that names the offenders.
    """
    replicates = split.roles.shape[1]
    frame = pd.DataFrame(
        {"name": split.corpus.names, "language": [LANGUAGES[k] for k in split.corpus.languages]}
    )
    for replicate in range(replicates):
        frame[f"replicate_{replicate}"] = split.roles[:, replicate]
    try:
        schema(replicates, protocol).validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        missing = [language for language in LANGUAGES if language not in set(frame["language"])]
        faults = [
            f"no name is {' or '.join(missing)}"
            if case.check == EVERY
            else f"{case.column} {case.failure_case!r} (row {case.index}) is not {case.check}"
            for case in errors.failure_cases.head(SHOWN).itertuples()
        ]
        raise DataError(
            f"the {protocol} split is not what training expects: {'; '.join(faults)}; "
            "mend the names or `normalize`, then run again"
        ) from None

    keys, _ = rows_by_text([name.casefold() for name in split.corpus.names])
    scored, seen = np.zeros(len(LANGUAGES)), np.zeros(len(LANGUAGES))
    for replicate in range(replicates):
        test, training = split.scored_rows(replicate), split.training_rows(replicate)
        if not test.size or not training.size:
            raise DataError(f"the {protocol} split: replicate {replicate} lacks one of its sides")
        leaks = test[np.isin(keys[test], keys[training])]
        if protocol == "held_out" and leaks.size:
            shown = ", ".join(split.corpus.names[row] for row in leaks[:SHOWN])
            raise DataError(
                f"leak: {leaks.size} held-out names of replicate {replicate} also stand in "
                f"training: {shown}{', ...' if leaks.size > SHOWN else ''}; "
                "split by name, so that both sides share none"
            )
        scored += np.bincount(split.corpus.languages[test], minlength=len(LANGUAGES))
        seen += np.bincount(split.corpus.languages[leaks], minlength=len(LANGUAGES))
    shares = seen / np.maximum(scored, 1)
    return {
        "protocol": protocol,
        "names": len(split.corpus.names),
        "replicates": replicates,
        "scored_names_that_stand_in_training": float(seen.sum() / scored.sum()),
        "by_language": dict(zip(LANGUAGES, shares.tolist(), strict=True)),
    }
