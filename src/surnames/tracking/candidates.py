"""What is registered of each architecture: one network, its files and what is said of it."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.numpy

from surnames.core import files, tables
from surnames.evaluation import scoring
from surnames.networks.lookup import get_architecture
from surnames.networks.network import load_networks
from surnames.study.comparison import gather
from surnames.tracking.model_card import model_card
from surnames.tracking.run_record import build_run_record, render
from surnames.tracking.store import FINGERPRINT, NOTE
from surnames.tracking.subjects import Snapshot, Subject, digest, rows_of

HELD_OUT, SPLIT = "surnames.held_out", "surnames.split"  # tags by which champions are compared
HERE = Path(__file__).parent  # the model carries two of its files


@dataclass(frozen=True)
class Candidate:
    """The network that represents an architecture in the registry."""

    subject: Subject
    fingerprint: str  # of its run and its files: no study changes the version of another
    files: dict[str, bytes]  # content by path
    tags: dict[str, str]
    description: str


def find_candidates(study: Snapshot) -> dict[str, Candidate]:
    """By architecture, the median network on held-out names, otherwise of the published run."""
    candidates: dict[str, Candidate] = {}
    for protocol in ("published", "held_out"):  # the second replaces the first
        for subject in study.subjects:
            run = subject.run
            card = model_card(get_architecture(run.architecture))
            if run.protocol == protocol and subject.replicate is None and card is not None:
                candidates[run.architecture] = _candidate(subject, card, study)
    return candidates


def _candidate(whole: Subject, card: dict[str, Any], study: Snapshot) -> Candidate:
    """The median network of a run."""
    run = whole.run
    [results] = gather([run])
    scores = results.scores["macro_recall"]
    median = scoring.median_replicate(scores)
    subject = next(one for one in study.subjects if one.run == run and one.replicate == median)
    path, architecture = files.weights(run.protocol, run.architecture), run.architecture
    weights = load_networks(path, get_architecture(architecture))[median].weights
    contents = {
        "portable_model.py": (HERE / "portable_model.py").read_bytes(),
        "artifacts/portable_scorer.py": (HERE / "portable_scorer.py").read_bytes(),
        "artifacts/weights.safetensors": safetensors.numpy.save(weights),
        "artifacts/card.json": (json.dumps(card, indent=2, ensure_ascii=False) + "\n").encode(),
    }
    digests = {path: hashlib.sha256(content).hexdigest() for path, content in contents.items()}
    fingerprint = digest([whole.fingerprint, digests])
    network = build_run_record(subject, results, study)
    tags = {key: network.tags[key] for key in ("architecture", "protocol", "replicate", "data_set")}
    rows = rows_of(run, study.summary)
    [recall] = [row for row in rows if row["metric"] == "macro_recall"]
    cells = (recall["mean"], recall["ci_low"], recall["ci_high"])
    mean, low, high = (cell and f"{float(cell):.4f}" for cell in cells)
    tags |= {"macro_recall": f"{mean} ({low} to {high})" if low else mean, FINGERPRINT: fingerprint}
    if network.tags["starter"] == "true":
        tags["starter"] = "true"
    if run.protocol == "held_out":
        tags |= {HELD_OUT: json.dumps(tables.rounded(scores.tolist())), SPLIT: study.split}
    confidence, note = study.settings.study.confidence, network.tags[NOTE]
    description = render("version.md", network=note, run=run, rows=rows, confidence=confidence)
    return Candidate(subject, fingerprint, contents, tags, description)
