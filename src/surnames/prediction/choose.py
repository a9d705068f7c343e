"""Which network answers: by architecture, by its address in the registry, or by a path."""

import math
from pathlib import Path

from safetensors import SafetensorError, safe_open

from surnames.core import files, tables
from surnames.core.corpus import LANGUAGES
from surnames.core.digests import digest
from surnames.core.errors import DataError, InputError, StudyError
from surnames.evaluation.scoring import load_columns, median_replicate
from surnames.networks.lookup import architectures
from surnames.networks.network import Architecture, Weights, check_header, check_weights
from surnames.prediction.model import Model
from surnames.project import LOCK
from surnames.study import summary
from surnames.study.paths import SUMMARY
from surnames.tracking.model_card import labels
from surnames.tracking.store import MODEL

NAMED = {"tutorial": "tutorial_2017"}  # as the registry's alias
REGISTERED = "models:/"
LARGEST = 250_000_000  # numbers of a network that is read; the widest allowed has a fifteenth
CHAMPION = f"{REGISTERED}{MODEL}@champion"


def load(model: str = "fixed", here: Path = Path()) -> Model:
    """The network of that name.

    - `fixed`, `tutorial` or another architecture: its network with the median macro recall on
      held-out names (as the registry's), or as published where the study holds nothing out;
    - `champion`, `models:/...`: that of MLflow's registry;
    - a path from `here`: a run's folder or its weights.safetensors, or a logged model's folder.

    Raises InputError that lists the names that there are.
    """
    uri = CHAMPION if model == "champion" else model
    if uri.startswith(REGISTERED):
        from surnames.tracking import registry

        with registry.registered(uri) as files_of_model:
            return logged(files_of_model / "artifacts", uri)
    architecture = NAMED.get(model, model)
    if architecture in architectures():
        return _of_study(architecture)
    path = here / model
    if not path.exists():
        known = ", ".join(("champion", *NAMED, *architectures()))
        raise InputError(
            f"no model {model!r}; choose from {known}, a path to weights.safetensors, the folder "
            "of a logged model, or models:/<name>/<version>"
        )
    folder = path if path.is_dir() else path.parent
    for place in (folder, folder / "artifacts"):
        if (place / "card.json").is_file():
            return logged(place, model)
    return _of_run(folder, folder / "weights.safetensors" if path.is_dir() else path)


def _of_study(architecture: str) -> Model:
    """The network that stands for an architecture of this study."""
    study = summary.load()
    for protocol in ("held_out", "published"):
        if (protocol, architecture) in study.runs:
            path = files.weights(protocol, architecture)
            if path.is_file() and LOCK.is_file() and digest(path) not in LOCK.read_text("utf-8"):
                raise StudyError(f"{path} is not what {LOCK} says; `make repro` makes it again")
            return _of_run(path.parent, path, study.data_set)
    known = ", ".join(study.architectures)
    raise InputError(f"{SUMMARY} has no run of {architecture}; it has {known}")


def _of_run(folder: Path, path: Path, data_set: str = "") -> Model:
    """The median network of a run's folder; its first one where no scores are beside it."""
    folder = folder.resolve()
    architecture = architectures().get(folder.name)
    if architecture is None:
        known = ", ".join(architectures())
        raise InputError(
            f"{path}: the folder's name, {folder.name!r}, is no architecture; expected one of "
            f"{known}"
        )
    table, replicate = folder / "evaluation" / "scores.csv", 0
    if table.is_file():
        with tables.reading(table):
            replicate = median_replicate(load_columns(table)["macro_recall"])
    name = f"{folder.parent.name}-{folder.name}-{replicate}"
    return _model(name, architecture, path, _weights(path, f"{replicate}."), data_set)


def _model(
    name: str, architecture: Architecture, path: Path, weights: Weights, data_set: str = ""
) -> Model:
    """The model of the weights of a file; StudyError where they are not of that architecture."""
    try:
        check_weights(weights, architecture)
    except ValueError as error:
        raise StudyError(
            f"{path}: {error}; the file is damaged, of another project, or of a network that "
            "diverged"
        ) from None
    return Model(name, architecture, weights, data_set)


def _weights(path: Path, prefix: str) -> Weights:
    """The arrays of a safetensors file whose names begin with the prefix, without it."""
    try:
        check_header(path)
        with safe_open(path, "numpy") as file:
            keys = [key for key in file.keys() if key.startswith(prefix)]  # noqa: SIM118
            if sum(math.prod(file.get_slice(key).get_shape()) for key in keys) > LARGEST:
                raise ValueError(f"more than {LARGEST:,} numbers in one network")
            weights = {key.removeprefix(prefix): file.get_tensor(key) for key in keys}
    except FileNotFoundError:
        raise StudyError(f"{path} is not here; run `make repro`, or `dvc pull`") from None
    except (OSError, SafetensorError, ValueError, TypeError, AttributeError) as error:
        # the last two are of kinds of numbers that NumPy does not have
        raise StudyError(f"{path} is no safetensors file of ours: {error}") from None
    if not weights:
        raise StudyError(f"{path} holds no network; expected arrays named `{prefix or '0.'}...`")
    return weights


def logged(folder: Path, name: str) -> Model:
    """The model of `weights.safetensors` and `card.json`, as `tracking` logs them.

    Raises StudyError where it reads or answers otherwise than this project does, or may do so.
    """
    if not (folder / "card.json").is_file():
        raise StudyError(f"{name} holds no card.json; it is no model that this project logged")
    try:
        card = tables.read_json(folder / "card.json")
    except DataError as error:
        raise StudyError(str(error).partition(";")[0]) from None
    if not isinstance(card, dict):
        raise StudyError(f"{folder / 'card.json'} is no model card; expected keys and values")
    for key, value in labels().items():
        if card.get(key) != value:
            raise StudyError(
                f"{name} was logged with other {key}; load it by mlflow.pyfunc.load_model"
            )
    path = folder / "weights.safetensors"
    weights = _weights(path, "")
    kind = {key: value for key, value in card.items() if key not in labels()}
    if kind.get("kind") == "elman" and "readout" not in kind:  # logged before cards had it
        sizes = [weights[one].size for one in ("readout.weight", "cell.bias") if one in weights]
        combined = len(sizes) == 2 and sizes[0] > len(LANGUAGES) * sizes[1]
        kind["readout"] = "combined" if combined else "hidden"
    for architecture in architectures().values():
        if architecture.card() == kind:
            return _model(name, architecture, path, weights)
    raise StudyError(f"{name} is of a kind that this project does not have: {kind!r:.200}")
