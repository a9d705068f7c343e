"""The cells of the grid side by side, and the contrasts that claims rest on."""

from surnames.core import corpus, files, params, stage, tables
from surnames.robustness import compare, grid, paths
from surnames.study.comparison import label


def main() -> None:
    """Read the grid's answers, write both tables."""
    config, settings = params.load(), grid.load()
    splits = {
        protocol: grid.first_replicates(
            corpus.load_split(files.split(protocol)), settings.replicates, protocol
        )
        for protocol in grid.PROTOCOLS
    }
    known = compare.terms(settings, splits, config.protocols)
    about = config.study.confidence, label(tables.read_json(files.DATA_SET))
    tables.write_rows(compare.cells(settings, known, *about), paths.MADE / paths.CELLS)
    tables.write_json(compare.contrasts(settings, known, *about), paths.MADE / paths.CONTRASTS)


if __name__ == "__main__":
    stage.run(main)
