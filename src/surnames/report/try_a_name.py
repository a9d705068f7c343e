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
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from surnames.architectures.elman import Elman
from surnames.core import alphabet
from surnames.core.corpus import LANGUAGES
from surnames.display import headline
from surnames.networks.lookup import architectures
from surnames.networks.network import Weights
from surnames.prediction.reading import EMPTY, LEFT_OUT, NOTHING_LEFT

ARCHITECTURES = ("tutorial_2017", "fixed")  # the two that the question is about
EXAMPLES = ("Satoshi", "Schmidhuber", "Ślusàrski")  # the first one is read when the page opens
_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
)  # fmt: skip


@dataclass(frozen=True)
class Network:
    """One replicate of one of the ARCHITECTURES, named and shaped as `Elman` says."""

    architecture: str
    replicate: int
    weights: Weights

    @property
    def words(self) -> str:
        """What it is made of."""
        return headline.words(self.architecture)


def section(networks: Sequence[Network]) -> Markup:
    """The field and its answers as HTML; which of the ARCHITECTURES is missing is said."""
    held = {network.architecture for network in networks}
    return Markup(
        _TEMPLATES.get_template("try_a_name.html").render(
            networks=networks,
            missing=[name for name in ARCHITECTURES if name not in held],
            examples=EXAMPLES,
            data={
                "alphabet": _alphabet(),
                "languages": LANGUAGES,
                "messages": {
                    "empty": EMPTY,
                    "nothing_left": NOTHING_LEFT,
                    "left_out": LEFT_OUT,
                },
                "networks": [_network(network) for network in networks],
            },
        )
    )


def _network(network: Network) -> dict[str, Any]:
    """What the page must know to compute as `Elman.probabilities`."""
    row = architectures()[network.architecture]
    assert isinstance(row, Elman)
    return {
        "architecture": network.architecture,
        "words": network.words,
        "activation": row.activation,
        "weights": {name: _encoded(array) for name, array in network.weights.items()},
    }


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
