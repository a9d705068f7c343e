"""Train both networks of one cell of the grid under one protocol; ask them at each checkpoint."""

import safetensors.numpy

from surnames.core import corpus, files, params, stage, tables
from surnames.robustness import grid, paths


def main(protocol: str, cell: str) -> None:
    """Read one split, write which answers were right."""
    settings, seed = grid.load(), params.load().study.seed
    split = corpus.load_split(files.split(protocol))
    split = grid.first_replicates(split, settings.replicates, protocol)
    found = grid.train(settings.cells[cell], split, settings.checkpoints, seed, protocol, cell)
    tables.replace_bytes(paths.answers(protocol, cell), safetensors.numpy.save(found))


if __name__ == "__main__":
    stage.run(main)
