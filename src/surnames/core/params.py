"""params.yaml as frozen, typed objects; an invalid value is refused with its place and line."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator
from ruamel.yaml import YAML

from surnames.core import yaml_files
from surnames.core.errors import StudyError
from surnames.core.hidden import is_hidden
from surnames.core.streams import Protocol

# names are words of shell commands and of paths in dvc.yaml
Name = Annotated[str, Field(pattern=r"^[a-z0-9_]+$", max_length=60)]
RunName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=120)]


def _on_one_line(text: str) -> str:
    hidden = {f"U+{ord(one):04X}" for one in text if not one.isprintable() or is_hidden(one)}
    if hidden or not text.strip():
        here = f" (here {', '.join(sorted(hidden)):.60})" if hidden else ""
        raise ValueError(f"must be one line of text without hidden characters{here}")
    return text


# what people read in tables and pages: no line breaks, controls, or marks that turn text around
Text = Annotated[str, Field(min_length=1, max_length=400), AfterValidator(_on_one_line)]
Address = Annotated[str, Field(pattern=r"^https?://[\w.~:/?#@!$&'*+,;=%-]+$", max_length=400)]


class Section(BaseModel):
    """A part of params.yaml: every key is required and known, no type is converted."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Fetch(Section):
    """Where the names come from and what they must be; times in seconds."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=60)]
    identity: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    sources: Annotated[list[Address], Field(max_length=20)]
    silence: Annotated[float, Field(gt=0, le=10)]
    seconds: Annotated[float, Field(gt=0, le=3600)]
    megabytes: Annotated[int, Field(ge=1, le=1000)]
    when_unreachable: Literal["starter", "fail"]


class Normalize(Section):
    """Lines that are not names."""

    not_names: Annotated[list[Text], Field(max_length=10_000)]


Replicates = Annotated[int, Field(ge=2, le=1000)]


class Published(Section):
    """Train on every line, score on the same lines."""

    replicates: Replicates


class HeldOut(Section):
    """Stratified folds, grouped by name, drawn anew for each repetition."""

    folds: Annotated[int, Field(ge=2, le=20)]
    repetitions: Annotated[int, Field(ge=1, le=100)]

    @property
    def replicates(self) -> int:
        """A network for each fold of each repetition."""
        return self.folds * self.repetitions


class RandomSplit(Section):
    """A random share of all lines is held out."""

    held_out_share: Annotated[float, Field(ge=0.01, le=0.99)]
    replicates: Replicates


class Protocols(Section):
    """What is trained on and scored on."""

    published: Published
    held_out: HeldOut
    random_split: RandomSplit

    def replicates(self, protocol: str) -> int:
        """How many networks a run has under it."""
        return int(getattr(self, protocol).replicates)


class Study(Section):
    """What all runs share; `confidence` is that of every interval.

    An effect within `margin` (a share: 0.02 is two points) of a threshold is practically the same.
    """

    seed: Annotated[int, Field(ge=0, lt=2**63)]
    margin: Annotated[float, Field(ge=1e-6, le=0.5)]
    confidence: Annotated[float, Field(ge=0.5, le=0.9999)]


class Sgd(Section):
    """Plain stochastic gradient descent, one name a step."""

    method: Literal["sgd"]
    engine: Literal["online", "reference"]
    hidden_size: Annotated[int, Field(ge=1, le=4096)]
    learning_rate: Annotated[float, Field(ge=1e-9, le=1000)]
    steps: Annotated[int, Field(ge=1, le=10**7)]  # drawn beforehand: 32 bytes each


class LogisticRegression(Section):
    """Multinomial logistic regression on character n-grams of 1 to `longest` letters."""

    method: Literal["logistic_regression"]
    longest: Annotated[int, Field(ge=1, le=6)]
    inverse_regularization: Annotated[float, Field(ge=1e-9, le=1e9)]
    passes: Annotated[int, Field(ge=1, le=100_000)]
    balanced: bool


class Counting(Section):
    """Count the languages; nothing to choose."""

    method: Literal["counting"]


Recipe = Annotated[Sgd | LogisticRegression | Counting, Field(discriminator="method")]


class Run(Section):
    """One (protocol, architecture) of the study and the recipe that trains it."""

    name: Annotated[str, Field(exclude=True)]  # its key in params.yaml
    protocol: Protocol
    architecture: Name
    family: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]  # its file
    recipe: Name

    def __str__(self) -> str:
        return self.name


class Params(Section):
    """All of params.yaml."""

    fetch: Fetch
    normalize: Normalize
    protocols: Protocols
    study: Study
    recipes: dict[Name, Recipe]
    architectures: dict[Name, dict[str, Any]]
    runs: Annotated[dict[RunName, Run], Field(min_length=1, max_length=1000)]

    @field_validator("runs", mode="before")
    @classmethod
    def name_runs(cls, runs: Any) -> Any:
        """The runs with their keys as their names."""
        if not isinstance(runs, dict):
            return runs
        return {
            key: {"name": key} | run if isinstance(run, dict) else run for key, run in runs.items()
        }

    def disagreements(self) -> Iterator[yaml_files.Fault]:
        """The places in `runs` and `architectures` that contradict others, and how."""
        first: dict[tuple[str, str], str] = {}
        for name, run in self.runs.items():
            if run.name != name:
                yield ("runs", name, "name"), "a run's name is its key; remove this"
            if (same := first.setdefault((run.protocol, run.architecture), name)) != name:
                yield ("runs", name), f"has the protocol and architecture of {same}; remove one"
            for key, known in (("architecture", self.architectures), ("recipe", self.recipes)):
                if (chosen := getattr(run, key)) not in known:
                    choices = f"choose from {', '.join(known):.200}"
                    yield ("runs", name, key), f"{chosen!r} is not under `{key}s`; {choices}"
            try:
                self.recipe(run)
            except KeyError:
                continue  # said above
            except ValidationError as error:
                for place, message in yaml_files.faults(error):
                    yield ("architectures", run.architecture, *place), message

    def run(self, protocol: str, architecture: str) -> Run:
        """That run of the study; raises StudyError that names those there are."""
        for run in self.runs.values():
            if (run.protocol, run.architecture) == (protocol, architecture):
                return run
        known = ", ".join(self.runs)
        raise StudyError(f"no run {protocol} {architecture} in params.yaml; there are {known}")

    def recipe(self, run: Run) -> Recipe:
        """The run's recipe with what its architecture does differently."""
        recipe = self.recipes[run.recipe]
        changes = self.architectures[run.architecture]
        return type(recipe).model_validate(recipe.model_dump() | changes)


def load(path: Path = Path("params.yaml")) -> Params:
    """The study's parameters; raises ParameterError that names every wrong place."""
    return yaml_files.load(path, Params, Params.disagreements)


def read_yaml(path: Path) -> Any:
    """The values of a YAML file that a program wrote, such as dvc.lock."""
    return YAML(typ="safe").load(path)
