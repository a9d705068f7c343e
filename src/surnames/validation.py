"""The check between splitting and training: the schema of a split, and the leakage gate."""

from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa

from surnames import alphabet
from surnames.corpus import BOTH, LANGUAGES, TEST, TRAIN, Split
from surnames.errors import DataError

SHOWN = 5  # offenders that a message names


def schema(replicates: int) -> pa.DataFrameSchema:
    """What every split must be: known languages, our letters, no empty name, a role each."""
    letters = "".join(f"\\{letter}" if letter in ".'" else letter for letter in alphabet.LETTERS)
    role = pa.Column(str, pa.Check.isin([TRAIN, TEST, BOTH]))
    return pa.DataFrameSchema(
        {
            "name": pa.Column(str, pa.Check.str_matches(rf"^[{letters}]+$")),
            "language": pa.Column(
                str,
                [
                    pa.Check.isin(LANGUAGES),
                    pa.Check(lambda column: set(column) == set(LANGUAGES), name="all_languages"),
                ],
            ),
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
        schema(replicates).validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases.head(SHOWN)
        faults = "; ".join(
            f"{case.column}: {case.failure_case!r} fails {case.check}"
            for case in cases.itertuples()
        )
        raise DataError(
            f"the {protocol} split is not what training expects: {faults}; "
            "mend the names or `normalize`, then run again"
        ) from None

    keys = np.unique([name.casefold() for name in split.corpus.names], return_inverse=True)[1]
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
