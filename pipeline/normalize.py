"""Lines in the tutorial's form, clean names, names from outside, what changed, the data card."""

from surnames.core import corpus, files, params, stage, tables
from surnames.data import facts
from surnames.data.names import normalize, read_lines, save_changes, starter_names, without


def main() -> None:
    """Read data/raw, write data/normalized."""
    config = params.load()
    lines = read_lines(files.RAW)
    every, clean, changes = normalize(lines, config.normalize.not_names)
    corpus.save(every, files.LINES)
    corpus.save(clean, files.NAMES)
    corpus.save(without(starter_names(files.STARTER), clean), files.OUTSIDE)
    save_changes(changes, files.CHANGES)
    tables.write_json(facts.card(lines, every, clean, changes), files.CARD)


if __name__ == "__main__":
    stage.run(main)
