"""The gate before training: the schema of every split, and no held-out name in training."""

from surnames.core import corpus, files, stage, streams, tables
from surnames.data import validation


def main() -> None:
    """Read data/splits, write data/checked; fail on the first fault."""
    for protocol in streams.PROTOCOLS:
        found = validation.check(corpus.load_split(files.split(protocol)), protocol)
        tables.write_json(found, files.checked(protocol))


if __name__ == "__main__":
    stage.run(main)
