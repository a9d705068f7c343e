"""What CI does with a pull request: refuse a stale lock, run again, verify and compare.

The results are in build/ci, for readers and for the job that writes the comment.
"""

import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import click

from surnames import dvc_repo
from surnames.core import corpus
from surnames.core.errors import StudyError, SurnamesError
from surnames.core.tables import replace_text
from surnames.display import escaping
from surnames.display.rendering import environment
from surnames.git import git, git_or_nothing
from surnames.workflow import smoke, stale, study_diff
from surnames.workflow.study_diff import StudyDiff

OUT = Path("build/ci")
SUMMARY = OUT / "summary.md"  # for the job's page
COMMENT = OUT / "comment.txt"  # the same as plain text
DIFF = OUT / "diff.json"
PATCH = OUT / "study.patch"  # the files that the rerun wrote, for a person to apply
# A change elsewhere reruns nothing. A test compares these with pipeline.yml.
LOCKS = "dvc.lock requirements.lock torch.lock"
STUDY_FILES = f"params.yaml claims.yaml dvc.yaml src/** pipeline/** {LOCKS}"
# what a rerun writes and git keeps
RESULTS = ("dvc.lock", "results", "README.md", "docs", "reports", ".dvc/plots")


@dataclass
class CheckReport:
    """What was done, the comparison, and why the job fails, if it does; the template tells it."""

    base: str
    what: Literal["", "nothing", "small", "starter", "all"] = ""
    stages: list[str] = field(default_factory=list)  # run again
    seconds: float = 0.0
    again: StudyDiff | None = None  # from the committed results to those of the rerun
    diff: StudyDiff | None = None  # from the base
    failure: str = ""

    def render(self, form: Literal["table", "markdown"]) -> str:
        """The report as plain text, or as a page."""
        shown = escaping.markdown if form == "markdown" else escaping.terminal
        template = environment(shown=shown).get_template("workflow/templates/pull_request.txt")
        diff = study_diff.render(self.diff, form) if self.diff else ""
        return template.render(vars(self) | {"diff": diff}).rstrip("\n") + "\n"


def check(base: str, *, small: bool, rerun_stale: bool) -> None:
    """Check the work tree as a pull request onto `base` and write build/ci.

    `small` runs the small study instead of this one; `rerun_stale` goes on where dvc.lock is stale,
    so that the patch holds the right one. Raises StudyError if the pull request cannot be merged.
    """
    report = CheckReport(base)
    try:
        _check(report, small, rerun_stale)
    except SurnamesError as error:
        report.failure = str(error)
    page, text = report.render("markdown"), report.render("table")
    replace_text(SUMMARY, page)
    replace_text(COMMENT, text)
    replace_text(DIFF, study_diff.render(report.diff, "json") if report.diff else "{}")
    replace_text(PATCH, "")
    if report.what == "all":
        write_patch()
    if job_page := os.environ.get("GITHUB_STEP_SUMMARY"):
        with open(job_page, "a", encoding="utf-8") as stream:
            stream.write(page)
    if report.what:
        click.echo(f"\n\n{text}")
    if report.failure:
        raise StudyError(report.failure)


def _check(report: CheckReport, small: bool, rerun_stale: bool) -> None:
    """Each step in its order, until one has the answer; StudyError says why the job fails."""
    git("rev-parse", "--git-dir")  # which says what is wrong where there is no repository
    fork_point = git_or_nothing("merge-base", report.base, "HEAD")
    if not fork_point:
        raise StudyError(
            f"{report.base!r} is not a commit here, or has none in common with HEAD; `git fetch` "
            "it, in a shallow clone with --unshallow"
        )
    patterns = [f":(glob){pattern}" for pattern in STUDY_FILES.split()]
    if not git("diff", "--name-only", fork_point, "--", *patterns):
        report.what = "nothing"
        return
    outdated = stale.problem()
    if outdated and not rerun_stale:
        raise StudyError(outdated)
    before, committed = study_diff.load(fork_point, report.base), study_diff.load("HEAD")
    if small:
        smoke.run(Path.cwd())
        report.what, report.diff = "small", study_diff.compare(before, study_diff.load(None))
        return
    _rerun(report)
    after = study_diff.load(None)
    starters = [any(map(corpus.is_starter, side.data_sets)) for side in (committed, after)]
    if starters == [False, True]:
        report.what, report.diff = "starter", study_diff.compare(before, committed)
        return
    report.what, report.diff = "all", study_diff.compare(before, after)
    report.again = study_diff.compare(committed, after)
    verified = _surnames("verify")
    # another processor may give other bytes, but not other verdicts
    if report.again.stages and report.again.verdicts and not outdated:
        names = ", ".join(claim.name for claim in report.again.verdicts)
        raise StudyError(
            f"the rerun gives other verdicts than the committed ledger: {names}; {stale.REMEDY}"
        )
    if not verified:
        raise StudyError("`surnames verify` failed; its messages are above")


def _rerun(report: CheckReport) -> None:
    """Run `surnames repro` on what the cache has."""
    with suppress(StudyError):  # it fails where the cache lacks something
        dvc_repo.run("checkout", "--quiet", "--allow-missing")
    report.stages = sorted(dvc_repo.status())
    started = time.monotonic()
    if not _surnames("repro"):
        raise StudyError("the rerun failed; its messages are above")
    report.seconds = time.monotonic() - started


def _surnames(command: str) -> bool:
    """Whether one of this program's commands succeeded."""
    click.echo(f"$ surnames {command}")
    return not subprocess.run([sys.executable, "-m", "surnames", command], check=False).returncode


def write_patch() -> None:
    """Write the results as a patch, new files too; git's real index is not touched."""
    with tempfile.TemporaryDirectory() as scratch:
        index = f"{scratch}/index"
        git("read-tree", "HEAD", GIT_INDEX_FILE=index)
        git("add", "--all", "--", *RESULTS, GIT_INDEX_FILE=index)
        # into a file: `git` strips white space at the end, which a patch may need
        git("diff", "--cached", "--binary", f"--output={PATCH}", "HEAD", GIT_INDEX_FILE=index)
