"""`surnames predict`: answers on standard output or in a file, remarks on standard error."""

import gc
import io
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from surnames.core.errors import DataError
from surnames.prediction.answers_out import Writer, written
from surnames.prediction.choose import load
from surnames.prediction.model import Model
from surnames.prediction.names_in import CHUNK, Source, given, opened
from surnames.prediction.tally import Tally


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
def _standard_output() -> Iterator[io.TextIOWrapper]:
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
