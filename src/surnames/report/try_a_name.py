"""The report's field for a surname: two networks read it in the page, letter by letter.

The page computes by itself (`templates/try_a_name.js`), from the networks' weights and from the
rules by which names were cleaned for training. Both are given to it as data, so that nothing is
typed twice.
"""

import base64
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from surnames.core import alphabet
from surnames.core.corpus import LANGUAGES
from surnames.display.sentences import COMPARED
from surnames.display.wording import words
from surnames.networks.lookup import get_architecture
from surnames.networks.network import Weights
from surnames.prediction.reading import EMPTY, LEFT_OUT, NOTHING_LEFT

EXAMPLES = ("Satoshi", "Schmidhuber", "Ślusàrski")  # the first one is read when the page opens


@dataclass(frozen=True)
class ShownNetwork:
    """One replicate of an Elman network."""

    architecture: str
    replicate: int
    weights: Weights

    def as_data(self) -> dict[str, Any]:
        """What the page must know to compute as `Elman.probabilities`."""
        card = get_architecture(self.architecture).card() or {}
        return {
            "architecture": self.architecture,
            "words": words(self.architecture),
            "activation": card["activation"],
            "weights": {name: encoded(array) for name, array in self.weights.items()},
        }


def values(networks: Sequence[ShownNetwork]) -> dict[str, Any]:
    """What the field's template is filled with; `missing` are those compared that are not here."""
    held = {network.architecture for network in networks}
    return {
        "networks": networks,
        "missing": [name for name in COMPARED if name not in held],
        "examples": EXAMPLES,
        "data": {
            "alphabet": rules(),
            "languages": LANGUAGES,
            "messages": {"empty": EMPTY, "nothing_left": NOTHING_LEFT, "left_out": LEFT_OUT},
            "networks": [network.as_data() for network in networks],
        },
    }


def encoded(array: np.ndarray) -> str:
    """Little-endian float32, row by row, in base64: a browser's own kind of array.

    Not rounded, 145 kB a network: with 16 bits a weight, probabilities after 40 letters were off by
    up to 0.005 (integers with a scale) and 0.012 (float16).
    """
    return base64.b64encode(array.astype("<f4").tobytes()).decode()


def rules() -> dict[str, Any]:
    """The rules of `alphabet.cleaned_form`, asked of it and of Python where it asks them itself."""
    return {
        "letters": alphabet.LETTERS,
        "kept": [one for one in alphabet.LETTERS if one in alphabet.cleaned_form(f"a{one}a")],
        "spelled_out": {chr(code): text for code, text in alphabet.TRANSLITERATIONS.items()},
        "white_space": [chr(code) for code in range(sys.maxunicode + 1) if chr(code).isspace()],
    }
