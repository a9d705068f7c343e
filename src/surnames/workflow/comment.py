"""One comment under a pull request, from an artefact that its author may have forged.

Runs in the base repository with a token that may comment, after the pipeline has run the
contributor's code, and from a checkout of the default branch. Nothing in the artefact is trusted:
it is text of bounded size that is shown as text, and GitHub says which pull request it belongs to.
Standard library only, so that nothing has to be installed beside the token; `gh` is on the runner.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import unicodedata
import urllib.parse
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

from surnames.core import errors
from surnames.core.hidden import INVISIBLE

ARTEFACT, MEMBER = "comment", "comment.txt"
MARK = "<!-- surnames: what the pipeline found -->"  # by which the comment is found again
AUTHOR = "github-actions[bot]"  # anybody may write the mark
ZIP_BYTES, TEXT_BYTES = 1_000_000, 200_000  # more is refused
ANSWER_BYTES = 30_000_000  # 100 comments of 65,536 letters of 4 bytes
LINES, COLUMNS, LETTERS = 300, 250, 60_000  # more is cut; GitHub takes 65,536


class Refused(errors.SurnamesError):
    """There is nothing that may be written, or nowhere to write it."""


def gh(path: str, *options: str, limit: int = ANSWER_BYTES, sent: str = "") -> bytes:
    """GitHub's answer of at most `limit` bytes; raises Refused for a longer one, or for none.

    gh takes the token from GH_TOKEN, and does not send it on to the host of the artefacts.
    """
    command = ["gh", "api", f"repos/{os.environ['GITHUB_REPOSITORY']}/{path}", *options]
    with tempfile.TemporaryFile() as stdin:  # a pipe would block, or break if gh ends early
        stdin.write(sent.encode())
        stdin.seek(0)
        try:
            process = subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE)
        except FileNotFoundError:
            raise Refused("gh, GitHub's command line, is not on PATH") from None
        with process:
            assert process.stdout
            answer = process.stdout.read(limit + 1)
            if len(answer) > limit:
                process.kill()
                raise Refused(f"the answer to {path} is more than {limit} bytes")
    if process.returncode:
        raise Refused(f"gh api {path} failed; its message is above")
    return answer


def artefact(run: int) -> bytes:
    """The zip archive that the run left, if it is small."""
    artefacts = json.loads(gh(f"actions/runs/{run}/artifacts?name={ARTEFACT}"))["artifacts"]
    if not artefacts:
        raise Refused(f"the run left no artefact {ARTEFACT!r}")
    return gh(f"actions/artifacts/{int(artefacts[0]['id'])}/zip", limit=ZIP_BYTES)


def unpacked(archive: bytes) -> str:
    """The artefact's one text, unpacked in memory and no further than the limit."""
    try:
        with zipfile.ZipFile(BytesIO(archive)) as members:
            member = members.getinfo(MEMBER)
            # zipfile bounds what it unpacks of these alone: bzip2 and LZMA make gigabytes of 1 KB
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise Refused(f"{MEMBER} is neither stored nor deflated")
            if member.file_size > TEXT_BYTES:
                raise Refused(f"{MEMBER} is more than {TEXT_BYTES} bytes; a few pages are expected")
            with members.open(member) as stream:
                return stream.read(TEXT_BYTES).decode("utf-8", "replace")
    except Refused:
        raise
    except KeyError:
        raise Refused(f"the artefact has no {MEMBER}") from None
    except Exception as error:  # zipfile, zlib and struct raise a dozen kinds for a broken archive
        raise Refused(f"the artefact is not a zip archive that can be read: {error}") from None


def harmless(text: str) -> str:
    """The text inside a fence that it cannot close: no markup, no mention, nothing hidden.

    In a fence GitHub renders nothing: no link, no picture, no HTML, no `@everyone`.
    """
    lines = [_visible(line.expandtabs(4)).rstrip() for line in text.splitlines()]
    cut = [line if len(line) <= COLUMNS else line[:COLUMNS] + " ..." for line in lines[:LINES]]
    shown = "\n".join(cut).strip("\n")
    if len(lines) > LINES or len(shown) > LETTERS:
        shown = f"{shown[:LETTERS]}\n... (cut here; the whole is on the job's page)"
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", shown)), default=0))
    return f"{fence}text\n{shown}\n{fence}"


def _visible(line: str) -> str:
    """The line without what shows nothing, and with at most two marks on a letter."""
    letters, marks = [], 0
    for letter in INVISIBLE.sub("", line):
        category = unicodedata.category(letter)[0]
        if category != "C":
            marks = marks + 1 if category == "M" else 0
            if marks <= 2:
                letters.append(letter)
    return "".join(letters)


def body(text: str, commit: str, page: str) -> str:
    """The comment."""
    return (
        f"{MARK}\n**What the pipeline found** for {commit[:10]} ([tables, report and patch]"
        f"({page})). The contributor's own code computed it: trust it as far as you trust that "
        f"code.\n\n{harmless(text)}\n"
    )


def pull_request(commit: str, owner: str, branch: str) -> int:
    """The open pull request whose newest commit this is: GitHub's word, not the artefact's."""
    head = urllib.parse.quote(f"{owner}:{branch}", safe="")
    for pull in json.loads(gh(f"pulls?state=open&head={head}&per_page=100")):
        if pull["head"]["sha"] == commit:
            return int(pull["number"])
    raise Refused(f"no open pull request has {commit[:10]} as its newest commit")


def write(pull: int, text: str) -> None:
    """Change our comment, or write it where there is none yet."""
    method, path = "POST", f"issues/{pull}/comments"
    for page in range(1, 31):
        comments = json.loads(gh(f"issues/{pull}/comments?per_page=100&page={page}"))
        by_us = [one for one in comments if (one["user"] or {}).get("login") == AUTHOR]
        ours = [int(one["id"]) for one in by_us if one["body"].startswith(MARK)]
        if ours:
            method, path = "PATCH", f"issues/comments/{ours[0]}"
        if ours or len(comments) < 100:
            break
    gh(path, "--method", method, "--input", "-", sent=json.dumps({"body": text}))
    print(f"{method} {path}", file=sys.stderr)


def main() -> None:
    """Write the comment about the run in GitHub's variables; Refused where that cannot be."""
    needed = ("GITHUB_EVENT_PATH", "GITHUB_REPOSITORY", "GH_TOKEN")
    missing = [name for name in needed if not os.environ.get(name)]
    if missing:
        raise Refused(f"{', '.join(missing)} must be set, as GitHub does in a workflow")
    event = Path(os.environ["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8")
    run: dict[str, Any] = json.loads(event)["workflow_run"]
    if run["event"] != "pull_request":
        raise Refused(f"the run was for {run['event']!r}, not for a pull request")
    if not run["head_repository"]:
        raise Refused("the contributor's repository is gone")
    text = body(unpacked(artefact(run["id"])), run["head_sha"], run["html_url"])
    owner = run["head_repository"]["owner"]["login"]
    write(pull_request(run["head_sha"], owner, run["head_branch"]), text)


if __name__ == "__main__":
    errors.run(main)
