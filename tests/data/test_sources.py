"""Where the names come from: nothing but the pinned data set gets in, and nothing is for ever."""

import gzip
import hashlib
import os
import random
import shutil
import socket
import threading
import time
import tracemalloc
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.loopback import BODY, HOSTILE, IDENTITY, NAMES, STARTER, Server, bomb, drips, gives

from support.loopback import members, packed  # isort: skip

from surnames.core import params
from surnames.core.errors import DataError, SourceError
from surnames.data import sources
from surnames.data.names import read_lines

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 1_000_000
GOOD = packed(members())


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server on loopback, asked without a proxy."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server().running() as running:
        yield running


def fetch(*urls: str, **changes: object) -> params.Fetch:
    """Parameters for these sources, impatient ones."""
    values: dict[str, object] = {
        "name": "small",
        "identity": IDENTITY,
        "sources": list(urls),
        "silence": 0.4,
        "seconds": 5.0,
        "megabytes": 1,
        "when_unreachable": "starter",
    }
    return params.Fetch.model_validate(values | changes)


def closed_port() -> str:
    """An address that refuses connections."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/names.zip"


def obtain(config: params.Fetch, local: Path | None = None) -> tuple[str, str, str]:
    """Name and identity of what came, and all that was said; the files are verified here."""
    said: list[str] = []
    name, identity, contents = sources.obtain(config, local, STARTER, said.append)
    assert sources.identity(contents) == identity
    return name, identity, "\n".join(said)


def test_default_identity_is_that_of_the_real_names(names: Path) -> None:
    """params.yaml pins the data that the study is about, by an identity computed here anew."""
    pinned = params.load(ROOT / "params.yaml").fetch
    contents = (
        sources.read_folder(names, 10**6)
        if names.is_dir()
        else sources.read_archive(names.read_bytes(), 64_000_000, str(names))
    )
    lines = "".join(
        f"{hashlib.sha256(contents[name]).hexdigest()}  {name}\n" for name in sorted(contents)
    )
    assert hashlib.sha256(lines.encode()).hexdigest() == pinned.identity
    assert sum(len(text.decode().strip().split("\n")) for text in contents.values()) == 20074


def test_archive_gives_the_files_byte_for_byte() -> None:
    """In a folder `names` at any depth, as they are published, or at the top, as zipped by hand."""
    at_top = packed(NAMES)
    stored = packed(members(), method=zipfile.ZIP_STORED)
    for body in (GOOD, at_top, stored):
        assert sources.read_archive(body, LIMIT, "here") == NAMES


def test_archive_leaves_other_files_alone() -> None:
    """A namesake in another folder is neither taken nor a reason to refuse."""
    body = packed(members(), ("repo/data/other/Arabic.txt", b"no names"))
    assert sources.read_archive(body, LIMIT, "here") == NAMES


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_archive_is_refused_by_name(kind: str) -> None:
    """Each kind of archive that an honest source would not send, named in the message."""
    body, named = HOSTILE[kind]
    with pytest.raises(SourceError) as refused:
        sources.verified(sources.read_archive(body, LIMIT, "here"), IDENTITY, "here")
    assert named in str(refused.value)
    assert str(refused.value).startswith("here: ")


def test_altered_byte_is_told_with_both_digests() -> None:
    """So that a reader can see which data set came instead."""
    changed = NAMES | {"Dutch.txt": b"?" + NAMES["Dutch.txt"][1:]}
    with pytest.raises(SourceError) as refused:
        sources.verified(changed, IDENTITY, "here")
    assert IDENTITY in str(refused.value)
    assert sources.identity(changed) in str(refused.value)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_bomb_does_not_fill_the_memory(method: int) -> None:
    """60 MB packed small: refused after at most a few times the allowed megabyte."""
    body = bomb(method)
    tracemalloc.start()
    try:
        with pytest.raises(SourceError):
            sources.read_archive(body, LIMIT, "here")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(body) < LIMIT / 5
    assert peak < 6 * LIMIT


def test_directory_of_very_many_members_does_not_fill_the_memory() -> None:
    """Each empty member costs the archive some 50 bytes, and zipfile ten times that."""
    few = packed({"": b""})
    entry = few[few.index(b"PK\x01\x02") : few.index(b"PK\x05\x06")]
    body = bytearray(few.replace(entry, entry * 50_000))
    body[-10:-6] = (len(entry) * 50_000).to_bytes(4, "little")
    assert len(zipfile.ZipFile(BytesIO(body)).infolist()) == 50_000  # it is an archive
    tracemalloc.start()
    try:
        with pytest.raises(SourceError, match="more than 10000 members"):
            sources.read_archive(bytes(body), 64 * LIMIT, "here")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * len(body)


def test_files_together_are_bounded() -> None:
    """18 files that are each below the limit do not pass where their sum is above it."""
    total = sum(map(len, NAMES.values()))
    assert sources.read_archive(GOOD, total, "here") == NAMES
    with pytest.raises(SourceError, match=f"more than {total - 1} bytes"):
        sources.read_archive(GOOD, total - 1, "here")


@given(st.binary(max_size=300) | st.binary(max_size=300).map(lambda body: b"PK\x03\x04" + body))
def test_arbitrary_bytes_are_refused_untraced(body: bytes) -> None:
    """Whatever comes, SourceError is the only exception."""
    with pytest.raises(SourceError):
        sources.read_archive(body, LIMIT, "here")


@given(st.randoms(use_true_random=False), st.integers(1, 30))
def test_damaged_archive_is_whole_or_refused(chance: random.Random, damages: int) -> None:
    """Bytes of a good archive altered: the files come whole and well, or SourceError does."""
    body = bytearray(GOOD)
    for _ in range(damages):  # two in three hit the directory at the end, where fields are read
        place = chance.randrange(len(body) - 1500 * chance.randrange(3) % len(body), len(body) + 1)
        body[max(place - 1, 0)] = chance.randrange(256)
    try:
        contents = sources.read_archive(bytes(body), LIMIT, "here")
        assert sources.verified(contents, IDENTITY, "here") == NAMES
    except SourceError:
        pass


def test_good_archive_over_http(server: Server) -> None:
    """A real download, through redirects, gives the pinned data set under its name."""
    server.answers["/names.zip"] = gives(GOOD)
    server.answers["/moved"] = gives(b"", 302, Location="/moved/again")
    server.answers["/moved/again"] = gives(b"", 301, Location=server.url("/names.zip"))
    assert obtain(fetch(server.url("/moved"))) == ("small", IDENTITY, "")


def test_large_body_comes_whole(server: Server) -> None:
    """Many chunks are put together in their order."""
    body = random.Random(1).randbytes(950_000)
    server.answers["/large"] = gives(body)
    assert sources.download(server.url("/large"), fetch()) == body


def test_unreachable_sources_lead_to_the_starter_corpus_loudly(server: Server) -> None:
    """Not found, refused, unknown host, no answer, cut off: each is told, then the starter is."""
    server.answers["/cut"] = gives(GOOD[:500], Content_Length="9999")
    server.answers["/round"] = gives(b"", 302, Location="/round")
    urls = [server.url("/nothing"), closed_port(), "http://names.invalid/", server.url("/cut")]
    urls += [server.url("/round"), "http://127.0.0.1:1:1/"]
    name, identity, said = obtain(fetch(*urls))
    assert name == "starter"
    assert identity == sources.identity(sources.read_folder(STARTER, 10**6))
    assert said.count("cannot be reached: ") == len(urls)
    assert all(url in said for url in urls)
    assert "404" in said
    assert "NO SOURCE CAN BE REACHED" in said
    assert "SURNAMES_DATA" in said


def test_unreachable_and_fail_says_what_to_do(server: Server) -> None:
    """`when_unreachable: fail` never uses the starter corpus."""
    with pytest.raises(SourceError, match="SURNAMES_DATA"):
        obtain(fetch(server.url("/nothing"), when_unreachable="fail"))


@pytest.mark.parametrize("start", [b"", b"HTTP/1.0 200 OK\r\nX: "])
def test_silence_is_given_up(server: Server, start: bytes) -> None:
    """A server that says nothing, or drips a header for ever, is left after `silence` seconds."""
    server.answers["/headers"] = drips(start, 0.02)
    began = time.monotonic()
    with pytest.raises(sources.Unreachable, match=r"did not answer for 0\.4 s"):
        sources.download(server.url("/headers" if start else "/silent"), fetch())
    assert 0.3 < time.monotonic() - began < 1.5


def test_name_server_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """No timeout of a socket covers the look-up of a host."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *words, **more: time.sleep(5))
    with pytest.raises(sources.Unreachable, match=r"did not answer for 0\.4 s"):
        sources.download("http://names.example/names.zip", fetch())


def test_body_that_stops_is_given_up(server: Server) -> None:
    """Silence in the middle counts as well, and is told apart."""
    server.answers["/stops"] = drips(BODY, 60)
    with pytest.raises(sources.Unreachable, match=r"fell silent for 0\.4 s|timed out"):
        sources.download(server.url("/stops"), fetch())


def test_drip_is_bounded_in_time_and_hung_up_on(server: Server) -> None:
    """A byte now and then is never silent: `seconds` ends it, and its thread ends too."""
    server.answers["/drip"] = drips(BODY, 0.02)
    before = set(threading.enumerate())
    began = time.monotonic()
    with pytest.raises(sources.Unreachable, match=r"not done after 0\.7 s"):
        sources.download(server.url("/drip"), fetch(seconds=0.7))
    assert 0.6 < time.monotonic() - began < 1.5
    assert server.left.wait(3), "the connection is still open"
    left = [t for t in set(threading.enumerate()) - before if "process_request" not in t.name]
    for thread in left:
        thread.join(3)
        assert not thread.is_alive()


def test_too_many_bytes_are_refused_not_unreachable(server: Server) -> None:
    """An endless answer is an answer: it must not lead to the starter corpus."""
    server.answers["/endless"] = drips(BODY, 0, bytes(100_000))
    with pytest.raises(SourceError, match="more than 1 MB came") as refused:
        obtain(fetch(server.url("/endless")))
    assert "every source that answered was refused" in str(refused.value)
    assert server.left.wait(3), "the connection is still open"


def test_packed_answer_is_no_bomb(server: Server) -> None:
    """An answer packed twice by gzip would unpack to 60 MB in httpx: it is taken as it came."""
    body = gzip.compress(gzip.compress(bytes(60_000_000), 1))
    server.answers["/packed"] = gives(body, Content_Encoding="gzip, gzip")
    tracemalloc.start()
    try:
        assert sources.download(server.url("/packed"), fetch()) == body
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 6 * LIMIT


@pytest.mark.parametrize("first", ["/wrong", "/nothing", "/page"])
def test_next_source_is_used(server: Server, first: str) -> None:
    """A source that is refused or gone does not stop the one behind it."""
    server.answers["/wrong"] = gives(HOSTILE["altered"][0])
    server.answers["/page"] = gives(b"<html>Please log in</html>")
    server.answers["/good"] = gives(GOOD)
    name, identity, said = obtain(fetch(server.url(first), server.url("/good")))
    assert (name, identity) == ("small", IDENTITY)
    assert server.url(first) in said
    assert server.asked == [first, "/good"]


@pytest.mark.parametrize("order", [["/wrong"], ["/nothing", "/wrong"], ["/wrong", "/nothing"]])
def test_wrong_source_never_leads_to_the_starter_corpus(server: Server, order: list[str]) -> None:
    """What answers with other names may be an attack or a mistake: stop, and say both digests."""
    server.answers["/wrong"] = gives(HOSTILE["altered"][0])
    with pytest.raises(SourceError) as refused:
        obtain(fetch(*map(server.url, order)))
    assert server.url("/wrong") in str(refused.value)
    assert IDENTITY in str(refused.value)


def test_local_copy_is_the_only_source_and_verified_alike(server: Server, tmp_path: Path) -> None:
    """SURNAMES_DATA as a folder and as a zip; no server is asked."""
    folder, archive = tmp_path / "names", tmp_path / "names.zip"
    folder.mkdir()
    for name, content in NAMES.items():
        (folder / name).write_bytes(content)
    (folder / "LICENSE").write_text("MIT")
    archive.write_bytes(GOOD)
    config = fetch(server.url("/good"))
    assert obtain(config, folder) == ("small", IDENTITY, "")
    assert obtain(config, archive) == ("small", IDENTITY, "")
    (folder / "Dutch.txt").write_bytes(b"Jansen\n")
    with pytest.raises(SourceError, match=IDENTITY):
        obtain(config, folder)
    (folder / "Dutch.txt").unlink()
    with pytest.raises(SourceError, match=r"lacks Dutch\.txt"):
        obtain(config, folder)
    (folder / "Dutch.txt").write_bytes(b"\xff")
    with pytest.raises(SourceError, match=r"Dutch\.txt is not UTF-8"):
        obtain(config, folder)
    archive.write_bytes(bytes(LIMIT + 1))
    with pytest.raises(SourceError, match="more than 1 MB"):
        obtain(config, archive)
    with pytest.raises(SourceError, match="neither a folder nor a zip"):
        obtain(config, tmp_path / "nowhere")
    assert server.asked == []


@pytest.mark.parametrize("within", ["", "names", "data/names"])
def test_an_unzipped_archive_is_taken_as_the_archive_is(within: str, tmp_path: Path) -> None:
    """In the folder, in `names`, or two folders down; nothing else in it matters."""
    shutil.copytree(STARTER, tmp_path / "unzipped" / within)
    (tmp_path / "unzipped/eng-fra.txt").write_text("of the same archive")
    found = sources.read_folder(tmp_path / "unzipped", 10**6)
    assert found == sources.read_folder(STARTER, 10**6)


def test_a_folder_is_measured_before_it_is_read(tmp_path: Path) -> None:
    """A terabyte that the disk does not hold."""
    shutil.copytree(STARTER, tmp_path / "names")
    os.truncate(tmp_path / "names/Greek.txt", 2**40)
    with pytest.raises(SourceError, match="more than 1000000 bytes; not the names"):
        sources.read_folder(tmp_path, 10**6)


def test_a_line_that_is_no_name_is_refused(tmp_path: Path) -> None:
    """From wherever it comes, before anything is written; and in data/raw."""
    shutil.copytree(STARTER, tmp_path / "names")
    with (tmp_path / "names/Greek.txt").open("a") as file:
        file.write("\n" + "a" * 1001)
    with pytest.raises(
        SourceError, match=r"Greek.txt, line \d+: 1,001 letters; a line is one name"
    ):
        sources.read_folder(tmp_path, 10**6)
    with pytest.raises(DataError, match=r"Greek\.txt, line"):
        read_lines(tmp_path / "names")
