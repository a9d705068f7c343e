"""Whole files of names, read, answered, written and scored by the chunk, in constant memory."""

import csv
import gc
import io
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any, TextIO

import numpy as np

from surnames.core.corpus import LANGUAGES
from surnames.core.errors import DataError
from surnames.evaluation import scoring
from surnames.prediction.model import Answers, Model, load, visible

CHUNK = 8192  # names read and scored at once; input of a whole chunk is worth the engine's import
STANDARD_INPUT = Path("-")
NAME, LANGUAGE = "name", "language"  # columns
SHOWN = 10  # kinds of dropped characters, or of unknown languages, that a message lists
INDEX = {language: k for k, language in enumerate(LANGUAGES)}


# What comes in


@dataclass(frozen=True)
class Chunk:
    """Some names, their languages where these are known, and how far into its source it ends."""

    names: list[str]
    languages: list[str] | None
    place: int


@dataclass(frozen=True)
class Source:
    """Where names come from; `size` and the chunks' places are in this unit."""

    chunks: Iterator[Chunk]
    size: int | None = None
    unit: str = "names"


def given(names: Sequence[str]) -> Source:
    """Names that are at hand."""
    chunks = (
        Chunk(list(names[first : first + CHUNK]), None, min(first + CHUNK, len(names)))
        for first in range(0, len(names), CHUNK)
    )
    return Source(chunks, len(names))


@contextmanager
def opened(path: Path, column: str = NAME, kind: str | None = None) -> Iterator[Source]:
    """A file's names, or those on standard input ("-"), one a line: while the context is open.

    `.csv` and `.parquet` files (or whatever `kind` says is one) have a column of names, and may
    have one called `language`. Raises DataError, also later on, for what cannot be read.
    """
    kind = kind or path.suffix.lower().removeprefix(".")
    try:
        if kind == "parquet":
            with _parquet(path, column) as source:
                yield source
            return
        with _binary(path) as handle:
            size = os.fstat(handle.fileno()).st_size if handle.seekable() else None
            text = io.TextIOWrapper(handle, "utf-8-sig", newline="" if kind == "csv" else None)
            pieces = _csv(text, path, column) if kind == "csv" else _lines(text)
            yield Source(_placed(pieces, handle, size), size, "names" if size is None else "B")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not UTF-8 (byte {error.object[error.start]:#04x}); save it as UTF-8, for "
            "instance by `iconv -f LATIN1 -t UTF-8`"
        ) from None
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        if error.filename != str(path):
            raise
        raise DataError(f"{path} cannot be read: {error.strerror}") from None


@contextmanager
def _binary(path: Path) -> Iterator[IO[bytes]]:
    if path == STANDARD_INPUT:
        yield sys.stdin.buffer
    else:
        with open(path, "rb") as handle:
            yield handle


Piece = tuple[list[str], list[str] | None]


def _placed(pieces: Iterator[Piece], handle: IO[bytes], size: int | None) -> Iterator[Chunk]:
    """Each with its place: in the file, or by names where there is no knowing."""
    count = 0
    for names, languages in pieces:
        count += len(names)
        yield Chunk(names, languages, count if size is None else handle.tell())


def _lines(text: TextIO) -> Iterator[Piece]:
    while lines := list(islice(text, CHUNK)):
        yield [line.rstrip("\n") for line in lines], None


def _csv(text: TextIO, path: Path, column: str) -> Iterator[Piece]:
    reader = csv.reader(text, strict=True)
    try:
        header = next(reader, [])
        at, beside = _columns(header, column, path)
        rows = _whole(reader, len(header), path)
        while some := list(islice(rows, CHUNK)):
            languages = None if beside is None else [row[beside] for row in some]
            yield [row[at] for row in some], languages
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: no CSV: {error}") from None


def _whole(reader: Any, width: int, path: Path) -> Iterator[list[str]]:
    """Its rows but empty lines, each as wide as the header."""
    for row in reader:
        if len(row) == width:
            yield row
        elif row:
            raise DataError(
                f"{path}, line {reader.line_num}: expected {width} cells as in the header, "
                f"got {len(row)}"
            )


def _columns(header: Sequence[str], column: str, path: Path) -> tuple[int, int | None]:
    """The places of the names and of the languages, if there are any."""
    if column not in header:
        known = ", ".join(map(repr, header)) or "none"
        raise DataError(f"{path} has no column {column!r}; it has {known}; name one by --column")
    places = {title: k for k, title in reversed(list(enumerate(header)))}
    return places[column], places.get(LANGUAGE) if column != LANGUAGE else None


@contextmanager
def _parquet(path: Path, column: str) -> Iterator[Source]:
    if path == STANDARD_INPUT:
        raise DataError("Parquet is not read from standard input; give the file by --file")
    from pyarrow.parquet import ParquetFile

    with open(path, "rb") as handle, ExitStack() as stack:
        with _as_parquet(path):
            # without these two a whole row group, often the whole file, would be in memory
            file = ParquetFile(handle, pre_buffer=False, buffer_size=1 << 20)
            stack.enter_context(file)
        schema = file.schema_arrow
        _, beside = _columns(schema.names, column, path)
        wanted = [column] if beside is None else [column, LANGUAGE]
        for title in wanted:
            _require_text(schema.field(title).type, title, path)
        yield Source(_batches(file, wanted, path), file.metadata.num_rows)


@contextmanager
def _as_parquet(path: Path) -> Iterator[None]:
    """pyarrow's errors in our words; some of a torn file's are plain OSErrors."""
    from pyarrow import ArrowException

    try:
        yield
    except (ArrowException, OSError) as error:
        raise DataError(f"{path} cannot be read as Parquet: {error}") from None


def _require_text(kind: Any, title: str, path: Path) -> None:
    from pyarrow import types

    values = kind.value_type if types.is_dictionary(kind) else kind
    if not (types.is_string(values) or types.is_large_string(values)):
        raise DataError(f"{path}: expected text in column {title!r}, got {kind}")


def _batches(file: Any, columns: list[str], path: Path) -> Iterator[Chunk]:
    count = 0
    batches = file.iter_batches(CHUNK, columns=columns)
    while True:
        with _as_parquet(path):
            batch = next(batches, None)
        if batch is None:
            return
        names, *rest = (
            [text or "" for text in batch.column(title).to_pylist()] for title in columns
        )
        count += len(names)
        yield Chunk(names, rest[0] if rest else None, count)


# What comes out

DECIMALS = 4
TEXT = [f"{k / 10**DECIMALS:.{DECIMALS}f}" for k in range(10**DECIMALS + 1)] + [""]
SAID = [*LANGUAGES, ""]


def csv_header(top: int, by_letter: bool) -> list[str]:
    """The columns: `letters` is what had been read of the name, where this is asked for."""
    ranks = [f"{what}_{k}" for k in range(1, top + 1) for what in (LANGUAGE, "probability")]
    return [NAME, "read_as", *(["letters"] if by_letter else []), *ranks, "note"]


def _cells(answers: Answers) -> Iterator[list[str]]:
    """Columns of text: the most probable language, its probability, the next, ..."""
    whole = np.nan_to_num(answers.probabilities * 10**DECIMALS, nan=10**DECIMALS + 1)
    for languages, shares in zip(answers.languages.T, np.rint(whole).astype(int).T, strict=True):
        yield [SAID[k] for k in languages.tolist()]
        yield [TEXT[share] for share in shares.tolist()]


def _write_csv(stream: TextIO, answers: Answers) -> None:
    """Joined by hand, in half of csv.writer's time: nothing in a plain name wants quotes."""
    names, ends = list(answers.names), ["\n"] * len(answers.names)
    for row, reading in answers.odd.items():
        names[row], ends[row] = _quoted(names[row]), f"{_quoted(reading.note)}\n"
    rows = zip(names, answers.read_as, *_cells(answers), ends, strict=True)
    stream.write("".join(map(",".join, rows)))


def _quoted(text: str) -> str:
    """A cell of CSV, in quotes where it needs them; csv.writer looks for its own line's end."""
    cell = io.StringIO(newline="")
    csv.writer(cell, lineterminator="\r\n").writerow([text, ""])
    return cell.getvalue().removesuffix(",\r\n")


def _write_csv_by_letter(stream: TextIO, found: dict[str, Any], top: int) -> None:
    said, read_as = [found["name"], found["read_as"]], found["read_as"]
    rows = [
        [*said, read_as[:k], *(cell for one in belief["answers"] for cell in _csv_answer(one))]
        for k, belief in enumerate(found["by_letter"], 1)
    ] or [[*said, "", *[""] * 2 * top]]
    for row in rows:
        stream.write(",".join(map(_quoted, [*row, found["note"]])) + "\n")


def _csv_answer(answer: dict[str, Any]) -> tuple[str, str]:
    return answer[LANGUAGE], f"{answer['probability']:.{DECIMALS}f}"


def _line(label: str, width: int, found: dict[str, Any]) -> str:
    """A line of the table for people."""
    answers = (f"{one['language']:<10} {one['probability']:>6.1%}" for one in found["answers"])
    return "  ".join([f"{label:<{width}}", *answers, *filter(None, [found.get("note", "")])])


def _write_table(stream: TextIO, found: list[dict[str, Any]]) -> None:
    lines: list[tuple[str, dict[str, Any]]] = []
    for one in found:
        lines.append((_label(one), one))
        for k, belief in enumerate(one.get("by_letter", ()), 1):
            lines.append((f"  {one['read_as'][:k]}", belief))
    width = min(max((len(label) for label, _ in lines), default=0), 40)
    stream.writelines(f"{_line(label, width, one)}\n" for label, one in lines)


def _label(found: dict[str, Any]) -> str:
    name = "".join(c if c == " " else visible(c) for c in found["name"])
    return name if found["read_as"] in (name, "") else f"{name} (as {found['read_as']})"


@dataclass(frozen=True)
class Writer:
    """Answers as text: `table` for people, `json` (an object a line) or `csv`."""

    stream: TextIO
    form: str
    top: int
    by_letter: bool

    def start(self) -> None:
        """What stands above the first answer."""
        if self.form == "csv":
            self.stream.write(",".join(csv_header(self.top, self.by_letter)) + "\n")

    def write(self, model: Model, answers: Answers, many: bool) -> None:
        """One chunk of answers; `many` as for the model."""
        if self.form == "csv" and not self.by_letter:
            _write_csv(self.stream, answers)
            return
        found = answers.as_dicts()
        if self.by_letter:  # one at a time, for a name of a thousand letters has a thousand starts
            for one in found:
                self._write([model.with_letters(one, self.top, many=many)])
        else:
            self._write(found)

    def _write(self, found: list[dict[str, Any]]) -> None:
        if self.form == "table":
            _write_table(self.stream, found)
        elif self.form == "json":
            for one in found:
                self.stream.write(f"{json.dumps(one, ensure_ascii=False)}\n")
        else:
            for one in found:
                _write_csv_by_letter(self.stream, one, self.top)


@contextmanager
def written(path: Path) -> Iterator[TextIO]:
    """A text file that appears whole or not at all; what is no file, such as a pipe, as it is."""
    if path.exists() and not path.is_file():
        if path.is_dir():
            raise DataError(f"{path} is a folder; name a file for the output")
        with open(path, "w", encoding="utf-8", newline="\n") as stream:
            yield stream
        return
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}") from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            yield stream
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


# What is said of all of them


@dataclass
class Tally:
    """What was dropped, left without an answer and, where the languages are known, right."""

    names: int = 0
    unanswered: int = 0
    without: int = 0  # names that lost a character
    dropped: Counter[str] = field(default_factory=Counter)  # character -> names
    counts: np.ndarray | None = None  # (languages, languages + 1): right, said; last: no answer
    strangers: int = 0  # names of languages that the study does not know
    strange: set[str] = field(default_factory=set)  # some of these languages

    def add(self, answers: Answers, languages: list[str] | None) -> None:
        """Count a chunk."""
        self.names += len(answers.names)
        for reading in answers.odd.values():
            self.unanswered += not reading.read_as
            self.without += bool(reading.left_out)
            self.dropped.update(reading.left_out)
        if languages is None:
            return
        if self.counts is None:
            self.counts = np.zeros((len(LANGUAGES), len(LANGUAGES) + 1), np.int64)
        known = np.array([INDEX.get(language, -1) for language in languages])
        scored = known >= 0
        np.add.at(self.counts, (known[scored], answers.languages[scored, 0]), 1)
        self.strangers += int((~scored).sum())
        for row in np.flatnonzero(~scored):
            if len(self.strange) == SHOWN:
                break
            self.strange.add(languages[row])

    def warning(self) -> str:
        """What was dropped, counted; nothing where nothing was."""
        parts = []
        if self.dropped:
            listed = ", ".join(f"{c} ({count:,})" for c, count in self.dropped.most_common(SHOWN))
            more = len(self.dropped) - SHOWN
            listed += f" and {more:,} more" if more > 0 else ""
            parts.append(
                "characters that are not in the alphabet were left out of "
                f"{self.without:,} of {self.names:,} names: {listed}"
            )
        if self.unanswered:
            parts.append(f"no answer for {self.unanswered:,} of {self.names:,} names")
        return "; ".join(parts)

    def scores(self) -> str:
        """Accuracy and macro recall; a name without an answer counts as wrong."""
        if self.counts is None:
            return ""
        scored = int(self.counts.sum())
        lines = []
        if scored:
            recalls = scoring.recalls(self.counts)
            present = int(np.isfinite(recalls).sum())
            lines.append(
                f"accuracy {np.diag(self.counts).sum() / scored:.1%}, macro recall "
                f"{np.nanmean(recalls):.1%}, over {scored:,} names of {present} languages"
            )
        if self.strangers:
            some = ", ".join(repr(language) for language in sorted(self.strange))
            lines.append(f"not scored: {self.strangers:,} names of unknown languages ({some})")
        return "\n".join(lines)


def answer(model: Model, source: Source, writer: Writer, progress: Callable[[int], None]) -> Tally:
    """Answer all names of a source, in their order; `progress` is told the place of each chunk.

    Input of less than a chunk is scored with NumPy, because the engine takes longer to import.
    """
    tally = Tally()
    many = False
    writer.start()
    with _without_collector():
        for chunk in source.chunks:
            many = many or len(chunk.names) == CHUNK
            answers = model.ask(chunk.names, writer.top, many=many)
            tally.add(answers, chunk.languages)
            writer.write(model, answers, many)
            progress(chunk.place)
    return tally


@contextmanager
def _without_collector() -> Iterator[None]:
    """Rows of text make no cycles, and looking for these costs half a microsecond a name."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def predict(
    *,
    names: Sequence[str],
    path: Path | None,
    kind: str | None,
    column: str,
    model: str,
    here: Path,
    top: int,
    by_letter: bool,
    form: str,
    output: Path | None,
) -> None:
    """`surnames predict`: answers on standard output or in a file, remarks on standard error."""
    for name in names:
        if any("\ud800" <= character <= "\udfff" for character in name):  # what Python made of it
            raise DataError(f"the name {name!r} is not UTF-8; give it as UTF-8")
    network = load(model, here)
    if network.data_set.startswith("starter"):
        _remark("warning: learned from the small stand-in corpus, not from the real names")
    coming = opened(path, column, kind) if path else nullcontext(given(names))
    going = written(output) if output else _standard_output()
    with coming as source, going as text:
        writer = Writer(text, form, top, by_letter)
        with _progress(source, output is not None or not sys.stdout.isatty()) as progress:
            tally = answer(network, source, writer, progress)
    if tally.warning():
        _remark(f"warning: {tally.warning()}")
    if tally.scores():
        _remark(tally.scores())


def _remark(text: str) -> None:
    print(text, file=sys.stderr)


@contextmanager
def _standard_output() -> Iterator[TextIO]:
    """As UTF-8 with plain newlines, whatever the terminal's settings."""
    stream = io.TextIOWrapper(sys.stdout.buffer, "utf-8", newline="\n")
    try:
        yield stream
        stream.flush()
    finally:
        stream.detach()


@contextmanager
def _progress(source: Source, shown: bool) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal's standard error, unless the answers scroll by there."""
    if not (shown and sys.stderr.isatty()):
        yield lambda place: None
        return
    from tqdm import tqdm

    with tqdm(total=source.size, unit=source.unit, unit_scale=True, delay=1) as bar:
        yield lambda place: bar.update(place - bar.n)
