"""`surnames predict`: answers on standard output or in a file, remarks on standard error."""

import gc
import io
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from surnames.core.corpus import is_starter
from surnames.core.errors import InputError
from surnames.prediction.answers_out import Writer, written
from surnames.prediction.choose import load
from surnames.prediction.model import Model
from surnames.prediction.names_in import CHUNK, Source, given, opened
from surnames.prediction.tally import Tally


def answer(model: Model, source: Source, writer: Writer, progress: Callable[[int], None]) -> Tally:
    """Answer all names of a source, in their order; `progress` gets how far each chunk reaches.

    Input of less than a chunk is scored with NumPy, because the engine takes longer to import.
    """
    tally = Tally()
    many = False
    writer.start()
    for chunk in source.chunks:
        many = many or len(chunk.names) >= CHUNK
        answers = model.ask(chunk.names, writer.top, many=many)
        tally.add(answers, chunk.languages)
        writer.write(model, answers, many)
        progress(source.place() if source.place else tally.names)
    writer.stream.flush()
    return tally


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
            raise InputError(f"the name {name!r} is not UTF-8; give it as UTF-8")
    network = load(model, here)
    if is_starter(network.data_set):
        _remark("warning: learned from the small stand-in corpus, not from the real names")
    assert isinstance(sys.stdout, io.TextIOWrapper)
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # whatever the terminal's settings
    gc.disable()  # rows of text make no cycles, and looking for these costs time for each name
    names_in = opened(path, column, kind) if path else nullcontext(given(names))
    answers_out = written(output) if output else nullcontext(sys.stdout)
    shown = sys.stderr.isatty() and (output is not None or not sys.stdout.isatty())
    with names_in as source, answers_out as text, _bar(source, shown) as bar:
        progress = (lambda place: bar.update(place - bar.n)) if bar else (lambda place: None)
        tally = answer(network, source, Writer(text, form, top, by_letter), progress)
    if tally.warning():
        _remark(f"warning: {tally.warning()}")
    if tally.scores():
        _remark(tally.scores())


def _remark(text: str) -> None:
    print(text, file=sys.stderr)


def _bar(source: Source, shown: bool) -> Any:
    """A progress bar on standard error, or nothing where the answers scroll by there."""
    if not shown:
        return nullcontext()
    from tqdm import tqdm

    return tqdm(total=source.size, unit=source.unit, unit_scale=True, delay=1)
