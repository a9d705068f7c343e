"""The report's field for a surname: two networks read it in the page, letter by letter.

The page computes by itself (`templates/try_a_name.js`), from the networks' weights and from the
rules by which names were cleaned for training. Both are given to it as data, so that nothing is
typed twice.
"""

import base64
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from surnames.architectures import elman
from surnames.core import alphabet
from surnames.core.corpus import LANGUAGES
from surnames.display.html import environment
from surnames.display.wording import words
from surnames.networks.network import Weights
from surnames.prediction.reading import EMPTY, LEFT_OUT, NOTHING_LEFT

ARCHITECTURES = ("tutorial_2017", "fixed")  # the two that the question is about
EXAMPLES = ("Satoshi", "Schmidhuber", "Ślusàrski")  # the first one is read when the page opens
TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class ShownNetwork:
    """One replicate of one of the ARCHITECTURES, named and shaped as `Elman` says."""

    architecture: str
    replicate: int
    weights: Weights

    @property
    def words(self) -> str:
        """What it is made of."""
        return words(self.architecture)

    def as_data(self) -> dict[str, Any]:
        """What the page must know to compute as `Elman.probabilities`."""
        return {
            "architecture": self.architecture,
            "words": self.words,
            "activation": elman.ARCHITECTURES[self.architecture].activation,
            "weights": {name: _encoded(array) for name, array in self.weights.items()},
        }


def section(networks: Sequence[ShownNetwork]) -> Markup:
    """The field and its answers as HTML; which of the ARCHITECTURES is missing is said."""
    held = {network.architecture for network in networks}
    page = environment(TEMPLATES, escape=True).get_template("try_a_name.html")
    data = {
        "alphabet": _alphabet(),
        "languages": LANGUAGES,
        "messages": {"empty": EMPTY, "nothing_left": NOTHING_LEFT, "left_out": LEFT_OUT},
        "networks": [network.as_data() for network in networks],
    }
    missing = [name for name in ARCHITECTURES if name not in held]
    return Markup(page.render(networks=networks, missing=missing, examples=EXAMPLES, data=data))


def _encoded(array: np.ndarray) -> str:
    """Little-endian float32, row by row, in base64: a browser's own kind of array.

    Not rounded, 145 kB a network: with 16 bits a weight, probabilities after 40 letters were off by
    up to 0.005 (integers with a scale) and 0.012 (float16).
    """
    return base64.b64encode(array.astype("<f4").tobytes()).decode()


def _alphabet() -> dict[str, Any]:
    """The rules of `alphabet.cleaned_form`, asked of it and of Python where it asks them itself."""
    return {
        "letters": alphabet.LETTERS,
        "kept": [one for one in alphabet.LETTERS if one in alphabet.cleaned_form(f"a{one}a")],
        "spelled_out": {chr(code): text for code, text in alphabet.TRANSLITERATIONS.items()},
        "white_space": [chr(code) for code in range(sys.maxunicode + 1) if chr(code).isspace()],
    }
