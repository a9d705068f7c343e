"""The report, the data card and the README's picture."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from surnames.core import corpus, files, params, stage, streams, tables
from surnames.display.sentences import COMPARED
from surnames.evaluation.scoring import load_columns, median_replicate
from surnames.networks.lookup import get_architecture
from surnames.networks.network import load_networks
from surnames.report import page, paths
from surnames.report.report_data import ReportData
from surnames.report.try_a_name import ShownNetwork
from surnames.study import claims, summary
from surnames.study import paths as study


def load() -> ReportData:
    """The study's tables."""
    config = params.load()
    runs = [(run.protocol, run.architecture) for run in config.runs.values()]
    return ReportData(
        config=config,
        data_set=tables.read_json(files.DATA_SET),
        summary=summary.load(),
        ledger=claims.verdicts(),
        effects=tables.read_table(study.EFFECTS),
        recall=tables.read_table(study.RECALL),
        groups=tables.read_table(study.GROUPS),
        cells=tables.read_table(study.CELLS) if study.CELLS.is_file() else [],
        curves=tables.read_table(study.CURVES),
        confusions=tables.read_table(study.CONFUSIONS),
        calibration={run: tables.read_table(files.calibration(*run)) for run in runs},
        card=tables.read_json(files.CARD),
        changes=tables.read_table(files.CHANGES),
        checks={one: tables.read_json(files.checked(one)) for one in streams.PROTOCOLS},
        outside=len(corpus.load(files.OUTSIDE).names),
        networks=median_networks(runs),
        digests={str(path): digest(path) for path in inputs(runs)},
    )


def inputs(runs: Iterable[tuple[str, str]]) -> list[Path]:
    """The files that the page is made of, in the order in which it lists them."""
    return [
        *(files.DATA_SET, files.CARD, files.CHANGES, files.OUTSIDE, study.SUMMARY, study.LEDGER),
        *(study.EFFECTS, study.RECALL, study.GROUPS, study.CURVES, study.CONFUSIONS),
        *([study.CELLS] if study.CELLS.is_file() else []),
        *(files.weights(*run) for run in runs),
    ]


def digest(path: Path) -> str:
    """MD5, by which DVC knows a file."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "md5").hexdigest()


def median_networks(runs: Iterable[tuple[str, str]]) -> list[ShownNetwork]:
    """The network with the median macro recall on unseen names, of both that are compared."""
    networks = []
    for name in COMPARED:
        if ("held_out", name) in runs:
            scores = load_columns(files.scores("held_out", name))
            replicate = median_replicate(scores["macro_recall"])
            trained = load_networks(files.weights("held_out", name), get_architecture(name))
            networks.append(ShownNetwork(name, replicate, trained[replicate].weights))
    return networks


def main() -> None:
    """Read the study's tables, write reports/."""
    data = load()
    tables.replace_text(paths.REPORT, page.page(data))
    tables.replace_text(paths.DATA_CARD, page.card(data))
    tables.replace_text(paths.HEADLINE, page.headline_figure(data))


if __name__ == "__main__":
    stage.run(main)
