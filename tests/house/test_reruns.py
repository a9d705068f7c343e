"""What reruns what: for an edit, exactly the stages that `dvc status` calls changed."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from support.projects import ONLINE, RUNS, Project

Edit = Callable[[Path], None]
NGRAMS = {run for run in RUNS if run.endswith("ngram_logistic")}


def of(runs: set[str], *kinds: str) -> set[str]:
    return {f"{kind}@{run}" for run in runs for kind in kinds or ("train", "evaluate")}


EVERY = {"gate", "fetch", "normalize", "split", "check", "nearest", "compare"} | of(RUNS)
EVERY |= {"report", "track"}
SHOWN = {"report", "track"}  # they show all of params.yaml, and every network


def append(path: str, text: str = "\n# edited\n") -> Edit:
    """Add to the end of a file: a comment, as far as Python or YAML is concerned."""

    def edit(folder: Path) -> None:
        place = folder / path
        place.write_text(place.read_text() + text)

    return edit


def replace(path: str, old: str, new: str) -> Edit:
    """Replace the first match of a pattern."""

    def edit(folder: Path) -> None:
        place = folder / path
        text, count = re.subn(old, new, place.read_text(), count=1, flags=re.DOTALL)
        assert count, f"{path} has no {old}"
        place.write_text(text)

    return edit


SOURCE = "src/surnames"
EDITS: dict[str, tuple[Edit, set[str]]] = {
    "a docstring of the data card": (
        replace(f"{SOURCE}/data/facts.py", '"""The data card', '"""This data card'),
        {"normalize"},
    ),
    "a path of the report": (
        replace(f"{SOURCE}/report/paths.py", "data.md", "card.md"),
        {"report"},
    ),
    "a sentence of the report": (
        append(f"{SOURCE}/report/templates/index.html", "<!-- -->"),
        {"report"},
    ),
    "an MLflow description": (
        replace(f"{SOURCE}/tracking/templates/experiment.md", "Did fixing", "Has fixing"),
        {"track"},
    ),
    "the README's writer": (append(f"{SOURCE}/documents/readme.py"), set()),
    "a plot's colour": (
        replace(f"{SOURCE}/display/plots.py", "#009E73", "#009E74"),
        {"report"},
    ),
    "the confusion matrix": (append(f"{SOURCE}/display/confusion_matrix.py"), SHOWN),
    "the alphabet": (append(f"{SOURCE}/core/alphabet.py"), EVERY),
    "a kernel": (append(f"{SOURCE}/networks/kernels.py"), of(RUNS) | SHOWN | {"gate", "compare"}),
    "the Elman networks": (
        append(f"{SOURCE}/architectures/elman.py"),
        of(ONLINE) | SHOWN | {"gate", "compare"},
    ),
    "the n-grams": (
        append(f"{SOURCE}/architectures/ngram_logistic.py"),
        of(NGRAMS) | SHOWN | {"gate", "compare"},
    ),
    "a metric": (
        append(f"{SOURCE}/evaluation/scoring.py"),
        of(RUNS, "evaluate") | {"gate", "compare"} | SHOWN,
    ),
    "a split": (append(f"{SOURCE}/data/splits.py"), {"split"}),
    "the check of the splits": (append(f"{SOURCE}/data/validation.py"), {"check"}),
    "a source of the names": (append(f"{SOURCE}/data/sources.py"), {"fetch"}),
    "an interval": (append(f"{SOURCE}/study/statistics.py"), {"gate", "compare"} | SHOWN),
    "a claim's text": (
        replace("claims.yaml", '"claim": "', '"claim": "Truly: '),
        {"gate", "compare"},
    ),
    "a claim's threshold": (
        replace("claims.yaml", r'"more_than": [^,\n]*', '"more_than": 0.5'),
        {"gate", "compare"},
    ),
    "the learning rate": (
        replace("params.yaml", '"learning_rate": 0.005', '"learning_rate": 0.006'),
        of(ONLINE, "train") | SHOWN | {"gate"},
    ),
    "the confidence": (
        replace("params.yaml", '"confidence": 0.95', '"confidence": 0.9'),
        {"gate", "compare"} | SHOWN,
    ),
    "one architecture's rate": (
        replace("params.yaml", '"fixed": {}', '"fixed": {"learning_rate": 0.006}'),
        of({run for run in ONLINE if run.endswith("-fixed")}, "train") | SHOWN | {"gate"},
    ),
    "how a name is read by predict": (append(f"{SOURCE}/prediction/reading.py"), {"report"}),
    "the predict command": (append(f"{SOURCE}/prediction/command.py"), set()),
    "the command line": (append(f"{SOURCE}/cli.py"), set()),
    "how stages run side by side": (append(f"{SOURCE}/workflow/parallel.py"), set()),
    "the Python face": (append(f"{SOURCE}/__init__.py"), set()),
    "the README": (append("README.md"), set()),
}


@pytest.fixture(scope="module")
def project(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A small finished study, to be edited."""
    return finished.copy(tmp_path_factory.mktemp("edited") / "surnames")


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_reruns_what_depends_on_it(project: Project, name: str) -> None:
    """Neither more nor less; undone, nothing is left to run."""
    edit, expected = EDITS[name]
    edit(project.folder)
    try:
        changed = json.loads(project.run("dvc", "status", "--json", "dvc.yaml"))
    finally:
        project.run("git", "checkout", "-q", "--", ".")
    assert set(changed) == expected


def test_undone_nothing_is_left_to_run(project: Project) -> None:
    """After all edits and their undoing: DVC knows files by what they hold."""
    assert json.loads(project.run("dvc", "status", "--json", "dvc.yaml")) == {}
