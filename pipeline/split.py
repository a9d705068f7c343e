"""Which replicate trains and scores on which name, for each protocol."""

from surnames.core import corpus, files, params, stage
from surnames.data import splits


def main() -> None:
    """Read data/normalized, write data/splits."""
    config = params.load()
    replicates, seed = config.study.replicates, config.study.seed
    lines, names = corpus.load(files.LINES), corpus.load(files.NAMES)
    folds = config.protocols.held_out.folds
    share = config.protocols.random_split.held_out_share
    published = splits.split_published(lines, replicates)
    held_out = splits.split_held_out(names, replicates, folds, seed)
    random_split = splits.split_random(lines, replicates, share, seed)
    corpus.save_split(published, files.split("published"))
    corpus.save_split(held_out, files.split("held_out"))
    corpus.save_split(random_split, files.split("random_split"))


if __name__ == "__main__":
    stage.run(main)
