"""The comment under a pull request, fed what a hostile contributor would leave for it."""

import json
import os
import re
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
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
    "id": 7, "event": "pull_request", "head_sha": COMMIT, "head_branch": "a&state=all",
    "head_repository": {"owner": {"login": "reader"}}, "html_url": "http://here/run/7",
}  # fmt: skip
EVERYONE = "@everyone @octocat"
HOSTILE = {
    "markup": "<img src=x onerror=alert(1)> [click](http://evil) ![](http://evil/a.png) # Title",
    "mentions": f"{EVERYONE} fixes #1",
    "closing the fence": f"```\n{EVERYONE}\n````\n~~~\n`````` {EVERYONE}",
    "details": "<details><summary>x</summary></details><!-- -->",
    "control characters": "a\x00b\x1b[31mred\x1b]8;;http://evil\x07\x08\x7f\x9b",
    "directions": "\u202egnp.exe\u2066\u200b\u200d\ufeff",
    "carriage returns": "fine\rhidden\r\nnext\u2028```",
    "one long line": "x" * 150_000,
    "many lines": "y\n" * 90_000,
    "a number": "pull request: 1\nissue_number=1",
    "the mark": comment.MARK,
    "nothing": "",
}


def archive(content: bytes, name: str = comment.MEMBER) -> bytes:
    """An artefact as GitHub stores it."""
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(name, content)
    return stream.getvalue()


class GitHub:
    """As much of GitHub's interface as the comment needs, on loopback."""

    def __init__(self) -> None:
        self.archive = archive(b"No verdict changed.\n")
        self.size: int | None = None
        self.pulls = [
            {"number": 1, "head": {"sha": "6" * 40}}, {"number": 12, "head": {"sha": COMMIT}},
        ]  # fmt: skip
        self.comments: list[dict[str, Any]] = []
        self.written: list[tuple[str, str, str]] = []  # method, path, body
        self.asked: list[str] = []
        self.leaked = False  # the token, to where the artefacts are

    def answer(self, method: str, path: str, sent: dict[str, Any]) -> Any:
        """The JSON answer to a request that carries the token."""
        self.asked.append(path)
        if method in ("POST", "PATCH"):
            self.written.append((method, path, sent["body"]))
            return {}
        if path.startswith("/repos/o/r/pulls?"):
            return self.pulls
        if path.startswith("/repos/o/r/actions/runs/7/artifacts"):
            size = len(self.archive) if self.size is None else self.size
            return {"artifacts": [{"id": 3, "size_in_bytes": size}]}
        if path.startswith("/repos/o/r/issues/12/comments?"):
            page = int(re.findall(r"&page=(\d+)", path)[0])
            return self.comments[100 * (page - 1) : 100 * page]
        raise AssertionError(f"{method} {path}")


@pytest.fixture
def github() -> Iterator[GitHub]:
    """A server; its address is in `root`."""
    state = GitHub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/elsewhere":
                state.leaked |= "Authorization" in self.headers
                self.reply(200, state.archive)
                return
            assert self.headers["Authorization"] == f"Bearer {TOKEN}"
            if self.path.endswith("/zip"):
                self.reply(302, b"", Location=f"{state.root}/elsewhere")
                return
            length = int(self.headers.get("Content-Length", 0))
            sent = json.loads(self.rfile.read(length)) if length else {}
            found = state.answer(self.command, self.path, sent)
            self.reply(200, json.dumps(found).encode())

        do_POST = do_PATCH = do_GET

        def reply(self, status: int, content: bytes, **headers: str) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *words: object) -> None:
            """Quiet."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.root = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield state
    http.shutdown()
    http.server_close()
    thread.join()


def write(github: GitHub, folder: Path, *, refuses: str = "", **run: Any) -> str:
    """Run the job's command, without a single installed package; what was written, if anything."""
    event = folder / "event.json"
    event.write_text(json.dumps({"workflow_run": RUN | run}))
    variables = {
        "GITHUB_EVENT_PATH": str(event), "GITHUB_API_URL": github.root, "no_proxy": "*",
        "GITHUB_REPOSITORY": "o/r", "GITHUB_TOKEN": TOKEN, "PYTHONPATH": str(ROOT / "src"),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-S", "-m", "surnames.workflow.comment"],
        env=os.environ | variables, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert TOKEN not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert not github.leaked
    if refuses:
        assert done.returncode == 1 and refuses in done.stderr
        assert not github.written
        return ""
    assert done.returncode == 0, done.stderr
    ((_, _, body),) = github.written
    return body


def fenced(body: str) -> str:
    """What stands in the comment's fence, which must be its end; and nothing else is variable."""
    head, _, rest = body.partition("):\n\n")
    assert head.startswith(comment.MARK)
    fence = re.match(r"`{3,}", rest)[0]
    opened, *inside, closed, after = rest.split("\n")
    assert opened == f"{fence}text" and closed == fence and after == ""
    assert not any(re.match(rf" {{0,3}}{fence}", line) for line in inside)
    return "\n".join(inside)


def test_the_comment_is_written_once_and_then_changed(github: GitHub, tmp_path: Path) -> None:
    """Under the pull request that GitHub names; the second time in the same place."""
    body = write(github, tmp_path)
    assert fenced(body) == "No verdict changed."
    assert github.written[0][:2] == ("POST", "/repos/o/r/issues/12/comments")
    others = [{"id": k, "user": {"login": "somebody"}, "body": "+1"} for k in range(130)]
    forged = {"id": 200, "user": {"login": "mallory"}, "body": body}
    ours = {"id": 201, "user": {"login": comment.AUTHOR}, "body": body}
    github.comments, github.written = [forged, *others, ours], []
    write(github, tmp_path)
    assert github.written[0][:2] == ("PATCH", "/repos/o/r/issues/comments/201")


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_shown_as_text(github: GitHub, tmp_path: Path, text: str) -> None:
    """Nothing leaves the fence, nothing hidden is left in it, and GitHub's limit is kept."""
    github.archive = archive(text.encode())
    body = write(github, tmp_path)
    shown = fenced(body)
    assert len(body) < 65_536
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\ufeff]", shown)
    assert github.written[0][1] == "/repos/o/r/issues/12/comments"


@given(st.text(st.characters(codec="utf-8"), max_size=300) | st.text("`~\n\r @<", max_size=60))
def test_no_text_leaves_the_fence(text: str) -> None:
    """Whatever the letters."""
    job = comment.Job(1, COMMIT, "reader", "main", "http://here")
    fenced(comment.body(text, job))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (archive(bytes(10_000_000)), "is more than 200000 bytes"),
        (archive(b"x" * 10_000_000), "is more than 200000 bytes"),
        (archive(b"x", "../../.bashrc"), "has no comment.txt"),
        (b"<html>", "no zip archive"),
        (archive(b"some text " * 99)[:-30], "no zip archive"),
        (b"", "no zip archive"),
        (os.urandom(10_000_000), "is 10000000 bytes, over 1000000"),
    ],
    ids=["10 MB of zeros", "10 MB of text", "other name", "a page", "cut", "empty", "10 MB packed"],
)
def test_what_is_no_such_text_is_refused(
    github: GitHub, tmp_path: Path, content: bytes, said: str
) -> None:
    """With a message, and before anything is written."""
    github.archive = content
    write(github, tmp_path, refuses=said)


def test_an_archive_larger_than_it_says(github: GitHub, tmp_path: Path) -> None:
    """The limit is on what is read, not on what GitHub was told."""
    github.archive, github.size = os.urandom(2_000_000), 1000
    write(github, tmp_path, refuses="is more than 1000000 bytes")


def test_a_commit_that_is_no_pull_requests_newest(github: GitHub, tmp_path: Path) -> None:
    """Pushed over, closed or of another branch: nowhere to write."""
    write(github, tmp_path, refuses="no open pull request has 6666666666", head_sha="6" * 39 + "7")
    write(github, tmp_path, refuses="not for a pull request", event="push")
    write(github, tmp_path, refuses="repository is gone", head_repository=None)


def test_a_branch_cannot_widen_the_question(github: GitHub, tmp_path: Path) -> None:
    """Its name is a contributor's choice too: `a&state=all` asks for no closed pull request."""
    write(github, tmp_path)
    asked = next(path for path in github.asked if "/pulls?" in path)
    assert asked == "/repos/o/r/pulls?state=open&head=reader%3Aa%26state%3Dall&per_page=100"


def test_it_needs_githubs_variables(tmp_path: Path) -> None:
    """Run at home, it says what is missing."""
    done = subprocess.run(
        [sys.executable, "-S", "-m", "surnames.workflow.comment"], capture_output=True, text=True,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "src")}, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "GITHUB_EVENT_PATH, GITHUB_API_URL" in done.stderr and "must be set" in done.stderr
