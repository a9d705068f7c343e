"""params.yaml: whatever cannot be meant is refused, with its place and what would do."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from support.projects import ROOT

from surnames.core import errors, params
from surnames.networks.lookup import architecture_for_recipe, architectures

DEFAULT = """\
fetch:
  name: practical-pytorch
  identity: b94c636b518c9728255c4c057e9e4599d2e8f7a07d500146243b091596a5cd98
  sources:
    - https://codeload.github.com/spro/practical-pytorch/zip/names.zip
  silence: 10
  seconds: 120
  megabytes: 64
  when_unreachable: starter
normalize:
  not_names: [To The First Page]
protocols:
  published: {}
  held_out: {folds: 5}
  random_split: {held_out_share: 0.15}
study:
  seed: 1
  replicates: 10
  confidence: 0.95
recipes:
  online: {method: sgd, engine: online, hidden_size: 128, learning_rate: 0.005, steps: 100000}
  ngram:
    {method: logistic_regression, longest: 4, passes: 30, inverse_regularization: 1.0,
     balanced: true}
  counting: {method: counting}
architectures:
  majority: {}
  ngram_logistic: {}
  tanh_only: {}
  fixed: {}
runs:
  published-majority: {protocol: published, architecture: majority, recipe: counting}
  published-ngram_logistic: {protocol: published, architecture: ngram_logistic, recipe: ngram}
  published-tanh_only: {protocol: published, architecture: tanh_only, recipe: online}
  published-fixed: {protocol: published, architecture: fixed, recipe: online}
  held_out-majority: {protocol: held_out, architecture: majority, recipe: counting}
  held_out-ngram_logistic: {protocol: held_out, architecture: ngram_logistic, recipe: ngram}
  held_out-fixed: {protocol: held_out, architecture: fixed, recipe: online}
"""  # a study of our own: the default one may change


def refusal(text: str | bytes, folder: Path) -> str:
    """What loading this text says."""
    path = folder / "params.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(errors.ParameterError) as refused:
        params.load(path)
    assert str(path) in str(refused.value)
    return str(refused.value)


def test_default_is_accepted_and_says_what_it_says() -> None:
    """The values of the project's own file come as they stand there, typed and frozen."""
    path = ROOT / "params.yaml"
    config = params.load(path)
    assert config.model_dump() == yaml.safe_load(path.read_text(encoding="utf-8"))
    with pytest.raises(ValidationError, match="frozen"):
        config.study.seed = 2


def test_table_of_architectures_and_params_agree() -> None:
    """One table lists the architectures; params.yaml names the same and trains each of them."""
    config = params.load(ROOT / "params.yaml")
    assert set(config.architectures) == set(architectures())
    assert {run.architecture for run in config.runs.values()} == set(architectures())
    for run in config.runs.values():
        architecture_for_recipe(run.architecture, config.recipe(run))  # its recipe is one for it


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        # unknown, missing
        ("  seed: 1", "  sead: 1", ["study.seed: Field required", "study.sead: no such parameter"]),
        ("study:", "studi:", ["study: Field required", "studi: no such parameter"]),
        ("folds: 5", "folds: 5, shuffle: true", ["protocols.held_out.shuffle: no such parameter"]),
        ("passes: 30, ", "", ["recipes.ngram", "passes: Field required"]),
        # wrong type
        ("seed: 1", "seed: true", ["study.seed", "integer; got True"]),
        ("megabytes: 64", "megabytes: 64.0", ["fetch.megabytes", "got 64.0"]),
        ("seconds: 120", "seconds: true", ["fetch.seconds", "number; got True"]),
        ("balanced: true", "balanced: 1", ["recipes.ngram", "balanced", "boolean; got 1"]),
        ("name: practical-pytorch", "name: 3", ["fetch.name", "string; got 3"]),
        ("held_out: {folds: 5}", "held_out: 5", ["protocols.held_out: must be keys and values"]),
        ("  majority: {}", "  majority:", ["architectures.majority: must be", "`{}` for none"]),
        # YAML 1.1 wants a point and a sign
        ("learning_rate: 0.005", "learning_rate: 1e-3", ["learning_rate", "write 1.0e-3"]),
        ("learning_rate: 0.005", "learning_rate: 125e-9", ["learning_rate", "write 125.0e-9"]),
        ("inverse_regularization: 1.0", "inverse_regularization: 2e3", ["write 2.0e+3"]),
        ("steps: 100000", "steps: 1e5", ["recipes.online", "steps", "write 100000"]),
        ("seconds: 120", "seconds: '120'", ["fetch.seconds", "write 120.0"]),
        ("seconds: 120", "seconds: soon", ["fetch.seconds", "write a number"]),
        # out of range
        ("seed: 1", "seed: -1", ["study.seed", "greater than or equal to 0; got -1"]),
        ("replicates: 10", "replicates: 1", ["study.replicates", "got 1"]),
        ("confidence: 0.95", "confidence: 95", ["study.confidence", "less than 1; got 95"]),
        ("learning_rate: 0.005", "learning_rate: .inf", ["learning_rate", "finite"]),
        ("learning_rate: 0.005", "learning_rate: .nan", ["learning_rate", "finite"]),
        ("learning_rate: 0.005", "learning_rate: 0", ["learning_rate", "greater than 0; got 0"]),
        ("folds: 5", "folds: 1", ["protocols.held_out.folds", "got 1"]),
        ("held_out_share: 0.15", "held_out_share: 1.0", ["held_out_share", "less than 1"]),
        ("silence: 10", "silence: 11", ["fetch.silence", "less than or equal to 10; got 11"]),
        ("identity: b94c", "identity: B94c", ["fetch.identity", "64"]),
        ("- https://code", "- htps://code", ["fetch.sources.0", "https?"]),
        ("unreachable: starter", "unreachable: no", ["'starter' or 'fail'; got False"]),
        # sections that must name each other
        ("method: sgd", "method: adam", ["recipes.online", "'adam'", "'sgd'"]),
        ("method: sgd, ", "", ["recipes.online", "method"]),
        (
            "  held_out-fixed: {protocol: held_out,",
            "  held_out-fixed: {protocol: random_split,",
            ["runs.held_out-fixed: must be named random_split-fixed"],
        ),
        (
            "architecture: tanh_only, recipe: online}",
            "architecture: gru, recipe: online}",
            ["runs.published-tanh_only.architecture: 'gru' is not", "choose from majority, ngram"],
        ),
        (
            "recipe: counting}\n  published-ngram",
            "recipe: slow}\n  published-ngram",
            ["runs.published-majority.recipe: 'slow' is not", "choose from online, ngram, count"],
        ),
        ("protocol: published, architecture: fixed", "protocol: print, architecture: fixed",
         ["runs.published-fixed.protocol", "'published', 'held_out' or 'random_split'"]),
        # what an architecture does differently is held against its own recipe
        ("  fixed: {}", "  fixed: {momentum: 0.9}", ["architectures.fixed.momentum: no such"]),
        ("  fixed: {}", "  fixed: {steps: 0}", ["architectures.fixed.steps", "got 0"]),
        ("  fixed: {}", "  fixed: {learning_rate: 1e-2}", ["fixed.learning_rate", "write 1.0e-2"]),
        ("  fixed: {}", "  fixed: {method: counting}", ["architectures.fixed.method"]),
    ],
)  # fmt: skip
def test_wrong_value_is_refused(before: str, after: str, told: list[str], tmp_path: Path) -> None:
    """One place made wrong: the message names it, what came and what would do."""
    assert DEFAULT.count(before) == 1, f"{before!r} must stand once in params.yaml"
    said = refusal(DEFAULT.replace(before, after), tmp_path)
    for part in told:
        assert part in said


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "all of it: must be keys and values"),
        ("- a list", "all of it: must be keys and values"),
        ("a: {", "is not YAML"),
        ("a: \x00", "is not YAML"),
        (b"a: \xff", "is not YAML"),
        (DEFAULT[: DEFAULT.index("runs:")] + "runs: {}\n", "runs: "),
    ],
)
def test_file_that_is_none_is_refused(text: str | bytes, told: str, tmp_path: Path) -> None:
    """Empty, of another kind, not YAML, not text, or without a run."""
    assert told in refusal(text, tmp_path)


def test_missing_file_says_where_to_be(tmp_path: Path) -> None:
    """A stage run elsewhere; and a folder of that name."""
    with pytest.raises(errors.ParameterError, match="run from the project's folder"):
        params.load(tmp_path / "params.yaml")
    with pytest.raises(errors.ParameterError, match="cannot be read"):
        params.load(tmp_path)


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    """So that a file is mended in one go: within sections, and then between them."""
    text = DEFAULT.replace("seed: 1", "seed: x").replace("folds: 5", "folds: 0")
    said = refusal(text.replace("  silence:", "  silense:"), tmp_path)
    for place in ("study.seed", "protocols.held_out.folds", "fetch.silence", "fetch.silense"):
        assert f"\n  {place}: " in said

    text = DEFAULT.replace("  majority: {}\n", "").replace("recipe: ngram}", "recipe: n}")
    text = text.replace("  fixed: {}", "  fixed: {steps: 0, momentum: 1}")
    said = refusal(text, tmp_path)
    for place in (
        "runs.published-majority.architecture", "runs.held_out-majority.architecture",
        "runs.published-ngram_logistic.recipe", "runs.held_out-ngram_logistic.recipe",
        "architectures.fixed.steps", "architectures.fixed.momentum",
    ):  # fmt: skip
        assert said.count(f"\n  {place}: ") == 1, said


def test_architecture_changes_its_own_recipe_alone(tmp_path: Path) -> None:
    """`fixed: {learning_rate: 0.01}` reaches the runs of `fixed` and no other."""
    path = tmp_path / "params.yaml"
    path.write_text(DEFAULT.replace("  fixed: {}", "  fixed: {learning_rate: 0.01}"))
    config = params.load(path)
    for run in config.runs.values():
        recipe = config.recipe(run)
        if isinstance(recipe, params.Sgd):
            wanted = 0.01 if run.architecture == "fixed" else 0.005
            assert recipe == params.Sgd.model_validate(
                {**yaml.safe_load(DEFAULT)["recipes"]["online"], "learning_rate": wanted}
            )


Leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
Trees = st.recursive(
    Leaves,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(st.data(), Trees)
def test_any_value_at_any_place_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, value: Any
) -> None:
    """Whatever stands wherever: it comes back as it stood, or ParameterError says why not."""
    values = yaml.safe_load(DEFAULT)
    place, steps = values, []
    while isinstance(place, dict) and place:
        steps.append(data.draw(st.sampled_from(list(place))))
        parent, place = place, place[steps[-1]]
        if data.draw(st.booleans()):
            break
    parent[steps[-1]] = value
    path = tmp_path_factory.getbasetemp() / "drawn.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    try:
        assert params.load(path).model_dump() == yaml.safe_load(path.read_text(encoding="utf-8"))
    except errors.ParameterError as error:
        assert steps[0] in str(error) or "runs." in str(error) or "architectures." in str(error)


def stage(name: str, *words: str, folder: Path = ROOT) -> str:
    """What a stage that must fail says; it runs as a process."""
    done = subprocess.run(
        [sys.executable, ROOT / "pipeline" / f"{name}.py", *words],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


def test_stage_says_faults_without_a_traceback(tmp_path: Path) -> None:
    """A run that is not there, words missing or too many, another folder, a stage run too early."""
    assert "no run published-nonsense" in stage("train", "published", "nonsense")
    assert "no architecture 'nonsense'" in stage("evaluate", "published", "nonsense")
    assert "train.py <protocol> <architecture>" in stage("train", "published")
    assert "train.py <protocol> <architecture>" in stage("train", "published", "fixed", "again")
    assert "params.yaml is not here" in stage("train", "published", "fixed", folder=tmp_path)
    (tmp_path / "params.yaml").write_text(DEFAULT)
    said = stage("split", folder=tmp_path)
    assert "data/normalized/lines.csv is not here" in said
    assert "dvc repro" in said


def test_every_error_is_of_one_tree() -> None:
    """What `errors.run` turns into a message is every exception of the project, once defined."""
    tree = {
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, Exception)
    }
    assert all(issubclass(value, errors.SurnamesError) for value in tree)
    assert all(value.__name__ in (errors.__doc__ or "") for value in tree)
