"""What a model must carry to be scored without this project."""

from typing import Any

from surnames.core import alphabet
from surnames.core.corpus import LANGUAGES
from surnames.networks.network import Architecture


def labels() -> dict[str, Any]:
    """The languages, the letters and how foreign letters are spelled out."""
    return {
        "languages": list(LANGUAGES),
        "letters": alphabet.LETTERS,
        "spelled_out": {chr(code): text for code, text in alphabet.TRANSLITERATIONS.items()},
    }


def model_card(architecture: Architecture) -> dict[str, Any] | None:
    """All that `portable_scorer.py` must know; None where it takes more than NumPy to score it."""
    card = architecture.card()
    return None if card is None else card | labels()
