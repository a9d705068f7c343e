"""params.yaml as frozen, typed objects; whatever cannot be meant is refused here, at the door."""

from collections.abc import Iterator, Sequence
from math import isfinite, nan
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from surnames.core.errors import ParameterError, StudyError

PROTOCOLS = ("published", "held_out", "random_split")
Protocol = Literal["published", "held_out", "random_split"]
Positive = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """A part of params.yaml: no key too many, none too few, no type bent to fit."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Fetch(Section):
    """Where the names come from and what they must be; times in seconds."""

    name: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    identity: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    sources: list[Annotated[str, Field(pattern=r"^https?://.")]]
    silence: Annotated[float, Field(gt=0, le=10)]
    seconds: Annotated[float, Field(gt=0)]
    megabytes: Positive
    when_unreachable: Literal["starter", "fail"]


class Normalize(Section):
    """What is no name."""

    not_names: list[str]


class Published(Section):
    """Train on every line, score on the same lines."""


class HeldOut(Section):
    """Stratified folds, grouped by name."""

    folds: Annotated[int, Field(ge=2, le=20)]


class RandomSplit(Section):
    """A random share of all lines is held out."""

    held_out_share: Annotated[float, Field(gt=0, lt=1)]


class Protocols(Section):
    """What is trained on and scored on."""

    published: Published
    held_out: HeldOut
    random_split: RandomSplit


class Study(Section):
    """What all runs share; `confidence` is that of every interval."""

    seed: Annotated[int, Field(ge=0)]
    replicates: Annotated[int, Field(ge=2, le=1000)]
    confidence: Annotated[float, Field(gt=0, lt=1)]


class Sgd(Section):
    """Plain stochastic gradient descent, one name a step."""

    method: Literal["sgd"]
    engine: Literal["online", "reference"]
    hidden_size: Annotated[int, Field(ge=1, le=4096)]
    learning_rate: Annotated[float, Field(gt=0)]
    steps: Positive


class LogisticRegression(Section):
    """Multinomial logistic regression on character n-grams of 1 to `longest` letters."""

    method: Literal["logistic_regression"]
    longest: Annotated[int, Field(ge=1, le=6)]
    inverse_regularization: Annotated[float, Field(gt=0)]
    passes: Positive
    balanced: bool


class Counting(Section):
    """Count the languages; nothing to choose."""

    method: Literal["counting"]


Recipe = Annotated[Sgd | LogisticRegression | Counting, Field(discriminator="method")]


class Run(Section):
    """One (protocol, architecture) of the study and the recipe that trains it."""

    protocol: Protocol
    architecture: str
    family: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]  # its file in architectures/
    recipe: str

    def __str__(self) -> str:
        return f"{self.protocol}-{self.architecture}"


class Params(Section):
    """All of params.yaml."""

    fetch: Fetch
    normalize: Normalize
    protocols: Protocols
    study: Study
    recipes: dict[str, Recipe]
    architectures: dict[str, dict[str, Any]]
    runs: Annotated[dict[str, Run], Field(min_length=1)]

    @model_validator(mode="after")
    def agree(self) -> "Params":
        """The sections name each other rightly."""
        faults = [
            fault for key, run in self.runs.items() for fault in self._disagreements(key, run)
        ]
        if faults:
            raise ValueError("\n  ".join(dict.fromkeys(faults)))
        return self

    def _disagreements(self, key: str, run: Run) -> Iterator[str]:
        """What is wrong with one entry of `runs`."""
        if key != str(run):
            yield f"runs.{key}: must be named {run}, after its own two parts"
        if run.architecture not in self.architectures:
            known = ", ".join(self.architectures)
            yield (
                f"runs.{key}.architecture: {run.architecture!r} is not under `architectures`; "
                f"choose from {known}, or add it there"
            )
        if run.recipe not in self.recipes:
            known = ", ".join(self.recipes)
            yield f"runs.{key}.recipe: {run.recipe!r} is not under `recipes`; choose from {known}"
        elif run.architecture in self.architectures:
            try:
                self.recipe(run)
            except ValidationError as error:
                yield from _faults(error, f"architectures.{run.architecture}.")

    def run(self, protocol: str, architecture: str) -> Run:
        """That run of the study; raises StudyError that names those there are."""
        try:
            return self.runs[f"{protocol}-{architecture}"]
        except KeyError:
            known = ", ".join(self.runs)
            raise StudyError(
                f"no run {protocol}-{architecture} under `runs` in params.yaml; there are {known}"
            ) from None

    def recipe(self, run: Run) -> Recipe:
        """The run's recipe with what its architecture does differently."""
        recipe = self.recipes[run.recipe]
        changes = self.architectures[run.architecture]
        return type(recipe).model_validate(recipe.model_dump() | changes)


def load(path: Path = Path("params.yaml")) -> Params:
    """The study's parameters; raises ParameterError that names every wrong place."""
    _, values = read_written(path)
    try:
        return Params.model_validate(values)
    except ValidationError as error:
        faults = "\n  ".join(_faults(error))
        raise ParameterError(f"{path} cannot be meant:\n  {faults}") from None


def read_yaml(path: Path) -> Any:
    """A YAML file that a program wrote, such as dvc.lock."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice, of which PyYAML would silently take the latter."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The mapping; raises ConstructorError for a key that stands twice."""
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                problem = f"the key {key.value!r} stands here a second time"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_written(path: Path) -> tuple[str, Any]:
    """The text and the values of a YAML file that a person wrote; raises ParameterError."""
    try:
        text = path.read_text(encoding="utf-8")
        return text, yaml.load(text, _Loader)
    except FileNotFoundError:
        raise ParameterError(f"{path} is not here; run from the project's folder") from None
    except OSError as error:
        raise ParameterError(f"{path} cannot be read: {error}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ParameterError(f"{path} is not YAML: {error}") from None


def line_of(text: str, place: Sequence[str | int]) -> int:
    """The line (from 1) on which that place of a YAML text begins, or what holds it does."""
    node = yaml.compose(text, yaml.SafeLoader)
    for step in place:
        inner = None
        if isinstance(node, yaml.SequenceNode):
            inner = next((item for k, item in enumerate(node.value) if k == step), None)
        elif isinstance(node, yaml.MappingNode):
            inner = next((value for key, value in node.value if key.value == step), None)
        if inner is None:
            break
        node = inner
    return int(node.start_mark.line) + 1 if node else 1


def _faults(error: ValidationError, section: str = "") -> list[str]:
    """One line for each fault: the place, what came, what was expected."""
    lines = []
    for fault in error.errors():
        if fault["type"] == "value_error":
            lines.append(str(fault["ctx"]["error"]))
            continue
        place = section + ".".join(map(str, fault["loc"])) or "all of it"
        if fault["type"] == "extra_forbidden":
            lines.append(f"{place}: no such parameter; remove it or correct its name")
            continue
        if fault["type"] in ("model_type", "dict_type"):
            lines.append(
                f"{place}: must be keys and values (`{{}}` for none); got {fault['input']!r}"
            )
            continue
        message = f"{place}: {fault['msg']}"
        if fault["type"] not in ("missing", "union_tag_invalid", "union_tag_not_found"):
            message += f"; got {fault['input']!r}"
        if fault["type"] in ("float_type", "int_type") and isinstance(fault["input"], str):
            whole = fault["type"] == "int_type"
            message += f" (YAML reads that as text; write {_as_number(fault['input'], whole)})"
        lines.append(message)
    return lines


def _as_number(text: str, whole: bool) -> str:
    """The same number as YAML 1.1 reads one: with a point, and a sign in its exponent."""
    try:
        number = float(text)
    except ValueError:
        number = nan
    if not isfinite(number) or (whole and number % 1):
        return "a whole number" if whole else "a number"
    if whole:
        return str(int(number))
    mantissa, _, exponent = text.strip().lower().partition("e")
    mantissa += "" if "." in mantissa else ".0"
    return mantissa + (f"e{int(exponent):+d}" if exponent else "")
