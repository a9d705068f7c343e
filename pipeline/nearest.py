"""How far each unseen name is from the nearest name that its networks were trained on."""

from surnames.core import corpus, files, stage
from surnames.data import nearest


def main() -> None:
    """Read the split of held_out, write the edits to the nearest training name."""
    split = corpus.load_split(files.split("held_out"))
    nearest.save(split, nearest.nearest(split), files.NEAREST)


if __name__ == "__main__":
    stage.run(main)
