"""Digests of files and folders, as DVC computes them."""

import hashlib
import json
from pathlib import Path


def digest(path: Path) -> str:
    """The MD5 of a file, or that of a folder's list of files, which ends in `.dir`."""
    if path.is_file():
        with open(path, "rb") as stream:
            return hashlib.file_digest(stream, "md5").hexdigest()
    names = sorted(one.relative_to(path) for one in path.rglob("*") if one.is_file())
    listed = [{"md5": digest(path / name), "relpath": name.as_posix()} for name in names]
    return hashlib.md5(json.dumps(listed, sort_keys=True).encode()).hexdigest() + ".dir"
