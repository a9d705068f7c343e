"""The fetch stage as a process: all of the data set or nothing, and data/raw as it was."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from support.loopback import (
    BODY,
    HOSTILE,
    IDENTITY,
    NAMES,
    STARTER,
    Server,
    drips,
    gives,
    members,
    packed,
)
from support.projects import ROOT, Project

from surnames.core import files, tables
from surnames.data import sources

GOOD = packed(members())


@pytest.fixture
def server() -> Iterator[Server]:
    """A server on loopback."""
    with Server().running() as running:
        yield running


class Place:
    """A folder in which only the fetch stage can run, with an earlier data set in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "data").mkdir()
        (folder / "data" / "starter").symlink_to(STARTER)
        (folder / "data" / "raw").mkdir()
        (folder / "data" / "raw" / "Arabic.txt").write_text("what was there before\n")
        (folder / "data" / "raw" / "Klingon.txt").write_text("nor is this there to stay\n")
        self.before = self.tree()

    def fetch(self, *urls: str, local: Path | None = None, **changes: object) -> tuple[int, str]:
        """Run the stage; its exit status and what it said on stderr."""
        values = yaml.safe_load((ROOT / "params.yaml").read_text())
        values["fetch"] |= {"name": "small", "identity": IDENTITY, "sources": list(urls)}
        values["fetch"] |= {"silence": 0.5, "seconds": 1.0, "megabytes": 1} | changes
        (self.folder / "params.yaml").write_text(yaml.safe_dump(values))
        environment = {k: v for k, v in os.environ.items() if k != "SURNAMES_DATA"}
        environment |= {"NO_PROXY": "127.0.0.1", "DVC_STAGE": "fetch"} | (
            {"SURNAMES_DATA": str(local)} if local else {}
        )
        done = subprocess.run(
            [sys.executable, ROOT / "pipeline" / "fetch.py"],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.stdout == ""
        assert "Traceback" not in done.stderr
        return done.returncode, done.stderr

    def tree(self) -> dict[str, bytes]:
        """Every file under data, but for the starter corpus, and its content."""
        found = (self.folder / "data").rglob("*")
        return {
            str(path.relative_to(self.folder)): path.read_bytes() if path.is_file() else b""
            for path in found
            if "starter" not in path.parts
        }

    def raw(self) -> dict[str, bytes]:
        """The names in data/raw; asserts that nothing half-written stands beside them."""
        tree = self.tree()
        raw = {name[9:]: content for name, content in tree.items() if name.startswith("data/raw/")}
        assert tree.keys() == {"data/raw"} | {f"data/raw/{name}" for name in raw}
        return {name: content for name, content in raw.items() if name.endswith(".txt")}

    def data_set(self) -> dict[str, str]:
        """What the study will say that it is about."""
        return tables.read_json(self.folder / files.DATA_SET)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Where to fetch to."""
    return Place(tmp_path)


def test_good_archive_replaces_what_was_there(place: Place, server: Server) -> None:
    """All 18 files byte for byte, the data set's name and identity, and nothing else."""
    server.answers["/names.zip"] = gives(GOOD)
    status, said = place.fetch(server.url("/nothing"), server.url("/names.zip"))
    assert status == 0, said
    assert place.raw() == NAMES
    assert place.data_set() == {"name": "small", "identity": IDENTITY}
    assert f"data set small {IDENTITY[:12]}" in said
    assert place.folder.joinpath("data/raw").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("kind", HOSTILE)
def test_refused_archive_changes_nothing(place: Place, server: Server, kind: str) -> None:
    """Non-zero, named on stderr, and the folder exactly as it was."""
    body, named = HOSTILE[kind]
    server.answers["/names.zip"] = gives(body)
    status, said = place.fetch(server.url("/names.zip"))
    assert status != 0
    assert named in said
    assert place.tree() == place.before


def test_unreachable_and_fail_changes_nothing(place: Place, server: Server) -> None:
    """With `when_unreachable: fail` it stops and says what to do."""
    status, said = place.fetch(server.url("/nothing"), when_unreachable="fail")
    assert status != 0
    assert "set SURNAMES_DATA to" in said
    assert place.tree() == place.before


def test_unreachable_goes_on_with_the_starter_corpus(place: Place, server: Server) -> None:
    """Said loudly, and written down for every table to carry."""
    status, said = place.fetch(server.url("/nothing"))
    starter = sources.read_folder(STARTER, 10**6)
    assert status == 0
    assert "STARTER" in said
    assert place.raw() == starter
    assert place.data_set() == {"name": "starter", "identity": sources.identity(starter)}


def test_waiting_threads_do_not_hold_the_process(place: Place, server: Server) -> None:
    """Three sources that would go on for ever cost their bounds, and the process ends."""
    server.answers["/drip"] = drips(BODY, 0.02)
    server.answers["/header"] = drips(b"HTTP/1.0 200 OK\r\nX: ", 0.02)
    began = time.monotonic()
    status, said = place.fetch(*map(server.url, ("/silent", "/drip", "/header")))
    assert time.monotonic() - began < 2 + 6  # two silences and one download's time; a slow machine
    assert status == 0
    assert said.count("cannot be reached") == 3


def test_local_copy(place: Place, server: Server, tmp_path: Path) -> None:
    """SURNAMES_DATA as a folder, as a zip, and as nothing that is there."""
    folder = tmp_path / "names"
    folder.mkdir()
    for name, content in NAMES.items():
        (folder / name).write_bytes(content)
    (tmp_path / "names.zip").write_bytes(GOOD)
    for local in (folder, tmp_path / "names.zip"):
        assert place.fetch(server.url("/names.zip"), local=local)[0] == 0
        assert place.raw() == NAMES
        assert place.data_set()["name"] == "small"
    before = place.tree()
    status, said = place.fetch(server.url("/names.zip"), local=tmp_path / "nowhere")
    assert status != 0
    assert "nowhere is neither a folder nor a zip" in said
    (folder / "Dutch.txt").write_bytes(b"Jansen\n")
    status, said = place.fetch(server.url("/names.zip"), local=folder)
    assert status != 0
    assert IDENTITY in said
    assert place.tree() == before
    assert server.asked == []


def test_wrong_parameters_are_told_untraced(place: Place) -> None:
    """A stage stops at the door, before it asks anyone for anything."""
    status, said = place.fetch(silence="ten", megabytes=0)
    assert status != 0
    assert "fetch.silence" in said
    assert "fetch.megabytes" in said
    assert place.tree() == place.before


def test_refusal_through_dvc_leaves_data_raw(study: Project, server: Server) -> None:
    """`dvc repro fetch` removes outputs before it runs a stage; not this one."""
    raw = study.folder / "data" / "raw"
    before = {path.name: path.read_bytes() for path in raw.iterdir()}
    server.answers["/names.zip"] = gives(HOSTILE["altered"][0])
    study.set(fetch__sources=[server.url("/names.zip")], fetch__identity=IDENTITY)
    said = study.run("dvc", "repro", "fetch", fails=True, NO_PROXY="127.0.0.1")
    assert "not the pinned data set" in said
    assert "Traceback" not in said
    assert {path.name: path.read_bytes() for path in raw.iterdir()} == before
    assert not [path for path in raw.parent.iterdir() if path.name.startswith(".raw")]
    server.answers["/names.zip"] = gives(GOOD)
    study.run("dvc", "repro", "fetch", NO_PROXY="127.0.0.1")
    assert {name: (raw / name).read_bytes() for name in NAMES} == NAMES
