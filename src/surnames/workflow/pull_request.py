"""What CI does with a pull request: refuse a stale lock, rerun, verify, and say what changed.

Everything that a reader or a later job wants of it is in `build/ci`.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from surnames.core import tables
from surnames.core.errors import StudyError, SurnamesError
from surnames.workflow import parallel as side_by_side
from surnames.workflow import smoke, study_diff
from surnames.workflow import stale as staleness

OUT = Path("build/ci")
SUMMARY = OUT / "summary.md"  # for the job's page
COMMENT = OUT / "comment.txt"  # the same as plain text, for the comment
DIFF = OUT / "diff.json"
PATCH = OUT / "study.patch"  # what the rerun wrote, to be applied by a person
# What a study is made of: a change elsewhere reruns nothing. Those of pipeline.yml, held by a test.
WATCHED = (
    "params.yaml", "claims.yaml", "dvc.yaml", "dvc.lock", "src/**", "pipeline/**",
    "requirements.lock",
)  # fmt: skip
WRITTEN = ("dvc.lock", "results", "README.md", "docs", "reports")  # by a rerun, and in git
SURNAMES = (sys.executable, "-c", "from surnames.cli import main; main()")

Say = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """What was done, in sentences; the diff; and why the job fails, if it does."""

    said: list[str]
    diff: study_diff.StudyDiff | None
    fault: str | None = None
    rerun: bool = False  # whether the work tree holds new results of this study


def check(base: str, *, small: bool, rerun_stale: bool, say: Say) -> None:
    """Do all of it and write build/ci; raises StudyError where the pull request cannot stand.

    `small` runs the small study instead of this one, `rerun_stale` goes on with a stale lock, so
    that the patch brings the right one.
    """
    try:
        outcome = _outcome(base, small, rerun_stale, say)
    except SurnamesError as error:
        outcome = Outcome([], None, str(error))
    _write(outcome)
    if outcome.said:
        say("\n\n" + "\n\n".join(_text(outcome)))
    if outcome.fault:
        raise StudyError(outcome.fault)


def _fork_point(base: str) -> str:
    """The commit at which this branch left `base`, which it is compared with."""
    study_diff.load(base)  # says what is wrong with it
    found = _git("merge-base", base, "HEAD")
    if not found:
        raise StudyError(
            f"{base!r} and HEAD have no common commit here; in a shallow clone, `git fetch "
            "--unshallow` first"
        )
    return found.strip()


def _git(*arguments: str, **environment: str) -> str:
    """What a git command printed; "" where it failed and said so itself."""
    return subprocess.run(
        ["git", *arguments],
        env=os.environ | environment, stdout=subprocess.PIPE, text=True, check=False,
    ).stdout  # fmt: skip


def _outcome(base: str, small: bool, rerun_stale: bool, say: Say) -> Outcome:
    """Each step in its order, until one has the answer."""
    fork_point = _fork_point(base)
    patterns = [f":(glob){pattern}" for pattern in WATCHED]
    if not _git("diff", "--name-only", fork_point, "--", *patterns):
        return Outcome([f"Nothing that the study is made of differs from {base}."], None)
    before = study_diff.load(fork_point, base)
    stale = staleness.faults()
    if stale and not rerun_stale:
        return Outcome([], None, staleness.message(stale))
    if small:
        smoke.run(Path.cwd(), say)
        said = ["The small study ran through. This one was not run again, so what follows is what "
                "the committed tables say."]  # fmt: skip
        return Outcome(said, study_diff.difference(before, study_diff.load(None)))
    committed = study_diff.load("HEAD")
    said = [_rerun(say)]
    again = study_diff.load(None)
    if _starter(again) and not _starter(committed):
        said.append(
            "NO SOURCE OF THE NAMES COULD BE REACHED: the rerun was on the starter corpus and "
            "confirms nothing. What follows is what the committed tables say."
        )
        return Outcome(said, study_diff.difference(before, committed))
    sentence, fault = _against(committed, again, bool(stale))
    said.append(sentence)
    if not _verified(say):
        fault = fault or "surnames verify fails; its own words are above"
    return Outcome(said, study_diff.difference(before, again), fault, rerun=True)


def _against(
    committed: study_diff.Side, again: study_diff.Side, stale: bool
) -> tuple[str, str | None]:
    """How the rerun compares with what was committed; and the fault, if that makes one.

    Other bytes are none by themselves: another processor gives some. Another verdict is one.
    """
    own = study_diff.difference(committed, again)
    if not own.stages:
        return "The rerun gave the committed dvc.lock again, to the last bit.", None
    moved = sum(row.kind == "moved" for row in own.metrics)
    sentence = (
        f"The rerun gave other bytes than the committed dvc.lock in {len(own.stages)} stages; "
        f"{moved} of {len(own.metrics)} metrics moved by more than the noise. {PATCH.name} holds "
        "what it wrote."
    )
    if stale or not own.verdicts:
        return sentence, None
    names = ", ".join(change.name for change in own.verdicts)
    return sentence, (
        f"the rerun gives other verdicts than the committed ledger: {names}; {staleness.REMEDY}"
    )


def _starter(side: study_diff.Side) -> bool:
    """Whether a study is about the stand-in."""
    return any(name.startswith("starter ") for name in side.data_sets)


def _rerun(say: Say) -> str:
    """`surnames repro`, after what the cache has was laid out; what it ran, in a sentence."""
    subprocess.run(
        [sys.executable, "-m", "dvc", "checkout", "--quiet", "--allow-missing"],
        stderr=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    stages = sorted(side_by_side.changed())
    started = time.monotonic()
    if not _surnames("repro", say):
        raise StudyError("the rerun failed; its own words are above")
    return (
        f"Run again: {len(stages)} stages in {time.monotonic() - started:.0f} s"
        + (f" ({', '.join(stages)})" if stages else "")
        + "."
    )


def _surnames(command: str, say: Say) -> bool:
    """One of this program's commands; whether it succeeded."""
    say(f"$ surnames {command}")
    return not subprocess.run([*SURNAMES, command], check=False).returncode


def _verified(say: Say) -> bool:
    """Whether lock, files and store agree."""
    return _surnames("verify", say)


def _write(outcome: Outcome) -> None:
    """build/ci, and the job's page where there is one."""
    page = "\n\n".join(_page(outcome)) + "\n"
    tables.replace_text(SUMMARY, page)
    fault = [f"THIS CANNOT STAND: {outcome.fault}"] if outcome.fault else []
    tables.replace_text(COMMENT, "\n\n".join([*fault, *_text(outcome)]) + "\n")
    tables.replace_text(DIFF, study_diff.render(outcome.diff, "json") if outcome.diff else "{}")
    tables.replace_text(PATCH, _patch() if outcome.rerun else "")
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        with open(summary, "a", encoding="utf-8") as stream:
            stream.write(page)


def _patch() -> str:
    """What the rerun wrote and git keeps, new files too; the real index is not touched."""
    with tempfile.TemporaryDirectory() as scratch:
        index = {"GIT_INDEX_FILE": f"{scratch}/index"}
        _git("read-tree", "HEAD", **index)
        _git("add", "--all", "--", *WRITTEN, **index)
        return _git("diff", "--cached", "--binary", "HEAD", **index)


def _page(outcome: Outcome) -> Iterator[str]:
    if outcome.fault:
        yield f"> **This cannot stand:** {study_diff.escaped(outcome.fault)}"
    yield from map(study_diff.escaped, outcome.said)
    if outcome.diff:
        yield study_diff.render(outcome.diff, "markdown")


def _text(outcome: Outcome) -> Iterator[str]:
    yield from outcome.said
    if outcome.diff:
        yield study_diff.render(outcome.diff, "table")
