"""Lines in the tutorial's form, clean names, names from outside, what changed, the data card."""

from surnames.core import corpus, errors, files, params


def main() -> None:
    """Read data/raw, write data/normalized."""
    config = params.load()
    lines = corpus.read_lines(files.RAW)
    every, clean, changes = corpus.normalize(lines, config.normalize.not_names)
    corpus.save(every, files.LINES)
    corpus.save(clean, files.NAMES)
    corpus.save(corpus.without(corpus.starter_names(files.STARTER), clean), files.OUTSIDE)
    corpus.save_changes(changes, files.CHANGES)
    files.write_json(corpus.card(lines, every, clean, changes), files.CARD)


if __name__ == "__main__":
    errors.run(main)
