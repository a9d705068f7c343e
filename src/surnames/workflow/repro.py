"""`surnames repro`: run what changed, write the documents, publish where that is missing."""

import shutil
import subprocess

from surnames import dvc_repo
from surnames.core import corpus, files, params, tables
from surnames.display import sentences
from surnames.documents import findings, readme
from surnames.evaluation import scoring
from surnames.study import claims, comparison, summary
from surnames.tracking.runs import holds
from surnames.tracking.store import RECEIPT, configured_store
from surnames.workflow import parallel, plots


def repro(targets: tuple[str, ...]) -> str:
    """Run the study, or the stages named, and return the headline table.

    Faulty parameters and claims are refused before anything runs. SystemExit with DVC's status
    where a stage fails, which has said why.
    """
    config = params.load()
    claims.load(config.runs, scoring.METRICS)
    for folder in comparison.leftovers(config.runs.values()):  # of runs that are no longer there
        shutil.rmtree(folder)
    data_set = tables.read_json(files.DATA_SET)["name"] if files.DATA_SET.is_file() else ""
    if corpus.is_starter(data_set):  # DVC cannot see that a source is there now
        _dvc("--force", "--single-item", "fetch")
    if not targets:
        parallel.repro()
    _dvc(*targets)
    write_documents()
    published = set(tables.read_json(RECEIPT)["fingerprints"])
    if not targets and not holds(configured_store(), published):
        _dvc("--force", "--single-item", "track")  # another store, or one that was lost
    return sentences.headline(summary.load(), config.study.confidence)


def write_documents() -> None:
    """Write the README's block, docs/findings.md and the templates of `dvc plots` anew."""
    readme.write()
    findings.write()
    plots.write_templates()


def _dvc(*arguments: str) -> None:
    done = subprocess.run([*dvc_repo.COMMAND, "repro", *arguments], check=False)
    if done.returncode:
        raise SystemExit(done.returncode)
