"""Whether dvc.lock belongs to the code, the parameters and the tables beside it.

`dvc status` answers that where all data are present. A fresh clone has none, so this compares only
what git holds: each stage's command, parameters and code, the tables that are in git, and the
digests of an output in the stage that wrote it and in those that read it.
"""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from surnames import dvc_repo
from surnames.core.errors import StudyError

REMEDY = "run `make repro` and commit what it changed (dvc.lock, results/, README.md, docs/)"
_CHANGES = {"deleted": "is missing", "new": "is not in dvc.lock", "modified": "changed"}


def check() -> None:
    """Raises StudyError that names every stale stage, and what to run."""
    if message := problem():
        raise StudyError(message)


def problem() -> str:
    """The stages whose entry in dvc.lock is not of this work tree, why, and what to run; or ""."""
    with dvc_repo.opened() as repo:
        stages = [one for one in repo.index.stages if one.path_in_repo == dvc_repo.PIPELINE]
        outputs = {out.def_path: out.hash_info for stage in stages for out in stage.outs}
        reasons = {stage.addressing: ", ".join(_reasons(stage, outputs)) for stage in stages}
    lines = [f"{stage}: {why}" for stage, why in reasons.items() if why]
    return "\n  ".join([f"dvc.lock is stale; {REMEDY}", *lines]) if lines else ""


def _reasons(stage: Any, outputs: dict[str, Any]) -> Iterator[str]:
    """Why one stage's entry is stale; none where it is not, as far as git can tell."""
    if not any(entry.hash_info for entry in [*stage.deps, *stage.outs]):
        yield "never run"
        return
    if stage.cmd_changed:
        yield "its command changed"
    for dep in stage.deps:
        if dep.def_path in outputs:
            if dep.hash_info != outputs[dep.def_path]:
                yield f"{dep.def_path} was written again since"
        elif not _overlaps_output(str(dep.def_path), outputs):
            yield from changes(dep.workspace_status())
    for out in stage.outs:
        if not out.use_cache and not stage.repo.scm.is_ignored(out.fs_path):  # it is in git
            yield from changes(out.workspace_status())


def _overlaps_output(name: str, outputs: dict[str, Any]) -> bool:
    """Whether a path lies in an output or holds one: data, which a fresh clone lacks."""
    path = PurePosixPath(name)
    others = map(PurePosixPath, outputs)
    return any(path.is_relative_to(out) or out.is_relative_to(path) for out in others)


def changes(status: dict[str, Any]) -> Iterator[str]:
    """DVC's status in words; it is `{path: change}`, or `{path: {parameter: change}}`."""
    for path, change in status.items():
        parts = change if isinstance(change, dict) else {path: change}
        for part, kind in parts.items():
            yield f"{part} {_CHANGES.get(kind, f'is {kind}')}"
