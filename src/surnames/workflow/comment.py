"""One comment under a pull request, from an artefact that its author may have written.

Runs in the base repository with a token that may comment, after the pipeline has run on the
contributor's code, and from the default branch's own checkout. So nothing in the artefact is
trusted: it is text of bounded size that is shown as text, and where it goes is asked of GitHub.
Only the standard library, so that nothing is installed beside the token.
"""

import json
import os
import re
import sys
import unicodedata
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from surnames.core import errors
from surnames.core.errors import SurnamesError

ARTEFACT, MEMBER = "comment", "comment.txt"
MARK = "<!-- surnames: what the pipeline found -->"  # by which the comment is found again
AUTHOR = "github-actions[bot]"  # anybody may write the mark
ZIP_BYTES, TEXT_BYTES = 1_000_000, 200_000  # more than that is refused
LINES, COLUMNS = 300, 250  # more than that is cut; GitHub takes 65,536 characters
SHOWN = 60_000
SECONDS = 30
CUT = "... (cut here; the whole is on the job's page)"


class Refused(SurnamesError):
    """There is nothing that may be written, or nowhere to write it."""


@dataclass(frozen=True)
class Job:
    """The finished pipeline run, as GitHub's own event says it."""

    run: int
    commit: str
    owner: str  # of the branch: the contributor
    branch: str
    page: str

    @classmethod
    def of(cls, event: dict[str, Any]) -> "Job":
        """From a `workflow_run` event; raises Refused where it is not about a pull request."""
        run = event["workflow_run"]
        if run["event"] != "pull_request":
            raise Refused(f"the run was for {run['event']!r}, not for a pull request")
        if not run["head_repository"]:
            raise Refused("the contributor's repository is gone")
        owner = run["head_repository"]["owner"]["login"]
        return cls(run["id"], run["head_sha"], owner, run["head_branch"], run["html_url"])


def text_of(archive: bytes) -> str:
    """The artefact's one text, unpacked in memory and no further than the limit."""
    try:
        with zipfile.ZipFile(BytesIO(archive)) as packed, packed.open(MEMBER) as stream:
            content = stream.read(TEXT_BYTES + 1)
    except KeyError:
        raise Refused(f"the artefact has no {MEMBER}") from None
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as error:
        raise Refused(f"the artefact is no zip archive that can be read: {error}") from None
    except Exception as error:  # zlib's and lzma's own, which share no base
        raise Refused(f"the artefact is broken: {error}") from None
    if len(content) > TEXT_BYTES:
        raise Refused(f"{MEMBER} is more than {TEXT_BYTES} bytes; the pipeline writes a few pages")
    return content.decode("utf-8", "replace")


def harmless(text: str) -> str:
    """The text inside a fence that it cannot close: no markup, no mention, no hidden character.

    In a fence GitHub renders nothing: no link, no picture, no HTML, no `@everyone`. Control
    characters go, and with them what turns the direction of writing or takes no room.
    """
    lines = [
        "".join(letter for letter in line.expandtabs(4) if _visible(letter)).rstrip()
        for line in re.split(r"\r\n|[\r\n]", text)
    ]
    shown = "\n".join(line if len(line) <= COLUMNS else line[:COLUMNS] + " ..." for line in lines)
    shown = shown.strip("\n")
    if len(lines) > LINES or len(shown) > SHOWN:
        kept = "\n".join(shown.split("\n")[:LINES])[:SHOWN]
        shown = f"{kept}\n{CUT}"
    longest = max(map(len, re.findall("`+", shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{shown}\n{fence}"


def _visible(letter: str) -> bool:
    """Neither a control nor a format character, nor one that is not assigned or private."""
    return not unicodedata.category(letter).startswith("C")


def body(text: str, job: Job) -> str:
    """The comment."""
    return (
        f"{MARK}\n**What the pipeline found** for {job.commit[:10]} "
        f"([tables, report and patch]({job.page})):\n\n{harmless(text)}\n"
    )


class GitHub:
    """The few calls that are needed, with a limit on what each may bring."""

    def __init__(self, api: str, repository: str, token: str) -> None:
        self._root = f"{api}/repos/{repository}"
        self._token = token

    def call(self, path: str, sent: dict[str, Any] | None = None, method: str = "GET") -> Any:
        """A JSON answer."""
        return json.loads(self.bytes(path, 10_000_000, sent, method))

    def bytes(
        self, path: str, limit: int, sent: dict[str, Any] | None = None, method: str = "GET"
    ) -> bytes:
        """An answer of at most `limit` bytes; raises Refused for a longer one, or for none."""
        data = None if sent is None else json.dumps(sent).encode()
        request = urllib.request.Request(f"{self._root}{path}", data, method=method)
        request.add_header("Accept", "application/vnd.github+json")
        # not sent on where the answer is elsewhere: an artefact is at another host, and signed
        request.add_unredirected_header("Authorization", f"Bearer {self._token}")
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                content: bytes = answer.read(limit + 1)
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            raise Refused(f"GitHub does not answer {method} {path}: {error}") from None
        if len(content) > limit:
            raise Refused(f"the answer to {path} is more than {limit} bytes")
        return content


def number(github: GitHub, job: Job) -> int:
    """The open pull request whose head this very commit is: GitHub's word, not the artefact's."""
    head = urllib.parse.quote(f"{job.owner}:{job.branch}", safe="")
    found = github.call(f"/pulls?state=open&head={head}&per_page=100")
    numbers = [int(pull["number"]) for pull in found if pull["head"]["sha"] == job.commit]
    if not numbers:
        raise Refused(f"no open pull request has {job.commit[:10]} as its newest commit")
    return numbers[0]


def artefact(github: GitHub, job: Job) -> bytes:
    """The archive that the run left, if it is small."""
    found = github.call(f"/actions/runs/{job.run}/artifacts?name={ARTEFACT}")["artifacts"]
    if not found:
        raise Refused(f"the run left no artefact {ARTEFACT!r}")
    if found[0]["size_in_bytes"] > ZIP_BYTES:
        raise Refused(f"the artefact is {found[0]['size_in_bytes']} bytes, over {ZIP_BYTES}")
    return github.bytes(f"/actions/artifacts/{int(found[0]['id'])}/zip", ZIP_BYTES)


def write(github: GitHub, pull: int, comment: str) -> str:
    """Put the comment where the last one of ours is, or anew; which of the two was done."""
    for page in range(1, 31):
        found = github.call(f"/issues/{pull}/comments?per_page=100&page={page}")
        for one in found:
            if one["user"]["login"] == AUTHOR and one["body"].startswith(MARK):
                github.call(f"/issues/comments/{int(one['id'])}", {"body": comment}, "PATCH")
                return "changed"
        if len(found) < 100:
            break
    github.call(f"/issues/{pull}/comments", {"body": comment}, "POST")
    return "written"


def main() -> None:
    """Read GitHub's variables, write the comment; Refused is a failure that says why."""
    wanted = ("GITHUB_EVENT_PATH", "GITHUB_API_URL", "GITHUB_REPOSITORY", "GITHUB_TOKEN")
    missing = [name for name in wanted if not os.environ.get(name)]
    if missing:
        raise Refused(f"{', '.join(missing)} must be set, as GitHub does in a workflow")
    place, *reached = (os.environ[name] for name in wanted)
    with open(place, encoding="utf-8") as stream:
        job = Job.of(json.load(stream))
    github = GitHub(*reached)
    comment = body(text_of(artefact(github, job)), job)
    pull = number(github, job)
    print(f"comment {write(github, pull, comment)} under #{pull}", file=sys.stderr)


if __name__ == "__main__":
    errors.run(main)
