"""Compare two studies by their committed tables alone: what changed, and what of it is noise.

A study is a commit or the work tree. Neither the cache nor MLflow nor a network is needed.
"""

from surnames.workflow.study_diff.compare import StudyDiff, compare
from surnames.workflow.study_diff.render import Format, render
from surnames.workflow.study_diff.snapshot import Snapshot, load

__all__ = ["Format", "Snapshot", "StudyDiff", "compare", "load", "render"]
