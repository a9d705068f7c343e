"""git's refusals in its own words, and what to do about them."""

from pathlib import Path

import pytest

from surnames.core.errors import StudyError
from surnames.git import git, git_or_nothing
from surnames.workflow import study_diff
from surnames.workflow.study_diff.snapshot import find_commit


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit, worked in."""
    monkeypatch.chdir(tmp_path)
    git("init", "-q")
    git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "one")
    return tmp_path


def test_a_repository_of_another_user_is_said_to_be_one(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not that HEAD is no commit; git's advice is kept."""
    assert find_commit("HEAD") and not find_commit("nobody")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    for ask in (find_commit, study_diff.load, lambda name: git_or_nothing("log", name)):
        with pytest.raises(StudyError, match=r"dubious ownership[^$]*--add safe\.directory"):
            ask("HEAD")


def test_where_there_is_no_repository_the_way_to_one_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in what `git archive` unpacks."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LANGUAGE", "de")
    with pytest.raises(StudyError, match=r"not a git repository.*`git init && git add -A"):
        find_commit("HEAD")
    assert git_or_nothing("log") == ""


def test_a_hook_does_not_choose_the_repository(
    repository: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """git sets GIT_DIR for hooks; `surnames smoke` in one makes a repository elsewhere."""
    monkeypatch.setenv("GIT_DIR", str(repository / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(repository / ".git/index"))
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    git("init", "-q", folder=elsewhere)
    assert git("rev-parse", "--git-dir", folder=elsewhere) == ".git"
    assert git_or_nothing("log", folder=elsewhere) == ""
