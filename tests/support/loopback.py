"""A small data set, archives of it and what a hostile one holds, and a server on loopback."""

import contextlib
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

from surnames.data import sources

STARTER = Path(__file__).resolve().parents[2] / "data" / "starter"
NAMES = {path.name: path.read_bytes() for path in sorted(STARTER.glob("*.txt"))}
# another data set than the starter corpus, so that one is never taken for the other
NAMES["Polish.txt"] += "Przykładowski\n".encode()
IDENTITY = sources.identity(NAMES)

Answer = Callable[[BaseHTTPRequestHandler], None]


def members(**changed: bytes | None) -> dict[str, bytes]:
    """The archive's members; a language given as None is left out."""
    contents = {name: changed.get(name[:-4], content) for name, content in NAMES.items()}
    return {f"repo/data/names/{k}": v for k, v in contents.items() if v is not None} | {
        "repo/README.md": b"names"
    }


def packed(
    contents: dict[str, bytes], *more: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED
) -> bytes:
    """A zip archive of these members, and of `more` behind them."""
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in [*contents.items(), *more]:
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return stream.getvalue()


def bomb(method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive in which one file unpacks to 60 MB."""
    return packed(members(Arabic=bytes(60_000_000)), method=method)


def encrypted() -> bytes:
    """An archive that says that its files are encrypted."""
    body = bytearray(packed(members()))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = body.find(signature)
        while place >= 0:
            body[place + offset] |= 1
            place = body.find(signature, place + 4)
    return bytes(body)


def broken_member() -> bytes:
    """An archive whose packed bytes of one file were altered."""
    body = bytearray(packed(members()))
    place = body.find(b"Arabic.txt") + 60
    body[place : place + 20] = bytes(20)
    return bytes(body)


HOSTILE = {  # what is wrong: (the archive, what the message must name)
    "parent folder": (packed(members(), ("../names/Arabic.txt", b"x")), "'../names/Arabic.txt'"),
    "absolute path": (packed(members(), ("/etc/passwd", b"x")), "'/etc/passwd'"),
    "backslash": (packed(members(), ("..\\names\\Arabic.txt", b"x")), "points outside"),
    "drive letter": (packed(members(), ("C:\\names\\Arabic.txt", b"x")), "C:"),
    "missing language": (packed(members(Greek=None)), "lacks Greek.txt"),
    "file twice": (packed(members(), ("names/Czech.txt", b"x")), "Czech.txt stands twice"),
    "not UTF-8": (packed(members(Irish=b"\xff\xfe")), "Irish.txt is not UTF-8"),
    "truncated": (packed(members())[:-4000], "truncated"),
    "altered": (packed(members(Dutch=NAMES["Dutch.txt"] + b"\n")), IDENTITY),
    "broken member": (broken_member(), "names/Arabic.txt' is broken"),
    "encrypted": (encrypted(), "encrypted"),
    "a page": (b"<html>Please log in</html>", "no zip archive"),
    "empty": (b"", "no zip archive"),
    "bomb": (bomb(), "names/Arabic.txt"),
    "bzip2 bomb": (bomb(zipfile.ZIP_BZIP2), "names/Arabic.txt"),
    "LZMA bomb": (bomb(zipfile.ZIP_LZMA), "names/Arabic.txt"),
}


def gives(body: bytes, status: int = 200, **headers: str) -> Answer:
    """An answer with its length; an underscore in a header's name stands for a hyphen."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(body)

    return answer


def drips(start: bytes, pause: float, piece: bytes = b"x") -> Answer:
    """A start, then a piece after each pause, for ever."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(start)
        while True:
            request.wfile.write(piece)
            time.sleep(pause)

    return answer


BODY = b"HTTP/1.0 200 OK\r\n\r\n"


class Server:
    """Answers by path; `left` is set when a client has hung up in the middle of an answer."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {"/silent": self._wait}
        self.asked: list[str] = []
        self.closing, self.left = threading.Event(), threading.Event()

    def url(self, path: str) -> str:
        """Where that path is."""
        return f"http://127.0.0.1:{self.port}{path}"

    def _wait(self, request: BaseHTTPRequestHandler) -> None:
        self.closing.wait(60)

    @contextlib.contextmanager
    def running(self) -> Iterator["Server"]:
        """Serve until the end of the `with`."""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                try:
                    outer.answers.get(self.path, gives(b"no such page", 404))(self)
                except OSError:
                    outer.left.set()

            def log_message(self, *words: object) -> None:
                """Quiet."""

        http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        http.daemon_threads = True
        self.port = http.server_port
        thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.closing.set()
            http.shutdown()
            http.server_close()
            thread.join()
