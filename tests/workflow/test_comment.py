"""The comment under a pull request, fed what a hostile contributor would leave for it."""

import json
import os
import re
import subprocess
import sys
import tracemalloc
import unicodedata
import zipfile
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.projects import ROOT

from surnames.workflow import comment

COMMIT = "5" * 40
TOKEN = "a-token-of-the-test"
RUN = {
    "id": 7,
    "event": "pull_request",
    "head_sha": COMMIT,
    "head_branch": "a&state=all",
    "head_repository": {"owner": {"login": "reader"}},
    "html_url": "http://here/run/7",
}
REPOSITORY = "repos/o/r"
COMMENTS = "issues/12/comments"
ARCHIVE = "actions/artifacts/3/zip"
EVERYONE = "@everyone @octocat"
HOSTILE = {
    "markup": "<img src=x onerror=alert(1)> [click](http://evil) ![](http://evil/a.png) # Title",
    "mentions": f"{EVERYONE} fixes #1",
    "closing the fence": f"```\n{EVERYONE}\n````\n~~~\n`````` {EVERYONE}",
    "details": "<details><summary>x</summary></details><!-- -->",
    "control characters": "a\x00b\x1b[31mred\x1b]8;;http://evil\x07\x08\x7f\x9b",
    "directions": "\u202egnp.exe\u2066\u200b\u200d\ufeff",
    "carriage returns": "fine\rhidden\r\nnext\n```",
    "separators of lines": "a\u2028```\u2029```\x85```\x0b```",
    "piled marks": "a" + "\u0301" * 900,
    "piled marks with a joiner between": "a" + "\u0301\u20dd\u200d" * 300,
    "variation selectors": "a\ufe0f\ufe00\U000e0100\u180b" * 9,
    "Hangul fillers": "\u3164\u115f\u1160\uffa0" * 9,
    "an empty Braille cell and a note that is not drawn": "\u2800\U0001d159" * 9,
    "one long line": "x" * 150_000,
    "many lines": "y\n" * 90_000,
    "a full page": f"{'x' * 240}\n" * 800,
    "long backticks": "`" * 150_000,
    "a number": "pull request: 1\nissue_number=1",
    "the mark": comment.MARK,
    "nothing": "",
}


def archive(
    content: bytes, name: str = comment.MEMBER, method: int = zipfile.ZIP_DEFLATED
) -> bytes:
    """An artefact as GitHub stores it."""
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", method) as packed:
        packed.writestr(name, content)
    return stream.getvalue()


def understated(packed: bytes) -> bytes:
    """The archive whose directory says that its one member unpacks to 100 bytes."""
    size = packed.index(b"PK\x01\x02") + 24
    return packed[:size] + (100).to_bytes(4, "little") + packed[size + 4 :]


class GitHub:
    """What a fake `gh` answers, by path below the repository, and what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.answers: dict[str, str] = {}
        (folder / "gh").symlink_to(ROOT / "tests/support/fake_gh.py")
        pulls = [
            {"number": 1, "head": {"sha": "6" * 40}},
            {"number": 12, "head": {"sha": COMMIT}},
        ]
        branch = "reader%3Aa%26state%3Dall"  # it asks for no closed one
        self.answer(f"pulls?state=open&head={branch}&per_page=100", pulls)
        self.answer("actions/runs/7/artifacts?name=comment", {"artifacts": [{"id": 3}]})
        self.answer(ARCHIVE, archive(b"No verdict changed.\n"))
        self.answer(f"{COMMENTS}?per_page=100&page=1", [])
        self.answer(COMMENTS, {}, "POST")
        self.answer("issues/comments/201", {}, "PATCH")

    def answer(self, path: str, value: Any, method: str = "GET") -> None:
        """From now on this request is answered so: bytes as they are, a path's, or JSON."""
        file = value
        if not isinstance(value, Path):
            file = self.folder / f"{method} {path}".replace("/", " ")
            file.write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode())
        self.answers[f"{method} {REPOSITORY}/{path}"] = str(file)
        (self.folder / "answers.json").write_text(json.dumps(self.answers))

    def written(self) -> list[tuple[str, str, str]]:
        """Method, path and body of every request that changes something; then forget all."""
        file = self.folder / "calls.jsonl"
        calls = (
            [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        )
        file.unlink(missing_ok=True)
        assert all(call["token"] == TOKEN and TOKEN not in call["path"] for call in calls)
        return [
            (call["method"], call["path"].removeprefix(f"{REPOSITORY}/"), call["sent"]["body"])
            for call in calls
            if call["method"] != "GET"
        ]


@pytest.fixture
def github(tmp_path: Path) -> GitHub:
    """An open pull request 12 whose pipeline left an artefact, and no comment yet."""
    return GitHub(tmp_path)


def run_job(folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    """The job's command, without a single installed package."""
    path = f"{folder}{os.pathsep}{Path(sys.executable).parent}"  # and no real gh
    return subprocess.run(
        [sys.executable, "-S", "-m", "surnames.workflow.comment"],
        env={"PATH": path, "PYTHONPATH": str(ROOT / "src"), "FAKE_GH": str(folder)} | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def write(github: GitHub, *, refuses: str = "", **run: Any) -> tuple[str, str, str]:
    """Method, path and body of the one request that changed something; none when it refuses."""
    event = github.folder / "event.json"
    event.write_text(json.dumps({"workflow_run": RUN | run}))
    done = run_job(
        github.folder, GITHUB_EVENT_PATH=str(event), GITHUB_REPOSITORY="o/r", GH_TOKEN=TOKEN
    )
    assert TOKEN not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    if refuses:
        assert done.returncode == 1 and refuses in done.stderr
        assert not github.written()
        return "", "", ""
    assert done.returncode == 0, done.stderr
    (written,) = github.written()
    return written


def fenced(body: str) -> str:
    """What is in the comment's fence, with which it ends; only that is the contributor's."""
    head, _, rest = body.partition(".\n\n")
    assert head.startswith(comment.MARK) and "The contributor's own code computed it" in head
    fence = re.match(r"`{3,}", rest)[0]
    opened, *inside, closed, after = rest.split("\n")
    assert opened == f"{fence}text" and closed == fence and after == ""
    assert not any(re.match(rf" {{0,3}}{fence}", line) for line in inside)
    return "\n".join(inside)


def test_the_comment_is_written_once_and_then_changed(github: GitHub) -> None:
    """Under the pull request that GitHub names; then in the same place, whoever copied the mark."""
    method, path, body = write(github)
    assert (method, path) == ("POST", COMMENTS)
    assert fenced(body) == "No verdict changed."
    forged = [
        {"id": 200, "user": {"login": "mallory"}, "body": body},
        {"id": 199, "user": None, "body": body},
    ]
    others = [{"id": k, "user": {"login": "somebody"}, "body": "+1"} for k in range(98)]
    ours = {"id": 201, "user": {"login": comment.AUTHOR}, "body": body}
    github.answer(f"{COMMENTS}?per_page=100&page=1", forged + others)
    github.answer(f"{COMMENTS}?per_page=100&page=2", [ours])
    assert write(github)[:2] == ("PATCH", "issues/comments/201")


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_shown_as_text(text: str) -> None:
    """Nothing leaves the fence, nothing hidden is left in it, and GitHub's limit is kept."""
    body = comment.body(text, COMMIT, "http://here")
    shown = fenced(body)
    assert len(body) < 65_536 and shown.count("\n") <= comment.LINES
    letters = shown.replace("\n", "")
    assert not any(unicodedata.category(letter) in ("Cc", "Cf", "Zl", "Zp") for letter in letters)
    assert not re.search(
        "[\u115f\u1160\u180b\u2800\u3164\U0001d159\uffa0\ufe00-\ufe0f\U000e0100]", shown
    )
    marks = [[*some] for mark, some in groupby(letters, _is_mark) if mark]
    assert max(map(len, marks), default=0) <= 2


def _is_mark(letter: str) -> bool:
    return unicodedata.category(letter).startswith("M")


def test_words_of_many_scripts_are_kept() -> None:
    """What hides goes, and not the marks that a script is written with."""
    text = "− Ökonom Ελλάδα हिन्दी ประเทศ العَرَبِيَّة 한국어"
    assert fenced(comment.body(text, COMMIT, "http://here")) == text


@given(st.text(st.characters(codec="utf-8"), max_size=300) | st.text("`~\n\r @<", max_size=60))
def test_no_text_leaves_the_fence(text: str) -> None:
    """Whatever the letters."""
    fenced(comment.body(text, COMMIT, "http://here"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (archive(b"x" * 10_000_000), "is more than 200000 bytes"),
        (understated(archive(b"x" * 10_000_000)), "not a zip archive"),
        (archive(b"x", method=zipfile.ZIP_BZIP2), "neither stored nor deflated"),
        (archive(b"x", method=zipfile.ZIP_LZMA), "neither stored nor deflated"),
        (archive(b"x", "../../.bashrc"), "has no comment.txt"),
        (b"<html>", "not a zip archive"),
        (archive(b"some text " * 99)[:-30], "not a zip archive"),
        (b"", "not a zip archive"),
        (os.urandom(1_000_001), f"answer to {ARCHIVE} is more than 1000000 bytes"),
        (Path("/dev/zero"), f"answer to {ARCHIVE} is more than 1000000 bytes"),
    ],
    ids=["text", "understated", "bzip2", "lzma", "name", "page", "cut", "empty", "big", "endless"],
)
def test_what_is_no_such_text_is_refused(
    github: GitHub, content: bytes | Path, message: str
) -> None:
    """With a message, before anything is written, and no more is read than the limit."""
    github.answer(ARCHIVE, content)
    write(github, refuses=message)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_bomb_is_not_unpacked(method: int) -> None:
    """20 MB in a few bytes that are said to be 100: no method may cost that memory."""
    bomb = understated(archive(bytes(20_000_000), method=method))
    tracemalloc.start()
    try:
        with pytest.raises(comment.Refused):
            comment.unpacked(bomb)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_a_commit_that_is_no_pull_requests_newest(github: GitHub) -> None:
    """Pushed over, closed or of another branch: nowhere to write."""
    write(github, refuses="no open pull request has 6666666666", head_sha="6" * 39 + "7")
    write(github, refuses="not for a pull request", event="push")
    write(github, refuses="repository is gone", head_repository=None)


def test_what_github_refuses_fails_the_job(github: GitHub) -> None:
    """With gh's own message: here of an artefact that is already deleted."""
    del github.answers[f"GET {REPOSITORY}/{ARCHIVE}"]
    github.answer("actions/runs/7/artifacts?name=comment", {"artifacts": [{"id": 3}]})
    write(github, refuses=f"gh: Not Found (HTTP 404)\nerror: gh api {ARCHIVE} failed")
    github.answer("actions/runs/7/artifacts?name=comment", {"artifacts": []})
    write(github, refuses="left no artefact 'comment'")


def test_it_needs_githubs_variables_and_gh(github: GitHub) -> None:
    """Run at home, it says what is missing."""
    done = run_job(github.folder)
    assert done.returncode == 1
    assert "GITHUB_EVENT_PATH, GITHUB_REPOSITORY, GH_TOKEN must be set" in done.stderr
    (github.folder / "gh").unlink()
    write(github, refuses="gh, GitHub's command line, is not on PATH")
