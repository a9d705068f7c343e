"""Which replicate trains and scores on which name, for each protocol."""

from surnames.core import corpus, files, params, stage
from surnames.data import splits


def main() -> None:
    """Read data/normalized, write data/splits."""
    config = params.load()
    protocols, seed = config.protocols, config.study.seed
    lines, names = corpus.load(files.LINES), corpus.load(files.NAMES)
    folds, repetitions = protocols.held_out.folds, protocols.held_out.repetitions
    share, count = protocols.random_split.held_out_share, protocols.random_split.replicates
    published = splits.split_published(lines, protocols.published.replicates)
    held_out = splits.split_held_out(names, folds, repetitions, seed)
    random_split = splits.split_random(lines, count, share, seed)
    corpus.save_split(published, files.split("published"))
    corpus.save_split(held_out, files.split("held_out"))
    corpus.save_split(random_split, files.split("random_split"))


if __name__ == "__main__":
    stage.run(main)
