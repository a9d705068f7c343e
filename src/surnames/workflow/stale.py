"""Whether dvc.lock belongs to the code, the parameters and the tables beside it.

What `dvc status` answers where all data are at hand; a fresh clone has none, so this asks only what
git holds: each stage's command, parameters and code, the tables that are in git, and that what one
stage is said to have read is what another is said to have written.
"""

from pathlib import PurePosixPath
from typing import Any

from surnames.core.errors import StudyError

REMEDY = "run `make repro` and commit what it changed (dvc.lock, results/, README.md, docs/)"


def check() -> None:
    """Raises StudyError that names every stale stage, and what to run."""
    stale = faults()
    if stale:
        raise StudyError(message(stale))


def message(stale: dict[str, list[str]]) -> str:
    """The stale stages in words, and what to run."""
    lines = [f"{stage}: {', '.join(reasons)}" for stage, reasons in stale.items()]
    return "\n  ".join([f"dvc.lock is stale; {REMEDY}", *lines])


def faults() -> dict[str, list[str]]:
    """The stages whose entry in dvc.lock is not of this work tree, each with the reasons."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            stages = repo.index.stages
            written = {_name(out): out.hash_info for stage in stages for out in stage.outs}
            found = {stage.addressing: list(_reasons(stage, written)) for stage in stages}
    except DvcException as error:
        raise StudyError(f"DVC cannot read this pipeline: {error}") from None
    return {stage: reasons for stage, reasons in found.items() if reasons}


def _name(entry: Any) -> str:
    """A dependency's or an output's path, as dvc.yaml writes it."""
    return str(entry.def_path)


def _reasons(stage: Any, written: dict[str, Any]) -> list[str]:
    """Why one stage's entry is stale; [] where it is not, as far as git can tell."""
    if not any(entry.hash_info for entry in [*stage.deps, *stage.outs]):
        return ["never run"]
    reasons = ["its command changed"] if stage.cmd_changed else []
    for dep in stage.deps:
        name = _name(dep)
        if name in written:
            if dep.hash_info != written[name]:
                reasons.append(f"{name} was made anew since")
        elif not _beside_data(name, written):
            reasons += _told(dep.workspace_status())
    for out in stage.outs:
        in_git = not out.use_cache and not stage.repo.scm.is_ignored(out.fs_path)
        if in_git:
            reasons += _told(out.workspace_status())
    return reasons


def _beside_data(name: str, written: dict[str, Any]) -> bool:
    """Whether it lies in an output, or holds one: data, of which a fresh clone has little."""
    path = PurePosixPath(name)
    outputs = map(PurePosixPath, written)
    return any(path.is_relative_to(out) or out.is_relative_to(path) for out in outputs)


def _told(status: dict[str, Any]) -> list[str]:
    """DVC's answer in words: `{path: word}`, or `{path: {parameter: word}}`."""
    told = []
    for path, word in status.items():
        parts = word if isinstance(word, dict) else {path: word}
        told += [f"{part} {_WORDS.get(kind, f'is {kind}')}" for part, kind in parts.items()]
    return told


_WORDS = {"deleted": "is missing", "new": "is not in dvc.lock", "modified": "changed"}
