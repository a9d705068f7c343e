"""Random input for each reader of untrusted bytes, for a minute each."""

import contextlib
import io
import json
import os
import random
import re
import tempfile
import time
import traceback
import unicodedata
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import safetensors.numpy
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from support.projects import ROOT
from support.strategies import ANYTHING

from faults.study import Attempt, Outcome, Study
from surnames.core import corpus
from surnames.core.errors import SurnamesError
from surnames.data import sources
from surnames.prediction import choose, names_in
from surnames.study import gate
from surnames.workflow import comment

SECONDS, BATCH = 60, 50
PIECES = [
    *("[", "]", "{", "}", ": ", "- ", "&a ", "*a", "!!str ", "|", ">", "<<: ", "? ", "#", '"', "'"),
    *("\n", "\n  ", "\t", "\0", "\u2028", "\x85", "\ufeff", "---\n", "%YAML 9.9\n", "\\u202e"),
    *("1e999", ".inf", ".nan", "0o7", "0x", "1_0", "12:30:45", "2026-02-30", "null", "~", "9" * 99),
]
TEXT = st.lists(st.sampled_from(PIECES) | ANYTHING, max_size=20).map("".join)
Target = Callable[[Study, Path], Callable[[st.DataObject], None]]


def changed(draw: st.DataObject, content: bytes) -> bytes:
    """Honest bytes with some bits, spans and lengths that are others."""
    found = bytearray(content)
    for _ in range(draw.draw(st.integers(1, 4))):
        place = draw.draw(st.integers(0, len(found)))
        span = draw.draw(st.sampled_from([0, 1, 4, 8, 100]))
        found[place : place + span] = draw.draw(st.binary(max_size=12))
    return bytes(found)


def yaml_file(name: str) -> Target:
    """params.yaml or claims.yaml: a place in the study's own file becomes another text."""

    def prepare(study: Study, scratch: Path) -> Callable[[st.DataObject], None]:
        own = {one: (ROOT / one).read_text("utf-8") for one in ("params.yaml", "claims.yaml")}
        tokens = [match.span() for match in re.finditer(r"[\w.]+|[^\w\s]|\s+", own[name])]

        def once(draw: st.DataObject) -> None:
            text = own[name]
            if draw.draw(st.booleans()):
                first, end = draw.draw(st.sampled_from(tokens))
                text = text[:first] + draw.draw(TEXT) + text[end:]
            else:
                text = draw.draw(TEXT)
            for one, content in (own | {name: text}).items():
                (scratch / one).write_bytes(content.encode("utf-8", "surrogatepass"))
            with contextlib.chdir(scratch):
                gate.check()

        return once

    return prepare


def archives(study: Study, scratch: Path) -> Callable[[st.DataObject], None]:
    """Archives of names, and the comment job's."""
    honest = []
    for members in (
        {f"names/{corpus.file_name(one)}": "Smith\nLee\n" for one in corpus.LANGUAGES},
        {comment.MEMBER: "what was found\n" * 20},
    ):
        for kind in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            stream = io.BytesIO()
            with zipfile.ZipFile(stream, "w", kind) as archive:
                for member, text in members.items():
                    archive.writestr(member, text)
            honest.append(stream.getvalue())

    def once(draw: st.DataObject) -> None:
        packed = changed(draw, draw.draw(st.sampled_from(honest)))
        with contextlib.suppress(SurnamesError):
            sources.read_archive(packed, 1_000_000, "archive")
        comment.unpacked(packed)

    return once


def names(study: Study, scratch: Path) -> Callable[[st.DataObject], None]:
    """Lines, CSV and Parquet of names, scored by a network."""
    import pyarrow as pa
    import pyarrow.parquet

    model = choose.load(str(study.folder / "results/runs/held_out/fixed"))
    columns = pa.table({"name": ["Smith", "Lee"], "language": ["English", "Chinese"]})
    pa.parquet.write_table(columns, scratch / "honest")
    honest = (scratch / "honest").read_bytes()
    cells = st.lists(ANYTHING, max_size=6)

    def once(draw: st.DataObject) -> None:
        kind = draw.draw(st.sampled_from(["lines", "csv", "parquet"]))
        content = honest
        if kind != "parquet":
            rows = draw.draw(st.lists(cells.map(",".join), max_size=10))
            lead = draw.draw(st.sampled_from(["name\n", "name,language\n", "\ufeffname\r\n", ""]))
            content = (lead + "\n".join(rows)).encode("utf-8", "surrogatepass")
        if kind == "parquet" or draw.draw(st.booleans()):
            content = changed(draw, content)
        (scratch / "names").write_bytes(content)
        with names_in.opened(scratch / "names", kind=kind) as source:
            for chunk in source.chunks:
                model.ask(chunk.names, 3)

    return once


def models(study: Study, scratch: Path) -> Callable[[st.DataObject], None]:
    """Weights, and cards beside them."""
    own = study.folder / "results/runs/held_out/fixed/weights.safetensors"
    arrays = safetensors.numpy.load(own.read_bytes())
    first = {key.removeprefix("0."): one for key, one in arrays.items() if key.startswith("0.")}
    logged = next(study.folder.glob("mlflow/**/card.json"), None)
    assert logged, "no registered model in the study"
    card = logged.read_bytes()
    values = json.loads(card)
    run, model = scratch / "fixed", scratch / "logged"
    run.mkdir()
    model.mkdir()
    json_like = st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | ANYTHING,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANYTHING, inner, max_size=3),
        max_leaves=5,
    )

    def once(draw: st.DataObject) -> None:
        weights = draw.draw(st.sampled_from([own.read_bytes(), safetensors.numpy.save(first)]))
        weights = changed(draw, weights) if draw.draw(st.booleans()) else weights
        which = draw.draw(st.sampled_from(["bytes", "value", "run"]))
        place = run if which == "run" else model
        (place / "weights.safetensors").write_bytes(weights)
        if which == "bytes":
            (place / "card.json").write_bytes(changed(draw, card))
        elif which == "value":
            key = draw.draw(st.sampled_from(sorted(values)))
            text = json.dumps(values | {key: draw.draw(json_like)})
            (place / "card.json").write_text(text, encoding="utf-8")
        choose.load(str(place)).ask(["Smith", "O'Neàl"], 3)

    return once


def comments(study: Study, scratch: Path) -> Callable[[st.DataObject], None]:
    """What a comment shows: one fence, of bounded size, that its text cannot end."""
    pieces = st.sampled_from(["`", "```", "~~~", "\n", "\r", "\v", "\x85", "\u2028", "@all", "<b>"])
    text = st.lists(pieces | ANYTHING, max_size=40).map("".join)

    def once(draw: st.DataObject) -> None:
        shown = comment.harmless(draw.draw(text))
        begin, *inside, end = re.split(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]", shown)
        assert begin == f"{end}text" and set(end) == {"`"} and len(end) >= 3
        for line in inside:
            assert not re.match(rf" {{0,3}}`{{{len(end)},}}\s*$", line), line
            assert len(line) <= comment.COLUMNS + 100
            assert not any(unicodedata.category(one).startswith("C") for one in line), line
        shown.encode("utf-8")

    return once


TARGETS: dict[str, Target] = {
    "params.yaml": yaml_file("params.yaml"),
    "claims.yaml": yaml_file("claims.yaml"),
    "archives": archives,
    "names": names,
    "models": models,
    "comments": comments,
}


def attempts(seed: int) -> list[Attempt]:
    """Each target for a minute; anything but one of our own errors is a fault."""
    return [
        Attempt(name, lambda study, name=name: [fuzz(study, name, seed, SECONDS)])
        for name in TARGETS
    ]


def fuzz(study: Study, name: str, first: int, seconds: float) -> Outcome:
    """Batches of examples until the time is over, or something is wrong."""
    outcome = Outcome("fuzz", name)
    tried = 0
    deadline = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        once = TARGETS[name](study, Path(scratch))

        @settings(
            max_examples=BATCH,
            deadline=None,
            database=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
            print_blob=False,
            report_multiple_bugs=False,
        )
        @given(st.data())
        def batch(data: st.DataObject) -> None:
            nonlocal tried
            tried += 1
            began = time.process_time()
            with contextlib.suppress(SurnamesError):
                once(data)
            assert time.process_time() - began < 10, "more than 10 s"

        number = random.Random(f"{name}{first}").randrange(2**32)
        while time.monotonic() < deadline and not outcome.faults:
            number += 1
            try:
                with open(os.devnull, "w") as nothing, contextlib.redirect_stdout(nothing):
                    seed(number)(batch)()
            except Exception as error:
                place = traceback.extract_tb(error.__traceback__)[-1]
                where = f"{Path(place.filename).name}:{place.lineno}"
                note = " ".join(" ".join(getattr(error, "__notes__", [])).split())[:300]
                outcome.fault("traceback", f"{type(error).__name__} at {where}: {error} | {note}")
    if not outcome.faults:
        outcome.said = f"{tried:,} inputs"
    return outcome
