"""What CI does with a pull request: refuse a stale lock, run again, verify and compare.

The results are in build/ci, for readers and for the job that writes the comment.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from surnames import dvc_repo
from surnames.core import corpus
from surnames.core.errors import StudyError, SurnamesError
from surnames.core.tables import replace_text
from surnames.git import git, git_or_nothing
from surnames.workflow import smoke, stale, study_diff
from surnames.workflow.study_diff import Snapshot, StudyDiff

OUT = Path("build/ci")
SUMMARY = OUT / "summary.md"  # for the job's page
COMMENT = OUT / "comment.txt"  # the same as plain text
DIFF = OUT / "diff.json"
PATCH = OUT / "study.patch"  # the files that the rerun wrote, for a person to apply
# A change elsewhere reruns nothing. A test compares these with pipeline.yml.
STUDY_FILES = "params.yaml claims.yaml dvc.yaml dvc.lock src/** pipeline/** requirements.lock"
# what a rerun writes and git keeps
RESULTS = ("dvc.lock", "results", "README.md", "docs", "reports", ".dvc/plots")

Say = Callable[[str], None]


@dataclass(frozen=True)
class CheckReport:
    """What was done, the comparison, and why the job fails, if it does."""

    sentences: list[str]
    diff: StudyDiff | None = None
    failure: str | None = None
    rerun: bool = False  # whether the work tree holds new results of this study


def check(base: str, *, small: bool, rerun_stale: bool, say: Say) -> None:
    """Check the work tree as a pull request onto `base` and write build/ci.

    `small` runs the small study instead of this one; `rerun_stale` goes on where dvc.lock is stale,
    so that the patch holds the right one. Raises StudyError if the pull request cannot be merged.
    """
    try:
        report = _checked(base, small, rerun_stale, say)
    except SurnamesError as error:
        report = CheckReport([], failure=str(error))
    _write(report)
    if report.sentences:
        say(f"\n\n{_rendered(report, 'table')}")
    if report.failure:
        raise StudyError(report.failure)


def _checked(base: str, small: bool, rerun_stale: bool, say: Say) -> CheckReport:
    """Each step in its order, until one has the answer."""
    fork_point = git_or_nothing("merge-base", base, "HEAD")
    if not fork_point:
        raise StudyError(
            f"{base!r} is not a commit here, or has none in common with HEAD; `git fetch` it, in a "
            "shallow clone with --unshallow"
        )
    patterns = [f":(glob){pattern}" for pattern in STUDY_FILES.split()]
    if not git("diff", "--name-only", fork_point, "--", *patterns):
        return CheckReport([f"No file of the study differs from {base}."])
    stale_stages = stale.stale_stages()
    if stale_stages and not rerun_stale:
        return CheckReport([], failure=stale.message(stale_stages))
    before = study_diff.load(fork_point, known_as=base)
    if small:
        smoke.run(Path.cwd(), say)
        sentence = "The small study passed. This one was not run: the committed tables follow."
        return CheckReport([sentence], study_diff.compare(before, study_diff.load(None)))
    committed = study_diff.load("HEAD")
    sentences = [_rerun(say)]
    after = study_diff.load(None)
    starters = [any(map(corpus.is_starter, side.data_sets)) for side in (committed, after)]
    if starters == [False, True]:
        sentences.append(
            "NO SOURCE OF THE NAMES COULD BE REACHED: the rerun used the starter corpus and "
            "confirms nothing. The committed tables follow."
        )
        return CheckReport(sentences, study_diff.compare(before, committed))
    sentence, failure = _compared_to_committed(committed, after, bool(stale_stages))
    if not _surnames("verify", say):
        failure = failure or "`surnames verify` failed; its messages are above"
    diff = study_diff.compare(before, after)
    return CheckReport([*sentences, sentence], diff, failure, rerun=True)


def _rerun(say: Say) -> str:
    """Run `surnames repro` on what the cache has; a sentence about what it ran."""
    with suppress(StudyError):  # it fails where the cache lacks something
        dvc_repo.run("checkout", "--quiet", "--allow-missing")
    stages = sorted(dvc_repo.status())
    started = time.monotonic()
    if not _surnames("repro", say):
        raise StudyError("the rerun failed; its messages are above")
    names = f" ({', '.join(stages)})" if stages else ""
    return f"Run again: {len(stages)} stages in {time.monotonic() - started:.0f} s{names}."


def _surnames(command: str, say: Say) -> bool:
    """Whether one of this program's commands succeeded."""
    say(f"$ surnames {command}")
    return not subprocess.run([sys.executable, "-m", "surnames", command], check=False).returncode


def _compared_to_committed(
    committed: Snapshot, after: Snapshot, was_stale: bool
) -> tuple[str, str | None]:
    """How the rerun compares with the committed results; and the failure, if that makes one.

    Other bytes do not: another processor may give them. Other verdicts do.
    """
    diff = study_diff.compare(committed, after)
    if not diff.stages:
        return "The rerun gave the committed dvc.lock again, to the last bit.", None
    moved = sum(row.kind == "moved" for row in diff.metrics)
    sentence = (
        f"The rerun gave other bytes than the committed dvc.lock in {len(diff.stages)} stages; "
        f"{moved} of {len(diff.metrics)} metrics moved by more than the noise. {PATCH.name} holds "
        "the new files."
    )
    if was_stale or not diff.verdicts:
        return sentence, None
    names = ", ".join(claim.name for claim in diff.verdicts)
    return sentence, (
        f"the rerun gives other verdicts than the committed ledger: {names}; {stale.REMEDY}"
    )


def _rendered(report: CheckReport, form: Literal["table", "markdown"]) -> str:
    escape = study_diff.escape if form == "markdown" else str
    failure = [f"FAILED: {report.failure}"] if report.failure else []
    diff = [study_diff.render(report.diff, form)] if report.diff else []
    return "\n\n".join([*map(escape, failure + report.sentences), *diff]) + "\n"


def _write(report: CheckReport) -> None:
    """Write build/ci, and the job's page where there is one."""
    page = _rendered(report, "markdown")
    replace_text(SUMMARY, page)
    replace_text(COMMENT, _rendered(report, "table"))
    replace_text(DIFF, study_diff.render(report.diff, "json") if report.diff else "{}")
    replace_text(PATCH, "")
    if report.rerun:
        write_patch()
    job_page = os.environ.get("GITHUB_STEP_SUMMARY")
    if job_page:
        with open(job_page, "a", encoding="utf-8") as stream:
            stream.write(page)


def write_patch() -> None:
    """Write the results as a patch, new files too; git's real index is not touched."""
    with tempfile.TemporaryDirectory() as scratch:
        index = f"{scratch}/index"
        git("read-tree", "HEAD", GIT_INDEX_FILE=index)
        git("add", "--all", "--", *RESULTS, GIT_INDEX_FILE=index)
        # into a file: `git` strips white space at the end, which a patch may need
        git("diff", "--cached", "--binary", f"--output={PATCH}", "HEAD", GIT_INDEX_FILE=index)
