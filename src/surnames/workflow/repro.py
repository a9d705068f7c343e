"""`surnames repro`: run what changed, write the documents, publish where that is missing."""

import shutil
import sys
from pathlib import Path

from filelock import FileLock, Timeout

from surnames import dvc_repo
from surnames.core import corpus, files, tables
from surnames.display import sentences
from surnames.documents import findings, readme
from surnames.study import comparison, gate, summary
from surnames.tracking.publish import code_tags, unregistrable
from surnames.tracking.runs import holds
from surnames.tracking.store import RECEIPT, REGISTERED, configured_store
from surnames.workflow import parallel, plots
from surnames.workflow.parallel import Task

LOCKED = Path(".dvc/tmp/surnames.lock")
FORCED = {"single_item": True, "force": True}


def repro(targets: tuple[str, ...]) -> str:
    """Run the study, or the stages named, and return the headline table.

    Faulty parameters and claims are refused before anything runs. Waits while another one works in
    the same folder. Raises StudyError where a stage fails, which has said why, and Interrupted.
    """
    config = gate.check()
    LOCKED.parent.mkdir(parents=True, exist_ok=True)
    waiting = FileLock(LOCKED)
    try:
        waiting.acquire(timeout=0)
    except Timeout:
        print("another `surnames repro` works in this folder; waiting for it", file=sys.stderr)
    with waiting:
        dvc_repo.release_locks()
        dvc_repo.sort_lock()  # or say what is wrong with dvc.lock
        for folder in comparison.leftovers(config.runs.values()):  # of runs no longer there
            shutil.rmtree(folder)
        data_set = tables.read_json(files.DATA_SET)["name"] if files.DATA_SET.is_file() else ""
        try:
            if corpus.is_starter(data_set):  # DVC cannot see that a source is there now
                parallel.run([[Task("gate", ["gate"])], [Task("fetch", ["fetch"], FORCED)]])
            if targets:
                parallel.run([[Task(" ".join(targets), targets)]])
            else:
                parallel.repro()
        finally:
            dvc_repo.sort_lock()
        write_documents()
        if not targets and not _published():
            parallel.run([[Task("track", ["track"], FORCED)]])
            dvc_repo.sort_lock()
    return sentences.headline(summary.load(), config.study.confidence)


def _published() -> bool:
    """Whether the store has this study, and its models, if they may be registered by now."""
    receipt, store = tables.read_json(RECEIPT), configured_store()
    if not holds(store, set(receipt["fingerprints"])):
        return False
    registered = tables.read_json(REGISTERED) if REGISTERED.is_file() else None
    return registered == receipt | {"store": store.name} or bool(unregistrable(code_tags()))


def write_documents() -> None:
    """Write the README's block, docs/findings.md and the templates of `dvc plots` anew."""
    readme.write()
    findings.write()
    plots.write_templates()
