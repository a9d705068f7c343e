"""Where the page comes from: data set, files by digest, parameters, libraries."""

from dataclasses import dataclass
from importlib import metadata
from typing import Any

from markupsafe import Markup

from surnames.core import params
from surnames.core.params import Protocols, Recipe
from surnames.display.html import UNSTAMPED, Section, Table, code

LIBRARIES = (
    *("torch", "numpy", "scipy", "scikit-learn", "numba", "pandas"),
    *("matplotlib", "dvc", "mlflow"),
)


@dataclass(frozen=True)
class Settings:
    """The parts of params.yaml that the page shows."""

    architectures: dict[str, dict[str, Any]]
    protocols: Protocols
    recipes: dict[str, Recipe]
    study: params.Study

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Each parameter's full name and value."""
        return [
            *_flat(self.study.model_dump(), "study."),
            *_flat(self.protocols.model_dump(), "protocols."),
            *_flat(
                {name: recipe.model_dump() for name, recipe in self.recipes.items()}, "recipes."
            ),
            *_flat(self.architectures, "architectures."),
        ]


def section(data_set: dict[str, str], digests: dict[str, str], settings: Settings) -> Section:
    """The data set, the digests of what the page is made from, the parameters, the libraries."""
    facts = [
        Markup("Data set: {}, identity <code>{}</code>").format(
            data_set["name"], data_set["identity"]
        ),
        "Libraries: " + ", ".join(f"{name} {_version(name)}" for name in LIBRARIES),
        Markup(
            "The digests beneath are those of <code>dvc.lock</code>, where each stands with the "
            "command, code and parameters that the file came from."
        ),
        UNSTAMPED,
    ]
    inputs = Table(
        "The files that this page is made from, with their MD5",
        ["file", "MD5"],
        [[code(path), code(digest)] for path, digest in digests.items()],
        folded=True,
    )
    values = [[code(name), value] for name, value in settings.pairs]
    table = Table("Parameters of this study", ["parameter", "value"], values, folded=True)
    return Section("provenance", "Where this comes from", tables=[inputs, table], items=facts)


def _version(library: str) -> str:
    return metadata.version(library).partition("+")[0]  # torch's says which processor it is for


def _flat(values: dict[str, Any], place: str) -> list[tuple[str, str]]:
    """`{"online": {"steps": 1}}`, `recipes.` as `[("recipes.online.steps", "1")]`."""
    pairs = []
    for key, value in values.items():
        if isinstance(value, dict):
            pairs += _flat(value, f"{place}{key}.")
        else:
            pairs.append((place + key, str(value)))
    return pairs
