"""What strangers might give: names, archives, weights, cards and the comment job's artefact."""

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import safetensors.numpy
from support.untrained import SMALL

from surnames.core import corpus

REFUSED, ANSWERED, EITHER = (1, 2), (0,), (0, 1, 2)  # exit status
Make = Callable[[], bytes]


@dataclass(frozen=True)
class Hostile:
    """A file for one of the doors, and with which exit status it may end."""

    door: str
    name: str
    content: Make
    suffix: str = ""
    status: tuple[int, ...] = REFUSED
    card: bytes = b""  # of a model
    weights: bool = False  # the content is a model's weights


def _text(
    name: str, text: str | bytes, suffix: str = ".txt", ends: tuple[int, ...] = EITHER
) -> Hostile:
    content = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    return Hostile("predict", name, lambda: content, suffix, ends)


def _parquet(**columns: object) -> bytes:
    stream = io.BytesIO()
    pa.parquet.write_table(pa.table(columns), stream)
    return stream.getvalue()


def _names() -> list[Hostile]:
    lines = [
        _text("one line of a million letters", "a" * 1_000_000),
        _text("a line of 50 MB", "a" * 50_000_000),
        _text("NUL among letters", "Sm\0ith\n"),
        _text("a terminal's commands", "\x1b]0;owned\x07\x1b[31mSmith\n"),
        _text("letters turned around", "\u202eSmith\u202c\n"),
        _text("a million marks", "a" + "\u0301" * 1_000_000),
        _text("half of a pair of surrogates", "\ud800Smith\n", ends=REFUSED),
        _text("latin-1", "Müller\n".encode("latin-1"), ends=REFUSED),
        _text("UTF-16", "Müller\n".encode("utf-16")),
        _text("UTF-32", "Müller\n".encode("utf-32")),
        _text("nothing", ""),
        _text("a million empty lines", "\n" * 1_000_000),
        _text("an executable", b"\x7fELF" + bytes(range(256)) * 50),
        _text("packed by gzip", b"\x1f\x8b\x08" + zlib.compress(b"Smith\n" * 100)),
        _text("line separators", "Smith\u2028Jones\u2029Lee\x85Kim\n"),
        _text("a ligature that grows", "\ufdfa" * 100_000),
        _text("markup", "<script>alert(1)</script>\n![x](http://a)\n=cmd|' /C calc'!A0\n"),
    ]
    tables = [
        ("no header", ""),
        ("a header alone", "name\n"),
        ("a column twice", "name,name\nA,B\n"),
        ("a row too wide", "name\nA,B\n"),
        ("a quote that never ends", 'name\n"' + "a" * 500_000),
        ("a cell of 200 kB", f"name,x\nSmith,{'a' * 200_000}\n"),
        ("a cell of 20 MB", f"name\n{'a' * 20_000_000}\n"),
        ("100,000 columns", ",".join(["name", *map(str, range(100_000))]) + "\n"),
        ("NUL in a row", "name\nSm\0ith\n"),
        ("carriage returns alone", "name\rSmith\rLee\r"),
        ("a language of nobody", "name,language\nSmith,Klingon\n"),
        ("languages of markup", "name,language\nSmith,<script>\n"),
        ("a mark at its beginning", "\ufeffname\nSmith\n"),
        ("two marks at its beginning", "\ufeff\ufeffname\nSmith\n"),
        ("a header of commands", "\x1b[2Jname\nSmith\n"),
        ("a terminal's commands in names", "name\n\x1b[2JSmith\n"),
    ]
    whole = _parquet(name=["Smith", "Lee"])
    nested = pa.array([["Smith"]])
    columns = [
        ("no Parquet", b"PAR1 is not enough PAR1"),
        ("half of one", whole[: len(whole) // 2]),
        ("its mark alone", b"PAR1"),
        ("a footer of 4 GB", whole[:-8] + struct.pack("<I", 2**32 - 1) + b"PAR1"),
        ("a footer of garbage", whole[:-40] + b"\xff" * 32 + whole[-8:]),
        ("pages of garbage", whole[:4] + b"\xff" * 60 + whole[64:]),
        ("numbers for names", _parquet(name=[1, 2])),
        ("lists for names", _parquet(name=nested)),
        ("no such column", _parquet(other=["Smith"])),
        ("bytes for names", _parquet(name=[b"\xff\xfe"])),
        ("no rows", _parquet(name=pa.array([], pa.string()))),
        ("nothing but missing names", _parquet(name=pa.array([None, None], pa.string()))),
        ("a name of 20 MB", _parquet(name=["a" * 20_000_000])),
    ]
    lines += [_text(f"CSV: {name}", text, ".csv") for name, text in tables]
    ends = {"no rows": EITHER, "nothing but missing names": EITHER, "a name of 20 MB": EITHER}
    ends["pages of garbage"] = EITHER
    return lines + [
        _text(f"Parquet: {name}", content, ".parquet", ends.get(name, REFUSED))
        for name, content in columns
    ]


def _zip(
    members: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED, twice: str = "", bit: int = 0
) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", kind) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        if twice:
            archive.writestr(twice, b"again")
    packed = bytearray(stream.getvalue())
    if bit:
        packed[bit] ^= 0xFF
    return bytes(packed)


def _archives() -> list[Hostile]:
    honest = {f"data/names/{corpus.file_name(one)}": b"Smith\n" for one in corpus.LANGUAGES}
    first = next(iter(honest))
    long = "a" * 2_000_000
    bomb = {first: b"\0" * 200_000_000}
    cases: list[tuple[str, Make]] = [
        ("no archive", lambda: b"PK\3\4 and no more"),
        ("half of one", lambda: _zip(honest)[:400]),
        ("other names", lambda: _zip(honest)),
        ("a bomb", lambda: _zip(honest | bomb)),
        ("a bomb by bzip2", lambda: _zip(honest | bomb, zipfile.ZIP_BZIP2)),
        ("a bomb by LZMA", lambda: _zip(honest | bomb, zipfile.ZIP_LZMA)),
        ("a path upwards", lambda: _zip({"../../owned": b"x"} | honest)),
        ("an absolute path", lambda: _zip({"/tmp/owned": b"x"} | honest)),
        ("a Windows path", lambda: _zip({"C:\\owned": b"x"} | honest)),
        ("a name twice", lambda: _zip(honest, twice=f"names/{first.rsplit('/', 1)[1]}")),
        ("not UTF-8", lambda: _zip(honest | {first: b"\xff\xfe"})),
        ("one line of 2 MB", lambda: _zip(honest | {first: long.encode()})),
        ("100,000 members", lambda: _zip({f"{n}": b"" for n in range(100_000)})),
        ("a broken member", lambda: _zip(honest, zipfile.ZIP_STORED, bit=60)),
        ("names missing", lambda: _zip({first: b"Smith\n"})),
        ("a terminal's commands in a member", lambda: _zip({"../\x1b[2J": b""} | honest)),
    ]
    return [Hostile("fetch", f"archive: {name}", make, ".zip") for name, make in cases]


def _comments() -> list[Hostile]:
    def one(text: str | bytes, kind: int = zipfile.ZIP_DEFLATED) -> bytes:
        return _zip({"comment.txt": text if isinstance(text, bytes) else text.encode()}, kind)

    refused: list[tuple[str, Make]] = [
        ("no archive", lambda: b"hello"),
        ("another member", lambda: _zip({"other.txt": b""})),
        ("a bomb", lambda: one(b"\0" * 100_000_000)),
        ("a bomb by bzip2", lambda: one(b"\0" * 100_000_000, zipfile.ZIP_BZIP2)),
        ("a bomb by LZMA", lambda: one(b"\0" * 100_000_000, zipfile.ZIP_LZMA)),
        ("a broken member", lambda: _zip({"comment.txt": b"x" * 500}, bit=45)),
    ]
    written: list[tuple[str, str | bytes]] = [
        ("its fence ended", "```\n# owned\n@everyone\n```"),
        ("a fence of a thousand", "`" * 1000),
        ("hidden letters", "a\u200b\u202e\u2066\ufe0f\u3164b"),
        ("the mark of the job", "<!-- surnames: what the pipeline found -->"),
        ("bytes of no text", bytes(range(256)) * 100),
        ("200,000 lines", "\n" * 190_000),
        ("marks upon marks", "a" + "\u0301" * 90_000),
    ]
    cases = [Hostile("comment", f"artefact: {name}", make, ".zip") for name, make in refused]
    for name, text in written:
        cases.append(
            Hostile("comment", f"artefact: {name}", lambda t=text: one(t), ".zip", ANSWERED)
        )
    return cases


def _models() -> list[Hostile]:
    """Changed weights of two networks, and cards beside those of one."""
    network = SMALL.weights
    arrays = {f"{n}.{key}": one for n in (0, 1) for key, one in network.items()}
    honest = safetensors.numpy.save(arrays)
    (length,) = struct.unpack("<Q", honest[:8])
    first = next(iter(arrays))

    def saved(**change: np.ndarray) -> bytes:
        return safetensors.numpy.save(arrays | {first: change["first"]})

    def header(text: bytes) -> bytes:
        return struct.pack("<Q", len(text)) + text + honest[8 + length :]

    nan = arrays[first].copy()
    nan[0] = np.nan
    beyond = {"dtype": "F32", "shape": [10**9], "data_offsets": [0, 4 * 10**9]}
    runs: list[tuple[str, bytes]] = [
        ("no weights", b""),
        ("a header of 2**63", struct.pack("<Q", 2**63) + honest[8:]),
        ("a header of 50 MB", struct.pack("<Q", 50_000_000) + b"{" * 50_000_000),
        ("a deep header", header(b'{"a":' * 50_000)),
        ("offsets beyond the end", header(json.dumps({"0.a": beyond}).encode())),
        ("half of the bytes", honest[: len(honest) // 2]),
        ("a pickle", b"\x80\x04cos\nsystem\n(S'touch owned'\ntR."),
        ("whole numbers", saved(first=arrays[first].astype(np.int8))),
        ("one dimension", saved(first=arrays[first].reshape(-1))),
        ("another shape", saved(first=np.zeros((3, 3), np.float32))),
        ("a shape of no elements", saved(first=np.zeros((0, 8), np.float32))),
        ("not a number", saved(first=nan)),
        ("infinity", saved(first=np.full_like(arrays[first], np.inf))),
        (
            "an array missing",
            safetensors.numpy.save({k: v for k, v in arrays.items() if k != first}),
        ),
        ("arrays too many", safetensors.numpy.save(arrays | {"0.more": nan})),
    ]
    weights = safetensors.numpy.save(network)
    cards: list[tuple[str, bytes]] = [
        ("nothing", b""),
        ("a list", b"[]"),
        ("a number", b"1"),
        ("no JSON", b"\xff{"),
        ("deep", b"[" * 100_000),
        ("without keys", b"{}"),
        ("a kind of nobody", b'{"kind": "nobody"}'),
        ("a number of 5,000 digits", b'{"kind": ' + b"9" * 5000 + b"}"),
        ("20 MB", b'{"kind": "' + b"a" * 20_000_000 + b'"}'),
    ]
    cases = [
        Hostile("model", f"weights: {name}", lambda c=content: c, weights=True)
        for name, content in runs
    ]
    return cases + [
        Hostile("model", f"card: {name}", lambda: weights, card=card or b" ")
        for name, card in cards
    ]


def every() -> list[Hostile]:
    """All of them."""
    return [*_names(), *_archives(), *_comments(), *_models()]
