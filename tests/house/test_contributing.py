"""What contributors rely on: the pages at the top, line ends, hooks, the Python face."""

import hashlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from support.projects import ROOT, Project

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_the_citation_is_of_this_version() -> None:
    """CITATION.cff and pyproject.toml say the same version and licence."""
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert (citation["version"], citation["license"]) == (PROJECT["version"], PROJECT["license"])


def test_hooks_run_the_commands_of_the_makefile() -> None:
    """pre-commit runs the checks that `make test` begins with, and fetches nothing."""
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [repo["repo"] for repo in hooks] == ["local"]
    rule = re.search("^test:(.*) ##", (ROOT / "Makefile").read_text(), re.M)
    assert rule, "the Makefile has no rule `test`"
    wanted = [f"make {check}" for check in rule[1].split()]
    assert [hook["entry"] for hook in hooks[0]["hooks"]] == wanted
    assert all(hook["language"] == "system" for hook in hooks[0]["hooks"])


def test_a_checkout_for_windows_has_the_same_bytes(tmp_path: Path) -> None:
    """autocrlf would change every digest that DVC knows."""
    subprocess.run(
        ["git", "clone", "-q", "-c", "core.autocrlf=true", str(ROOT), str(tmp_path / "clone")],
        check=True,
    )
    committed = subprocess.run(
        ["git", "ls-tree", "-r", "HEAD"], cwd=tmp_path / "clone", capture_output=True, check=True
    ).stdout.decode()
    for line in committed.splitlines():
        blob, name = line.split()[2], line.split("\t")[1]
        content = (tmp_path / "clone" / name).read_bytes()
        header = f"blob {len(content)}\0".encode()
        assert hashlib.sha1(header + content).hexdigest() == blob, name


@pytest.mark.parametrize("command", [["surnames"], [sys.executable, "-m", "surnames"]])
def test_the_program_says_its_version(finished: Project, command: list[str]) -> None:
    """Installed or as a module, from anywhere."""
    printed = finished.run(*command, "--version")
    assert PROJECT["version"] in printed


def test_the_python_face_is_what_it_says(finished: Project, tmp_path: Path) -> None:
    """Every name of __all__ works from another folder, and twice; nothing heavy at the import."""
    code = f"""
import os, sys
os.chdir({str(tmp_path)!r})
import surnames
heavy = [name for name in ("torch", "sklearn", "mlflow", "numba", "pandas") if name in sys.modules]
assert not heavy, heavy
assert sorted(surnames.__all__) == ["network", "predict", "results", "verdicts"]
root = {str(finished.folder)!r}
for _ in range(2):
    frame = surnames.results(root=root)
    assert list(frame.columns[:3]) == ["protocol", "architecture", "metric"]
    assert len(surnames.results("replicates", root=root)) == 13
    verdicts = {{"supported", "refuted", "negligible", "undecided"}}
    assert set(surnames.verdicts(root=root)["verdict"]) <= verdicts
    answers = surnames.network("fixed", root=root).answers(["Satoshi"])
    row = surnames.predict(["Satoshi", "李"], root=root).iloc[0]
    assert row["language_1"] == answers[0]["answers"][0]["language"]
assert os.getcwd() == {str(tmp_path)!r}
for wrong in (lambda: surnames.results("summery", root=root), lambda: surnames.results()):
    try:
        wrong()
    except Exception as error:
        print(type(error).__name__, error)
"""
    printed = finished.run("python", "-c", code)
    assert re.search("StudyError no table 'summery'; choose from summary, replicates", printed)
    assert "no dvc.yaml in" in printed


def test_torch_is_pinned_by_hash() -> None:
    """The version of pyproject.toml, and three Pythons on three platforms; no other goes in."""
    text = (ROOT / "torch.lock").read_text()
    [pinned] = re.findall(r"^torch==\S+", text, re.M)
    assert pinned in PROJECT["dependencies"]
    assert len(set(re.findall(r"--hash=sha256:[0-9a-f]{64}\b", text))) == 9
    makefile = (ROOT / "Makefile").read_text()
    installs = re.findall(r"\$\(PIP\) (.*)", makefile)
    assert len(installs) == 5
    assert all("--require-hashes" in one for one in installs if one != "--editable .")
