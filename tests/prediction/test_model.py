"""The same numbers as everywhere."""

import numpy as np
import pytest
from support.untrained import SMALL, network

from surnames.architectures.elman import Elman
from surnames.core import alphabet
from surnames.core.corpus import LANGUAGES
from surnames.core.errors import StudyError
from surnames.networks.lookup import architectures
from surnames.prediction.model import Model

ELMAN = [name for name, row in architectures().items() if type(row) is Elman]


@pytest.mark.parametrize("architecture", ELMAN)
def test_both_engines_and_the_portable_scorer_agree(architecture: str) -> None:
    """All that know the recurrence, torch's autograd too, on 1,000 names of 1 to 40 letters."""
    from surnames.networks import reference

    model = network(architecture)
    rng = np.random.default_rng(2)
    names = [
        "".join(rng.choice(list(alphabet.LETTERS), size)) for size in rng.integers(1, 41, 1000)
    ]
    found = model.probabilities(names)
    np.testing.assert_allclose(found, model.probabilities(names, many=True), atol=1e-5)
    row = model.architecture
    assert isinstance(row, Elman)
    plain = reference.ElmanModule(row.activation, row.readout, len(model.weights["cell.bias"]))
    reference.set_weights(plain, model.weights)
    np.testing.assert_allclose(found, reference.probabilities(plain, names), atol=1e-5)


def test_the_belief_after_a_letter_is_the_answer_to_what_was_read() -> None:
    """So far, and no further; a space is a letter like any other."""
    [found] = SMALL.answers(["O'Brien Smith"], top=18, by_letter=True)
    assert "".join(one["letter"] for one in found["by_letter"]) == "O'Brien Smith"
    assert found["by_letter"][-1]["answers"] == found["answers"]
    for k, belief in enumerate(found["by_letter"], 1):
        [row] = SMALL.probabilities(["O'Brien Smith"[:k]])
        said = {one["language"]: one["probability"] for one in belief["answers"]}
        np.testing.assert_allclose([said[language] for language in LANGUAGES], row, atol=1e-6)


def test_a_network_that_gives_no_numbers_does_not_answer() -> None:
    """Instead of a made-up language."""
    broken = Model("broken", SMALL.architecture, {k: v * np.nan for k, v in SMALL.weights.items()})
    with pytest.raises(StudyError, match="diverged"):
        broken.answers(["Satoshi"])
