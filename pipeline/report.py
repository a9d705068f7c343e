"""The report, the data card and the README's picture."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from surnames.core import corpus, errors, files, params, tables
from surnames.display import headline
from surnames.evaluation import scoring
from surnames.evaluation.scoring import median_replicate
from surnames.networks.network import load_networks
from surnames.report import page as report
from surnames.report import provenance, try_a_name
from surnames.report.paths import DATA_CARD, HEADLINE, REPORT
from surnames.study import claims
from surnames.study.paths import CONFUSIONS, CURVES, EFFECTS, LEDGER, RECALL, SUMMARY


def load() -> report.Study:
    """The study's tables."""
    config = params.load()
    return report.Study(
        settings=provenance.Settings(
            config.architectures, config.protocols, config.recipes, config.study
        ),
        data_set=tables.read_json(files.DATA_SET),
        summary=headline.Summary(tables.read_table(SUMMARY)),
        ledger=claims.verdicts(),
        effects=tables.read_table(EFFECTS),
        recall=tables.read_table(RECALL),
        curves=tables.read_table(CURVES),
        confusions=tables.read_table(CONFUSIONS),
        calibration={
            (run.protocol, run.architecture): tables.read_table(
                files.calibration(run.protocol, run.architecture)
            )
            for run in config.runs.values()
        },
        card=tables.read_json(files.CARD),
        changes=tables.read_table(files.CHANGES),
        checks={
            protocol: tables.read_json(files.checked(protocol)) for protocol in params.PROTOCOLS
        },
        outside=len(corpus.load(files.OUTSIDE).names),
        try_a_name=try_a_name.section(median_networks(config.runs.values())),
        digests={
            str(path): _digest(path)
            for path in (
                files.DATA_SET, files.CARD, files.CHANGES, files.OUTSIDE, SUMMARY,
                LEDGER, EFFECTS, RECALL, CURVES, CONFUSIONS,
                *(files.weights(run.protocol, run.architecture) for run in config.runs.values()),
            )
        },
    )  # fmt: skip


def _digest(path: Path) -> str:
    """MD5, which is how DVC knows a file."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "md5").hexdigest()


def median_networks(runs: Iterable[params.Run]) -> list[try_a_name.Network]:
    """The network with the median macro recall on unseen names, of each architecture to try."""
    held = {(run.protocol, run.architecture) for run in runs}
    found = []
    for name in try_a_name.ARCHITECTURES:
        if ("held_out", name) in held:
            scores = scoring.load_columns(files.scores("held_out", name))
            replicate = median_replicate(scores["macro_recall"])
            weights = load_networks(files.weights("held_out", name))[replicate].weights
            found.append(try_a_name.Network(name, replicate, weights))
    return found


def main() -> None:
    """Read the study's tables, write reports/."""
    study = load()
    tables.replace_text(REPORT, report.page(study))
    tables.replace_text(DATA_CARD, report.data_card(study))
    tables.replace_text(HEADLINE, report.headline_figure(study))


if __name__ == "__main__":
    errors.run(main)
