"""Bring the 18 files of names to data/raw, from the first source that has the pinned data set."""

import os
import sys
from pathlib import Path

from surnames.core import files, params, stage, tables
from surnames.data import sources


def main() -> None:
    """SURNAMES_DATA names a local folder or zip; nothing is touched unless all is verified."""
    config = params.load()
    local = os.environ.get("SURNAMES_DATA")
    name, identity, contents = sources.obtain(
        config.fetch, Path(local) if local else None, files.STARTER, _say
    )

    def fill(folder: Path) -> None:
        for file, content in contents.items():
            (folder / file).write_bytes(content)
        tables.write_json({"name": name, "identity": identity}, folder / files.DATA_SET.name)

    tables.replace_folder(files.RAW, fill)
    _say(f"fetch: data set {name} {identity[:12]}")


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    stage.run(main)
