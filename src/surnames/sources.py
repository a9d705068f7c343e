"""Where the names come from: pinned archives, a local copy, or the starter corpus."""

import queue
import threading
import time
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path, PurePosixPath

from surnames import corpus
from surnames.errors import SourceError
from surnames.params import Fetch

Contents = dict[str, bytes]  # file name -> its bytes, for each of the 18 languages


def read_folder(folder: Path) -> Contents:
    """The 18 files of a folder; raises SourceError that names a missing one."""
    names = [corpus.file_name(language) for language in corpus.LANGUAGES]
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise SourceError(f"{folder} lacks {', '.join(missing)}")
    return _decodable({name: (folder / name).read_bytes() for name in names}, str(folder))


def read_archive(packed: bytes, limit: int, place: str) -> Contents:
    """The 18 files of a zip archive, read in memory: nothing is ever unpacked to a path.

    Raises SourceError that names the member for whatever an honest archive does not hold: a broken
    one, a member that points outside, more than `limit` bytes, a file missing, twice or not UTF-8.
    """
    wanted = {corpus.file_name(language) for language in corpus.LANGUAGES}
    contents: Contents = {}
    room = limit
    try:
        with zipfile.ZipFile(BytesIO(packed)) as archive:
            for member in archive.infolist():
                path = PurePosixPath(member.filename.replace("\\", "/"))
                if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
                    raise SourceError(f"{place}: member {member.filename!r} points outside")
                if path.name not in wanted or path.parent.name != "names":
                    continue
                if path.name in contents:
                    raise SourceError(f"{place}: {path.name} stands twice in the archive")
                with archive.open(member) as stream:
                    content = stream.read(room + 1)
                room -= len(content)
                if room < 0:
                    raise SourceError(
                        f"{place}: unpacks to more than {limit} bytes at {member.filename!r}"
                    )
                contents[path.name] = content
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError) as error:
        raise SourceError(f"{place}: broken or truncated archive: {error}") from None
    except RuntimeError as error:  # zipfile's word for an encrypted member
        raise SourceError(f"{place}: {error}") from None
    except Exception as error:  # zlib.error has no public base
        if isinstance(error, SourceError):
            raise
        raise SourceError(f"{place}: broken or truncated archive: {error}") from None
    missing = sorted(wanted - contents.keys())
    if missing:
        raise SourceError(f"{place}: the archive lacks names/{', names/'.join(missing)}")
    return _decodable(contents, place)


def _decodable(contents: Contents, place: str) -> Contents:
    for name, content in contents.items():
        try:
            content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise SourceError(f"{place}: {name} is not UTF-8: {error}") from None
    return contents


def verified(contents: Contents, expected: str, place: str) -> Contents:
    """The same contents where their identity is the pinned one; SourceError with both otherwise."""
    found = corpus.identity(contents)
    if found != expected:
        raise SourceError(
            f"{place}: not the pinned data set\n  expected {expected}\n  found    {found}"
        )
    return contents


def download(url: str, fetch: Fetch) -> bytes:
    """One bounded download; raises SourceError where nothing answers or too much comes.

    A thread does the waiting, so that a name server that never answers is given up as well.
    """
    answers: queue.Queue[bytes | Exception] = queue.Queue()
    worker = threading.Thread(target=_download, args=(url, fetch, answers), daemon=True)
    worker.start()
    deadline = time.monotonic() + fetch.seconds
    heard = False
    body = b""
    while True:
        patience = min(fetch.silence, max(deadline - time.monotonic(), 0.01))
        try:
            chunk = answers.get(timeout=patience)
        except queue.Empty:
            word = "fell silent" if heard else "did not answer"
            raise SourceError(f"{url}: {word} for {patience:.3g} s") from None
        if isinstance(chunk, Exception):
            raise SourceError(f"{url}: {chunk or type(chunk).__name__}")
        if not chunk:
            return body
        heard = True
        body += chunk
        if len(body) > fetch.megabytes * 1_000_000:
            raise SourceError(f"{url}: more than {fetch.megabytes} MB came; given up")
        if time.monotonic() > deadline:
            raise SourceError(f"{url}: not done after {fetch.seconds:g} s; given up")


def _download(url: str, fetch: Fetch, answers: "queue.Queue[bytes | Exception]") -> None:
    """Put the body's chunks, then an empty one, or the exception that ended it."""
    import httpx

    try:
        with httpx.stream("GET", url, follow_redirects=True, timeout=fetch.silence) as response:
            response.raise_for_status()
            for chunk in response.iter_bytes():
                if chunk:
                    answers.put(chunk)
        answers.put(b"")
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError) as error:
        answers.put(error)


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
            contents = read_folder(local)
        elif local.is_file():
            contents = read_archive(local.read_bytes(), limit, str(local))
        else:
            raise SourceError(f"SURNAMES_DATA={local} is neither a folder nor a zip file")
        return fetch.name, fetch.identity, verified(contents, fetch.identity, str(local))
    refusals = []
    for url in fetch.sources:
        try:
            packed = download(url, fetch)
        except SourceError as error:
            say(f"fetch: cannot be reached: {error}")
            continue
        try:
            contents = verified(read_archive(packed, limit, url), fetch.identity, url)
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
    contents = read_folder(starter)
    say(
        "fetch: NO SOURCE CAN BE REACHED. This study runs on the small STARTER corpus, which says\n"
        f"fetch: nothing about the question. For the real one, {help_line}."
    )
    return "starter", corpus.identity(contents), contents
