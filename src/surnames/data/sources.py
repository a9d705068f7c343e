"""Where the names come from: pinned archives, a local copy, or the starter corpus."""

import hashlib
import queue
import threading
import time
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path, PurePosixPath

from surnames.core import corpus
from surnames.core.errors import DataError, SourceError
from surnames.core.params import Fetch

Contents = dict[str, bytes]  # file name -> its bytes, for each of the 18 languages
# bzip2 and LZMA hold terabytes in a few bytes, and zipfile unpacks them without a bound
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENTRY = b"PK\x01\x02"  # begins a member's entry; a million of empty ones would take a gigabyte
MEMBERS = 10_000


class Unreachable(SourceError):
    """A source gave no answer, or none to its end: nothing came that could be judged."""


def identity(contents: dict[str, bytes]) -> str:
    """SHA-256 over the lines `<sha256>  <Language>.txt`, sorted by name, each with a newline."""
    lines = [
        f"{hashlib.sha256(content).hexdigest()}  {name}\n"
        for name, content in sorted(contents.items())
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def read_folder(folder: Path, limit: int) -> Contents:
    """The 18 files of a folder, where they lie as in an archive: in it, in `names` or `*/names`.

    Raises SourceError for a missing file, and for more than `limit` bytes.
    """
    names = [corpus.file_name(language) for language in corpus.LANGUAGES]
    places = [folder, folder / "names", *sorted(folder.glob("*/names"))]
    missing = [[name for name in names if not (place / name).is_file()] for place in places]
    lacking, place = min(zip(missing, places, strict=True), key=lambda pair: len(pair[0]))
    if lacking:
        raise SourceError(f"{place} lacks {', '.join(lacking)}")
    try:
        if sum((place / name).stat().st_size for name in names) > limit:
            raise SourceError(f"{place}: more than {limit} bytes; not the names")
        contents = {name: (place / name).read_bytes() for name in names}
    except OSError as error:
        raise SourceError(f"{place} cannot be read: {error}") from None
    return _names(contents, str(place))


def read_archive(packed: bytes, limit: int, place: str) -> Contents:
    """The 18 files of a zip archive, in a folder `names` or at its top, read in memory.

    Nothing is ever unpacked to a path. Raises SourceError that names the member for whatever an
    honest archive does not hold: a broken one, a member that points outside, more than `limit`
    bytes, a file missing, twice or not UTF-8.
    """
    wanted = {corpus.file_name(language) for language in corpus.LANGUAGES}
    if packed.count(ENTRY) > MEMBERS:
        raise SourceError(f"{place}: more than {MEMBERS} members; not the names")
    contents: Contents = {}
    room = limit
    try:
        archive = zipfile.ZipFile(BytesIO(packed))
    except Exception as error:  # zipfile lets the errors of struct and others through
        raise SourceError(f"{place}: no zip archive, or a truncated one: {error}") from None
    for member in archive.infolist():
        path = PurePosixPath(member.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in "".join(path.parts[:1]):
            raise SourceError(f"{place}: member {member.filename!r} points outside")
        if path.name not in wanted or path.parent.name not in ("names", ""):
            continue
        if path.name in contents:
            raise SourceError(f"{place}: {path.name} stands twice in the archive")
        content = _read_member(archive, member, room + 1, place)
        room -= len(content)
        if room < 0:
            raise SourceError(f"{place}: more than {limit} bytes unpacked at {member.filename!r}")
        contents[path.name] = content
    missing = sorted(wanted - contents.keys())
    if missing:
        raise SourceError(f"{place}: the archive lacks {', '.join(missing)}")
    return _names(contents, place)


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int, place: str) -> bytes:
    """At most so many bytes of a member; SourceError that names it where it cannot be read."""
    if member.compress_type not in PACKED:
        raise SourceError(f"{place}: member {member.filename!r} is not packed by deflate")
    try:
        with archive.open(member) as stream:
            return stream.read(most)
    except Exception as error:  # of many kinds; that of zlib has no public base
        raise SourceError(f"{place}: member {member.filename!r} is broken: {error}") from None


def _names(contents: Contents, place: str) -> Contents:
    """The same, if it can be lines of names."""
    for name, content in contents.items():
        try:
            corpus.refuse_long(content.decode("utf-8").split("\n"), f"{place}: {name}")
        except UnicodeDecodeError as error:
            raise SourceError(f"{place}: {name} is not UTF-8: {error}") from None
        except DataError as error:
            raise SourceError(str(error)) from None
    return contents


def verified(contents: Contents, expected: str, place: str) -> Contents:
    """The same contents where their identity is the pinned one; SourceError with both otherwise."""
    found = identity(contents)
    if found != expected:
        raise SourceError(
            f"{place}: not the pinned data set\n  expected {expected}\n  found    {found}"
        )
    return contents


def download(url: str, fetch: Fetch) -> bytes:
    """One bounded download; Unreachable where no whole answer comes, SourceError for too much.

    An error status (404, or the 403 of a proxy) counts as unreachable. A thread does the waiting,
    so that a name server that never answers is given up as well.
    """
    import httpx  # here and not in the thread, whose time is counted

    answers: queue.Queue[bytes | Exception] = queue.Queue()
    given_up = threading.Event()

    def receive() -> None:
        """Put the body's chunks, then an empty one, or the exception that ended it."""
        plain = {"Accept-Encoding": "identity"}  # a packed answer could be a bomb of its own
        try:
            with httpx.stream(
                "GET", url, headers=plain, follow_redirects=True, timeout=fetch.silence
            ) as response:
                response.raise_for_status()
                for chunk in response.iter_raw():
                    if given_up.is_set():
                        return
                    if chunk:
                        answers.put(chunk)
            answers.put(b"")
        except Exception as error:
            answers.put(error)

    threading.Thread(target=receive, daemon=True).start()
    try:
        return _gather(url, fetch, answers)
    finally:
        given_up.set()


def _gather(url: str, fetch: Fetch, answers: "queue.Queue[bytes | Exception]") -> bytes:
    """The body from its chunks, within the bounds of `fetch`."""
    deadline = time.monotonic() + fetch.seconds
    body = bytearray()
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            raise Unreachable(f"{url}: not done after {fetch.seconds:g} s; given up")
        try:
            chunk = answers.get(timeout=min(fetch.silence, left))
        except queue.Empty:
            if left < fetch.silence:
                continue
            word = "fell silent" if body else "did not answer"
            raise Unreachable(f"{url}: {word} for {fetch.silence:g} s; given up") from None
        if isinstance(chunk, Exception):
            raise Unreachable(f"{url}: {str(chunk) or type(chunk).__name__}")
        if not chunk:
            return bytes(body)
        body += chunk
        if len(body) > fetch.megabytes * 1_000_000:
            raise SourceError(f"{url}: more than {fetch.megabytes} MB came; given up")


def obtain(
    fetch: Fetch, local: Path | None, starter: Path, say: Callable[[str], None]
) -> tuple[str, str, Contents]:
    """The data set's name, its identity and its files, from the first source that has them.

    `local`, a folder or a zip file, is the only source where it is given. Only sources that cannot
    be *reached* lead to the starter corpus: one that answers with something else is refused.
    """
    limit = fetch.megabytes * 1_000_000
    if local is not None:
        if local.is_dir():
            contents = read_folder(local, limit)
        elif local.is_file():
            if local.stat().st_size > limit:
                raise SourceError(f"{local}: more than {fetch.megabytes} MB; not the names")
            contents = read_archive(local.read_bytes(), limit, str(local))
        else:
            raise SourceError(f"SURNAMES_DATA={local} is neither a folder nor a zip file")
        return fetch.name, fetch.identity, verified(contents, fetch.identity, str(local))
    refusals = []
    for url in fetch.sources:
        try:
            packed = download(url, fetch)
            contents = verified(read_archive(packed, limit, url), fetch.identity, url)
        except Unreachable as error:
            say(f"fetch: cannot be reached: {error}")
            continue
        except SourceError as error:
            say(f"fetch: refused: {error}")
            refusals.append(str(error))
            continue
        return fetch.name, fetch.identity, contents
    help_line = (
        "set SURNAMES_DATA to a folder or zip that holds the 18 files, or connect to the network"
    )
    if refusals:
        raise SourceError("every source that answered was refused:\n" + "\n".join(refusals))
    if fetch.when_unreachable == "fail":
        raise SourceError(f"none of {len(fetch.sources)} sources can be reached; {help_line}")
    contents = read_folder(starter, limit)
    say(
        "fetch: NO SOURCE CAN BE REACHED. This study runs on the small STARTER corpus, which says\n"
        f"fetch: nothing about the question. For the real one, {help_line}."
    )
    return "starter", identity(contents), contents
