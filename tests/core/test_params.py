"""params.yaml: an invalid value is refused with its line, its place and what is valid."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from dvc.utils.serialize import dumps_yaml, loads_yaml
from hypothesis import given, settings
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
  published: {replicates: 10}
  held_out: {folds: 5, repetitions: 2}
  random_split: {held_out_share: 0.15, replicates: 10}
study:
  seed: 1
  margin: 0.02
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
  published-majority:
    {protocol: published, architecture: majority, family: majority, recipe: counting}
  published-ngram_logistic:
    {protocol: published, architecture: ngram_logistic, family: ngram_logistic, recipe: ngram}
  published-tanh_only:
    {protocol: published, architecture: tanh_only, family: elman, recipe: online}
  published-fixed: {protocol: published, architecture: fixed, family: elman, recipe: online}
  held_out-majority:
    {protocol: held_out, architecture: majority, family: majority, recipe: counting}
  held_out-ngram_logistic:
    {protocol: held_out, architecture: ngram_logistic, family: ngram_logistic, recipe: ngram}
  held_out-fixed: {protocol: held_out, architecture: fixed, family: elman, recipe: online}
"""  # a study of our own: the default one may change


def refusal(text: str, folder: Path) -> str:
    """The message of loading this text."""
    path = folder / "params.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(errors.ParameterError) as refused:
        params.load(path)
    assert str(refused.value).startswith(f"{path} is invalid:\n  line ")
    return str(refused.value)


def test_default_is_accepted_and_says_what_it_says() -> None:
    """The values of the project's own file come as they stand there, typed and frozen."""
    path = ROOT / "params.yaml"
    config = params.load(path)
    assert config.model_dump() == loads_yaml(path.read_text(encoding="utf-8"))
    with pytest.raises(ValidationError, match="frozen"):
        config.study.seed = 2


def test_table_of_architectures_and_params_agree() -> None:
    """One table lists the architectures; params.yaml names the same and trains each of them."""
    config = params.load(ROOT / "params.yaml")
    assert set(config.architectures) == set(architectures())
    assert {run.architecture for run in config.runs.values()} == set(architectures())
    for run in config.runs.values():
        architecture_for_recipe(run, config.recipe(run))  # its recipe is one for it


@pytest.mark.parametrize(
    ("before", "after", "parts"),
    [
        # unknown, missing
        ("  seed: 1", "  sead: 1", ["line 16: study: seed is missing", "17: study.sead: unknown"]),
        ("study:", "studi:", ["line 1: study is missing", "line 16: studi: unknown key; remove"]),
        ("folds: 5", "folds: 5, shuffle: true", ["line 14: protocols.held_out.shuffle: unknown"]),
        ("passes: 30, ", "", ["line 22: recipes.ngram: passes is missing"]),
        # wrong type
        ("seed: 1", "seed: true", ["line 17: study.seed: Input should be a valid integer; got T"]),
        ("megabytes: 64", "megabytes: 64.0", ["fetch.megabytes", "got 64.0"]),
        ("seconds: 120", "seconds: true", ["fetch.seconds", "number; got True"]),
        ("seconds: 120", "seconds: '120'", ["fetch.seconds", "number; got '120'"]),
        ("seconds: 120", "seconds: soon", ["fetch.seconds", "number; got 'soon'"]),
        ("steps: 100000", "steps: 1e5", ["recipes.online.steps", "integer; got 100000.0"]),
        ("balanced: true", "balanced: 1", ["recipes.ngram.balanced", "boolean; got 1"]),
        ("balanced: true", "balanced: yes", ["recipes.ngram.balanced", "boolean; got 'yes'"]),
        ("name: practical-pytorch", "name: 3", ["fetch.name", "string; got 3"]),
        ("name: practical-pytorch", "name: 2024-01-01", ["fetch.name", "got datetime.date(2024"]),
        (
            "held_out: {folds: 5, repetitions: 2}",
            "held_out: 5",
            ["line 14: protocols.held_out: must be keys and"],
        ),
        ("  majority: {}", "  majority:", ["architectures.majority: must be", "`{}` for none"]),
        ("counting: {method: counting}", "counting: 5", ["recipes.counting: must be keys and"]),
        # out of range
        ("seed: 1", "seed: -1", ["study.seed", "greater than or equal to 0; got -1"]),
        ("{replicates: 10", "{replicates: 1", ["protocols.published.replicates", "got 1"]),
        (
            "confidence: 0.95",
            "confidence: 95",
            ["study.confidence", "less than or equal to 0.9999; got 95"],
        ),
        ("hidden_size: 128", "hidden_size: 0", ["line 21: recipes.online.hidden_size: ", "got 0"]),
        ("learning_rate: 0.005", "learning_rate: .inf", ["learning_rate", "finite"]),
        ("learning_rate: 0.005", "learning_rate: 1e400", ["learning_rate", "finite"]),
        ("learning_rate: 0.005", "learning_rate: .nan", ["learning_rate", "finite"]),
        (
            "learning_rate: 0.005",
            "learning_rate: 0",
            ["learning_rate", "greater than or equal to 0.000000001; got 0"],
        ),
        ("folds: 5", "folds: 1", ["protocols.held_out.folds", "got 1"]),
        (
            "held_out_share: 0.15",
            "held_out_share: 1.0",
            ["held_out_share", "less than or equal to 0.99"],
        ),
        ("silence: 10", "silence: 11", ["fetch.silence", "less than or equal to 10; got 11"]),
        ("identity: b94c", "identity: B94c", ["fetch.identity", "'^[0-9a-f]{64}$'; got 'B94c"]),
        ("- https://code", "- htps://code", ["line 5: fetch.sources.0", "https?"]),
        ("unreachable: starter", "unreachable: no", ["'starter' or 'fail'; got 'no'"]),
        # sections that must name each other
        ("method: sgd", "method: adam", ["line 21: recipes.online: ", "'adam'", "'sgd'"]),
        ("method: sgd, ", "", ["line 21: recipes.online: 'method' is missing"]),
        ("published-fixed: {", "tanh: {name: fixed, ", ["runs.tanh.name: a run's name is its key"]),
        (
            "  held_out-fixed: {protocol: held_out,",
            "  again: {protocol: published,",
            ["line 43: runs.again: has the protocol and architecture of published-fixed"],
        ),
        (
            "architecture: tanh_only",
            "architecture: gru",
            ["line 37: runs.published-tanh_only.architecture: 'gru' is not", "from majority, ngra"],
        ),
        (
            "tanh_only, family: elman, recipe: online",
            "tanh_only, family: elman, recipe: slow",
            ["_only.recipe: 'slow' is not under `recipes`; choose from online, ngram, counting"],
        ),
        (
            "protocol: published, architecture: fixed",
            "protocol: print, architecture: fixed",
            ["runs.published-fixed.protocol", "'published', 'held_out' or 'random_split'"],
        ),
        # what an architecture does differently is checked with its own recipe
        ("  fixed: {}", "  fixed: {momentum: 0.9}", ["line 30: architectures.fixed.momentum: unk"]),
        ("  fixed: {}", "  fixed: {steps: 0}", ["line 30: architectures.fixed.steps", "got 0"]),
        ("  fixed: {}", "  fixed: {method: counting}", ["architectures.fixed.method"]),
        ("  fixed: {}", "  fixed: 5", ["architectures.fixed: must be keys and values"]),
    ],
)
def test_wrong_value_is_refused(before: str, after: str, parts: list[str], tmp_path: Path) -> None:
    """One place made wrong: the message names it as it is in the file, and what is valid."""
    assert DEFAULT.count(before) == 1, f"{before!r} must be in the text once"
    message = refusal(DEFAULT.replace(before, after), tmp_path)
    for part in parts:
        assert part in message


FIXED = "architecture: fixed, family: elman, recipe: online}\n  held"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("published-fixed: {", "{}: {{"),
        ("  tanh_only: {", "  {}: {{"),
        ("  counting: {", "  {}: {{"),
        (FIXED, "architecture: {}, family: elman, recipe: online}}\n  held"),
        (FIXED, "architecture: fixed, family: {}, recipe: online}}\n  held"),
        (FIXED, "architecture: fixed, family: elman, recipe: {}}}\n  held"),
    ],
    ids=["run", "architecture", "recipe", "run's architecture", "run's family", "run's recipe"],
)
@pytest.mark.parametrize(
    "name", ["x;touch /tmp/owned", "$(id)", "a b", "../a", "a\n", "", "A", "é", "x" * 200]
)
def test_a_name_is_no_shell_command(before: str, after: str, name: str, tmp_path: Path) -> None:
    """dvc.yaml puts names into commands and paths."""
    quoted = '"' + name.replace("\n", "\\n") + '"'
    assert DEFAULT.count(before) == 1
    path = tmp_path / "params.yaml"
    path.write_text(DEFAULT.replace(before, after.format(quoted)), encoding="utf-8")
    with pytest.raises(errors.ParameterError, match=r"String should|a key must be text"):
        params.load(path)


def test_a_run_is_named_by_its_key(tmp_path: Path) -> None:
    """Whatever the key is: it is the name of DVC's stages, and nothing repeats it."""
    path = tmp_path / "params.yaml"
    path.write_text(DEFAULT.replace("  held_out-fixed:", "  the-article_s:"))
    config = params.load(path)
    run = config.run("held_out", "fixed")
    assert str(run) == run.name == "the-article_s"
    assert config.runs["the-article_s"] is run
    assert "name" not in run.model_dump()
    with pytest.raises(errors.StudyError, match=r"no run held_out gru .* published-majority, publ"):
        config.run("held_out", "gru")


def test_numbers_are_those_of_yaml_1_2(tmp_path: Path) -> None:
    """As DVC reads them: a rate needs no point."""
    path = tmp_path / "params.yaml"
    path.write_text(DEFAULT.replace("learning_rate: 0.005", "learning_rate: 5e-3"))
    online = params.load(path).recipes["online"]
    assert isinstance(online, params.Sgd)
    assert online.learning_rate == 0.005


def test_numbers_in_files_of_programs_are_numbers(tmp_path: Path) -> None:
    """DVC writes a rate of 0.00005 into dvc.lock as 5e-05, which PyYAML takes for text."""
    path = tmp_path / "dvc.lock"
    path.write_text(dumps_yaml({"learning_rate": 5e-5}))
    assert params.read_yaml(path) == {"learning_rate": 5e-5}


def test_a_message_is_short_whatever_came(tmp_path: Path) -> None:
    """Of a megabyte it shows the beginning."""
    long = "x" * 100_000
    recipes = f"{{a: {{method: {long}}}, b: {{method: sgd, {long[:900]}: 1}}}}"
    text = f"fetch: {long}\nstudy: {{seed: [{long}, {long}]}}\nrecipes: {recipes}\n"
    assert all(len(line) < 400 for line in refusal(text, tmp_path).splitlines())


def test_a_study_has_runs(tmp_path: Path) -> None:
    """One at least."""
    assert "runs: Dictionary should have at least 1 item" in refusal(
        DEFAULT[: DEFAULT.index("runs:")] + "runs: {}\n", tmp_path
    )
    assert "runs: must be keys and values" in refusal(
        DEFAULT[: DEFAULT.index("runs:")] + "runs: [published-fixed]\n", tmp_path
    )


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    """So that a file is mended in one go: within sections, and then between them."""
    text = DEFAULT.replace("seed: 1", "seed: x").replace("folds: 5", "folds: 0")
    message = refusal(text.replace("  silence:", "  silense:"), tmp_path)
    for place in ("study.seed", "protocols.held_out.folds", "fetch: silence", "fetch.silense"):
        assert f": {place}" in message

    text = DEFAULT.replace("  majority: {}\n", "").replace("recipe: ngram}", "recipe: n}")
    text = text.replace("  fixed: {}", "  fixed: {steps: 0, momentum: 1}")
    message = refusal(text, tmp_path)
    for place in (
        "runs.published-majority.architecture",
        "runs.held_out-majority.architecture",
        "runs.published-ngram_logistic.recipe",
        "runs.held_out-ngram_logistic.recipe",
        "architectures.fixed.steps",
        "architectures.fixed.momentum",
    ):
        assert message.count(f": {place}: ") == 1, message


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
                {**loads_yaml(DEFAULT)["recipes"]["online"], "learning_rate": wanted}
            )


Leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
Trees = st.recursive(
    Leaves,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


@settings(deadline=None)
@given(st.data(), Trees)
def test_any_value_at_any_place_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, value: Any
) -> None:
    """Whatever is wherever: it is read as DVC reads it, or ParameterError says why not."""
    values = loads_yaml(DEFAULT)
    place: Any = values
    step = parent = None
    while isinstance(place, dict) and place:
        step = data.draw(st.sampled_from(list(place)))
        parent, place = place, place[step]
        if data.draw(st.booleans()):
            break
    assert parent is not None
    parent[step] = value
    path = tmp_path_factory.getbasetemp() / "drawn.yaml"
    path.write_text(dumps_yaml(values), encoding="utf-8")
    try:
        assert params.load(path).model_dump() == loads_yaml(path.read_text(encoding="utf-8"))
    except errors.ParameterError as error:
        assert str(error).startswith(str(path))


def stage(name: str, *words: str, folder: Path = ROOT) -> str:
    """What a stage that must fail says; it runs as a process."""
    done = subprocess.run(
        [sys.executable, ROOT / "pipeline" / f"{name}.py", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr
    return done.stderr


def test_stage_says_faults_without_a_traceback(tmp_path: Path) -> None:
    """A run that is not there, another folder, a stage run too early."""
    assert "no run published nonsense" in stage("train", "published", "nonsense")
    assert "no file nonsense.py in src" in stage("evaluate", "published", "fixed", "nonsense")
    assert "params.yaml: No such file" in stage("train", "published", "fixed", folder=tmp_path)
    (tmp_path / "params.yaml").write_text(DEFAULT)
    (tmp_path / "claims.yaml").write_text("claims: []\n")
    said = stage("split", folder=tmp_path)
    assert "data/normalized/lines.csv is not here" in said
    assert "make repro" in said


def test_every_error_is_of_one_tree() -> None:
    """What `errors.run` turns into a message is every exception of the project, once defined."""
    tree = {
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, Exception)
    }
    assert all(issubclass(value, errors.SurnamesError) for value in tree)


def test_a_stage_says_how_it_is_called() -> None:
    """Words too few or too many: the usage, and the status of wrong input."""
    for words in ([], ["published", "fixed", "elman", "more"]):
        script = [sys.executable, "pipeline/evaluate.py", *words]
        done = subprocess.run(script, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        usage = "usage: python pipeline/evaluate.py <protocol> <architecture> <family>\n"
        assert done.stderr == usage
