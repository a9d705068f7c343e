"""`surnames predict` and its Python door: the same numbers as everywhere, whatever the names."""

import csv
import io
import json
import os
import pty
import random
import string
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.projects import ROOT, Project
from support.strategies import NAMELIKE

from surnames.architectures.elman import Elman
from surnames.core import alphabet, files, tables
from surnames.core.corpus import LANGUAGES
from surnames.core.errors import StudyError
from surnames.data.names import starter_names
from surnames.evaluation.scoring import median_replicate
from surnames.networks.lookup import architectures
from surnames.prediction import command as stream
from surnames.prediction import model as prediction
from surnames.prediction.model import EMPTY, NOTHING_LEFT, TOO_LONG, Model
from surnames.tracking import registry
from surnames.tracking import store as stores
from surnames.tracking.store import STORE_ARTIFACTS, STORE_DATABASE

ELMAN = [name for name, row in architectures().items() if isinstance(row, Elman)]
LATIN = st.text(alphabet.LETTERS)
ANYTHING = st.text(st.characters()) | NAMELIKE | LATIN  # half of a surrogate pair, too


def network(architecture: str = "fixed", hidden: int = 128) -> Model:
    """An untrained network with weights that are far from uniform answers."""
    row = architectures()[architecture]
    assert isinstance(row, Elman)
    weights = row.initial_weights(hidden, np.random.default_rng(1))
    return Model("untrained", row, {key: 2 * array for key, array in weights.items()})


SMALL = network(hidden=16)


# The arithmetic


@pytest.mark.parametrize("architecture", ELMAN)
def test_both_engines_the_registrys_model_and_predict_agree(architecture: str) -> None:
    """All that know the recurrence, torch's autograd too, on 1,000 names of 1 to 40 letters."""
    from surnames.networks import reference
    from surnames.tracking import portable_model as origin_model

    model = network(architecture)
    rng = np.random.default_rng(2)
    names = [
        "".join(rng.choice(list(alphabet.LETTERS), size)) for size in rng.integers(1, 41, 1000)
    ]
    found = model.probabilities(names)
    np.testing.assert_allclose(found, model.probabilities(names, many=True), atol=1e-5)
    card = registry.model_card(architecture)
    assert card is not None
    kept = origin_model.SCORERS[card["kind"]](model.weights, names, card)
    np.testing.assert_allclose(found, kept, atol=1e-5)
    row = model.architecture
    assert isinstance(row, Elman)
    plain = reference.ElmanModule(row.activation, row.readout, len(model.weights["cell.bias"]))
    reference.set_weights(plain, model.weights)
    np.testing.assert_allclose(found, reference.probabilities(plain, names), atol=1e-5)


def test_the_belief_after_a_letter_is_the_answer_to_what_was_read() -> None:
    """So far, and no further; a space is a letter like any other."""
    [found] = SMALL.answers(["O'Brien Smith"], top=18, by_letter=True)
    assert "".join(one["letter"] for one in found["by_letter"]) == "O'Brien Smith"
    assert found["by_letter"][-1]["answers"] == found["answers"]
    for k, belief in enumerate(found["by_letter"], 1):
        [row] = SMALL.probabilities(["O'Brien Smith"[:k]])
        said = {one["language"]: one["probability"] for one in belief["answers"]}
        np.testing.assert_allclose([said[language] for language in LANGUAGES], row, atol=1e-6)


def test_a_network_that_gives_no_numbers_does_not_answer() -> None:
    """Instead of a made-up language."""
    broken = Model("broken", SMALL.architecture, {k: v * np.nan for k, v in SMALL.weights.items()})
    with pytest.raises(StudyError, match="diverged"):
        broken.answers(["Satoshi"])


# What is read


@given(ANYTHING)
def test_a_plain_name_is_one_that_cleaning_leaves_as_it_is(name: str) -> None:
    """The short cut of most names leads to the same place."""
    if prediction.plain(name):
        assert alphabet.cleaned_form(name) == name
    assert prediction.read(name).read_as == alphabet.cleaned_form(name)


@given(ANYTHING)
def test_any_text_has_an_answer_or_a_reason(name: str) -> None:
    """Never a crash, and never a made-up language."""
    [found] = SMALL.answers([name], top=18, by_letter=True)
    assert found["read_as"] == alphabet.cleaned_form(name)
    assert len(found["by_letter"]) == len(found["read_as"])
    if found["read_as"]:
        assert sum(one["probability"] for one in found["answers"]) == pytest.approx(1, abs=1e-4)
        assert found["note"] == "" or found["note"].startswith("left out: ")
    else:
        assert found["answers"] == []
        assert found["note"] == (NOTHING_LEFT if name.strip() else EMPTY)


@given(ANYTHING.filter(lambda name: "/" not in name))
def test_what_is_said_to_be_left_out_is_all_that_is(name: str) -> None:
    """Without those characters the name is read alike, and nothing more is left out of it."""
    left_out = prediction.read(name).left_out
    if name.strip():
        gone = {chr(int(c[2:], 16)) if len(c) > 1 else c for c in left_out}
        kept = "".join(c for c in prediction.unicodedata.normalize("NFC", name) if c not in gone)
        assert prediction.read(kept).left_out == ()
        assert alphabet.cleaned_form(kept) == alphabet.cleaned_form(name)


@pytest.mark.parametrize(
    ("name", "read_as", "note"),
    [
        ("Satoshi", "Satoshi", ""),
        ("Ślusàrski", "Slusarski", ""),  # accents, ß, ł and hyphens are only spelled otherwise
        ("Groß-Łukasz", "Gross Lukasz", ""),
        ("", "", "the name is empty"),
        ("  ", "", "the name is empty"),
        ("李", "", "no letter of this name is in the alphabet"),
        ("...", "", "no letter of this name is in the alphabet"),
        ("Li李1李", "Li", "left out: 李, 1"),  # in order, each once
        ("김Kim", "Kim", "left out: 김"),  # a syllable, not the letters that it is composed of
        ("Bab/B", "Bab", "left out: /, B"),
        ("\x1b[1mRed", "mRed", "left out: U+001B, [, 1"),  # commands no terminal
        ("a" * 40, "a" * 40, ""),
        ("a" * 1001, "", TOO_LONG),  # the engine's room grows with the longest name
    ],
)
def test_what_is_said_of_a_name(name: str, read_as: str, note: str) -> None:
    """The words that the report's page has as well."""
    [found] = SMALL.answers([name])
    assert (found["read_as"], found["note"]) == (read_as, note)
    assert bool(found["answers"]) == bool(read_as)


def test_only_text_is_a_name() -> None:
    """From Python, anything may come."""
    with pytest.raises(TypeError, match="7"):
        SMALL.answers(["Satoshi", 7])  # type: ignore[list-item]


# Which network


@pytest.fixture
def inside(finished: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The finished study as the working folder, without the environment's own store."""
    monkeypatch.chdir(finished.folder)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    yield finished.folder


@given(st.lists(st.sampled_from([0.1, 0.2, 0.3, np.nan]), min_size=1))
def test_the_median_is_that_of_the_registry(scores: list[float]) -> None:
    """Ties and diverged networks included."""
    values = np.array(scores)
    if np.isfinite(values).any():
        assert prediction.median(values) == median_replicate(values)
    else:
        with pytest.raises(StudyError, match="diverged"):
            prediction.median(values)


def test_names_of_models_are_the_registrys_aliases() -> None:
    """`tutorial` is the same network wherever it is asked for."""
    assert {k: v for k, v in registry.ALIASES.items() if k != v} == prediction.NAMED
    assert f"models:/{stores.MODEL}@champion" == prediction.CHAMPION


@pytest.mark.parametrize("alias", ["fixed", "tutorial", "champion"])
def test_a_model_is_the_registrys_of_that_name(inside: Path, alias: str) -> None:
    """Predict and pyfunc agree on every starter name; the registry's own way in gives the same."""
    names = [*starter_names(inside / files.STARTER).names, "Ślusàrski", "李", ""]
    uri = f"sqlite:///{inside / STORE_DATABASE}"
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    kept = mlflow.pyfunc.load_model(f"models:/{stores.MODEL}@{alias}").predict(names)
    for name in (alias, f"models:/{stores.MODEL}@{alias}"):
        found = prediction.load(name).answers(names, top=18)
        assert [one["answers"][0]["language"] if one["answers"] else "" for one in found] == list(
            kept["language"]
        )
        for one, row in zip(found, kept.to_dict("records"), strict=True):
            for answer in one["answers"]:
                assert answer["probability"] == pytest.approx(row[answer["language"]], abs=1e-5)


def test_a_path_names_a_run_or_a_logged_model(inside: Path) -> None:
    """A run's folder, its weights, or a folder that MLflow has written."""
    run = files.run("held_out", "fixed")
    expected = prediction.load("fixed")
    for path in (run, files.weights("held_out", "fixed"), inside / run):
        found = prediction.load(str(path))
        assert found.name == expected.name
        np.testing.assert_equal(found.weights, expected.weights)
    for folder in (inside / STORE_ARTIFACTS).rglob("MLmodel"):
        prediction.load(str(folder.parent)).answers(["Satoshi"])
        prediction.load(str(folder.parent / "artifacts")).answers(["Satoshi"])


def test_held_out_networks_come_first(inside: Path) -> None:
    """As published only where nothing was held out."""
    assert prediction.load("fixed").name.startswith("held_out-fixed-")
    assert prediction.load("majority").name.startswith("published-majority-")


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("fixd", "choose from champion, tutorial, majority"),
        ("relu_only", "has no run of relu_only; it has majority"),
        ("README.md", "its folder says which architecture it is"),
        ("results/runs/held_out/fixed/history.csv", "no safetensors file"),
        ("models:/surname-origin@nobody", "alias nobody not found"),
        ("models:/surname-origin/99", "no model models:/surname-origin/99"),
    ],
)
def test_a_model_that_is_not_there_is_refused(inside: Path, model: str, words: str) -> None:
    """With what there is instead."""
    with pytest.raises(StudyError, match=words):
        prediction.load(model)


def test_missing_weights_are_a_clear_error(study: Project) -> None:
    """As in a clone that has the tables, but neither a cache nor a remote."""
    (study.folder / files.weights("held_out", "fixed")).unlink()
    said = study.run("surnames", "predict", "Satoshi", fails=True)
    assert "weights.safetensors is not here; run `make repro`" in said
    assert "Traceback" not in said


def test_a_model_with_another_alphabet_is_refused(tmp_path: Path) -> None:
    """It would be read wrongly without a word."""
    card = registry.model_card("fixed")
    assert card is not None
    tables.write_json(card | {"letters": string.ascii_lowercase}, tmp_path / "card.json")
    with pytest.raises(StudyError, match="other letters"):
        prediction.load(str(tmp_path))


# The command


def predict(finished: Project, *words: str, given: str = "", cwd: str = ".") -> tuple[str, str]:
    """What `surnames predict` writes to standard output, and what to standard error."""
    done = run(finished, *words, given=given.encode(), cwd=cwd)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode(), done.stderr.decode()


def run(
    finished: Project, *words: str, given: bytes = b"", cwd: str = "."
) -> "subprocess.CompletedProcess[bytes]":
    """The command in the finished study, both streams apart."""
    return subprocess.run(
        [sys.executable, "-c", "from surnames.cli import main; main()", "predict", *words],
        cwd=finished.folder / cwd,
        env=os.environ | finished.code | {"LC_ALL": "C", "COLUMNS": "100"},
        input=given,
        capture_output=True,
        check=False,
    )


def test_one_name_from_a_cold_start(finished: Project) -> None:
    """Nothing heavy is imported, and it takes half a second of the processor at most."""
    heavy = (
        "torch",
        "mlflow",
        "sklearn",
        "pandas",
        "numba",
        "scipy",
        "pyarrow",
        "pydantic",
        "yaml",
    )
    code = (
        "import sys; from surnames.cli import main;"
        "main(['predict', 'Satoshi', '--by-letter'], standalone_mode=False);"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    command = [sys.executable, "-c", code]
    seconds = []
    for _ in range(3):
        before = os.with_weight()
        done = subprocess.run(
            command, cwd=finished.folder, env=os.environ | finished.code,
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        after = os.with_weight()
        spent = after.children_user + after.children_system
        seconds.append(spent - before.children_user - before.children_system)
        assert done.stdout.splitlines()[-1] == "[]"
    assert min(seconds) < 0.5


def test_a_name_as_json(finished: Project, inside: Path) -> None:
    """An object a line, the same as from Python; remarks do not mix with it."""
    said, remarks = predict(finished, "Satoshi", "李", "--format", "json", "--by-letter")
    found = [json.loads(line) for line in said.splitlines()]
    assert found == prediction.load("fixed").answers(["Satoshi", "李"], by_letter=True)
    assert list(found[0]) == ["name", "read_as", "answers", "note", "by_letter"]
    assert len(found[0]["answers"]) == 3
    assert len(remarks.splitlines()) == 2  # what was left out, and the stand-in corpus


def test_a_name_for_people(finished: Project) -> None:
    """A line each, with what is to be said of it; nothing that commands a terminal."""
    said, _ = predict(finished, "Groß", "李", "a\x1b[1m")
    gross, li, odd = said.splitlines()
    assert gross.startswith("Groß (as Gross)")
    assert gross.count("%") == 3
    assert li.endswith("no letter of this name is in the alphabet")
    assert "\x1b" not in odd
    said, _ = predict(finished, "Kim", "--by-letter", "--top", "18")
    assert [line.split()[0] for line in said.splitlines()] == ["Kim", "K", "Ki", "Kim"]
    assert said.count("%") == 4 * 18


@given(st.lists(ANYTHING.filter(lambda name: not any("\ud800" <= c <= "\udfff" for c in name))))
def test_csv_is_read_back_as_it_was_meant(names: list[str]) -> None:
    """Whatever is in a name: the lines are joined by hand, for speed."""
    text = io.StringIO(newline="")
    writer = stream.Writer(text, "csv", 2, False)
    stream.answer(SMALL, stream.given(names), writer, lambda place: None)
    text.seek(0)
    rows = list(csv.DictReader(text, strict=True))
    for row, one in zip(rows, SMALL.answers(names, top=2), strict=True):
        assert [row[key] for key in ("name", "read_as", "note")] == [
            one["name"], one["read_as"], one["note"],
        ]  # fmt: skip
        for k, answer in enumerate(one["answers"], 1):
            assert row[f"language_{k}"] == answer["language"]
            assert float(row[f"probability_{k}"]) == pytest.approx(answer["probability"], abs=1e-4)
        if not one["answers"]:
            assert {row["language_1"], row["probability_1"]} == {""}


def test_csv_by_letter_has_a_row_for_each_letter(finished: Project) -> None:
    """And one for a name that has none."""
    said, _ = predict(finished, "Kim", "李", "--format", "csv", "--by-letter", "--top", "1")
    rows = list(csv.DictReader(io.StringIO(said)))
    assert [row["letters"] for row in rows] == ["K", "Ki", "Kim", ""]
    assert [bool(row["language_1"]) for row in rows] == [True, True, True, False]


def test_all_ways_in_give_the_same(finished: Project, tmp_path: Path) -> None:
    """Arguments, lines, CSV, Parquet, standard input; an answer for each name, in order."""
    names = ["Satoshi", "Ślusàrski", "Kim, the second", "", "O'Neal", 'say "A"']
    (tmp_path / "a.txt").write_text("\n".join(names), encoding="utf-8-sig")
    with open(tmp_path / "a.csv", "w", newline="") as file:
        csv.writer(file).writerows([["id", "name"], *([str(k), n] for k, n in enumerate(names))])
    table = pa.table({"id": range(6), "name": [name or None for name in names]})
    pa.parquet.write_table(table, tmp_path / "a.parquet")
    expected, _ = predict(finished, *names, "--format", "csv")
    assert len(expected.splitlines()) == 7
    for ending in ("txt", "csv", "parquet"):
        path = str(tmp_path / f"a.{ending}")
        assert predict(finished, "--file", path, "--format", "csv")[0] == expected
    lines = "\r\n".join(names)
    assert predict(finished, "--format", "csv", given=lines)[0] == expected
    table = (tmp_path / "a.csv").read_text()
    said, _ = predict(finished, "--file", "-", "--kind", "csv", "--format", "csv", given=table)
    assert said == expected


def test_paths_are_where_the_user_stands(finished: Project, tmp_path: Path) -> None:
    """The command itself works in the project's folder."""
    folder = finished.folder / "docs"
    (tmp_path / "names.txt").write_text("Satoshi\n")
    near = os.path.relpath(tmp_path, folder)
    words = ("--file", f"{near}/names.txt", "--output", f"{near}/said.csv", "--format", "csv")
    assert (
        predict(finished, *words, "--model", "../results/runs/held_out/fixed", cwd="docs")[0] == ""
    )
    assert (tmp_path / "said.csv").read_text().splitlines()[1].startswith("Satoshi,Satoshi,")


def test_one_warning_counts_what_was_left_out(finished: Project) -> None:
    """However many names it was left out of."""
    _, remarks = predict(finished, given="Li李\n李\nKim1李\nGroß\n")
    [warning] = [line for line in remarks.splitlines() if "stand-in" not in line]
    assert warning == (
        "warning: characters that are not in the alphabet were left out of 3 of 4 names: "
        "李 (3), 1 (1); no answer for 1 of 4 names"
    )
    _, remarks = predict(finished, "Groß", "Ślusàrski")
    assert "alphabet" not in remarks


def test_the_starter_corpus_is_said(finished: Project) -> None:
    """An answer learned from made-up names does not pass for one."""
    assert "stand-in corpus" in predict(finished, "Satoshi")[1]


def test_known_languages_are_scored(finished: Project, inside: Path, tmp_path: Path) -> None:
    """Accuracy and macro recall are those of scoring; other languages are counted apart."""
    from surnames.evaluation import scoring

    known = starter_names(inside / files.STARTER)
    rows = [[name, LANGUAGES[k]] for name, k in zip(known.names, known.languages, strict=True)]
    rows += [["Quux", "Klingon"], ["Worf", "Klingon"], ["Spock", ""]]
    with open(tmp_path / "names.csv", "w", newline="") as file:
        csv.writer(file).writerows([["name", "language"], *rows])
    model = prediction.load("fixed")
    probabilities = model.probabilities(known.names)
    expected = scoring.metrics(scoring.predict(probabilities, known.languages))
    _, remarks = predict(finished, "--file", str(tmp_path / "names.csv"))
    assert f"accuracy {expected['accuracy']:.1%}, macro recall {expected['macro_recall']:.1%}" in (
        remarks
    )
    assert f"over {len(known.names):,} names of 18 languages" in remarks
    assert "not scored: 3 names of unknown languages ('', 'Klingon')" in remarks


def test_a_name_without_an_answer_is_wrong() -> None:
    """It does not raise the accuracy by being left out."""
    tally = stream.Tally()
    tally.add(SMALL.ask(["李", "123"], 1), ["Chinese", "Arabic"])
    assert "accuracy 0.0%" in tally.scores()
    assert "over 2 names of 2 languages" in tally.scores()


# Mistakes


def wrong_files(folder: Path) -> dict[str, tuple[str, str]]:
    """By what is wrong: the file and what must be said of it."""
    texts = {
        "ragged.csv": b"name,language\nSatoshi,Japanese\nKim\n",
        "quote.csv": b'name\n"Satoshi\n',
        "column.csv": b"surname,language\nSatoshi,Japanese\n",
        "empty.csv": b"",
        "latin.csv": "name\nMüller\n".encode("latin-1"),
        "latin.txt": "Satoshi\nMüller\n".encode("latin-1"),
        "text.parquet": b"name\nSatoshi\n",
    }
    for name, content in texts.items():
        (folder / name).write_bytes(content)
    pa.parquet.write_table(pa.table({"surname": ["Kim"]}), folder / "column.parquet")
    pa.parquet.write_table(pa.table({"name": [7]}), folder / "numbers.parquet")
    whole = folder / "whole.parquet"
    pa.parquet.write_table(pa.table({"name": ["Kim"] * 10000}), whole)
    torn = bytearray(whole.read_bytes())
    torn[4:60] = b"\xff" * 56
    (folder / "torn.parquet").write_bytes(torn)
    return {
        "ragged.csv": ("ragged.csv", "line 3: expected 2 cells as in the header, got 1"),
        "quote.csv": ("quote.csv", "no CSV: unexpected end of data"),
        "column.csv": ("column.csv", "no column 'name'; it has 'surname', 'language'"),
        "empty.csv": ("empty.csv", "no column 'name'; it has none"),
        "latin.csv": ("latin.csv", "is not UTF-8 (byte 0xfc); save it as UTF-8"),
        "latin.txt": ("latin.txt", "is not UTF-8 (byte 0xfc); save it as UTF-8"),
        "text.parquet": ("text.parquet", "cannot be read as Parquet"),
        "torn.parquet": ("torn.parquet", "cannot be read as Parquet"),
        "column.parquet": ("column.parquet", "no column 'name'; it has 'surname'"),
        "numbers.parquet": ("numbers.parquet", "expected text in column 'name', got int64"),
        "missing.csv": ("missing.csv", "cannot be read: No such file"),
        "missing.parquet": ("missing.parquet", "cannot be read: No such file"),
        "a folder": (".", "cannot be read: Is a directory"),
    }


@pytest.mark.slow
def test_wrong_files_are_clear_errors(finished: Project, tmp_path: Path) -> None:
    """Exit status 1 and what to do; no traceback, and no half of an output."""
    for name, words in wrong_files(tmp_path).values():
        output = tmp_path / "said.csv"
        done = run(finished, "--file", str(tmp_path / name), "--output", str(output))
        said = done.stderr.decode()
        assert done.returncode == 1, name
        assert words in said, name
        assert "Traceback" not in said
        assert not output.exists()
    assert not list(tmp_path.glob(".said*"))


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("Kim", "--file", "x"), 2, "give one of them"),
        (("Kim", "--top", "0"), 2, "not in the range"),
        (("Kim", "--output", "/nowhere/x"), 1, "/nowhere/x cannot be written"),
        (("Kim", "--output", "."), 1, "is a folder"),
        (("Kim", "--model", "fixd"), 1, "no model 'fixd'"),
        (("--file", "-", "--kind", "parquet"), 1, "give the file by --file"),
        ((b"\xff",), 1, "is not UTF-8"),
    ],
)
def test_wrong_words_are_clear_errors(
    finished: Project, words: tuple[Any, ...], status: int, said: str
) -> None:
    """The same for what stands on the command line."""
    done = run(finished, *words)
    assert done.returncode == status
    assert said in done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_an_output_that_is_no_file_is_written_into(finished: Project, tmp_path: Path) -> None:
    """Putting a file in the place of a pipe, or of /dev/null, would be no service."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    predict(finished, "Satoshi", "--output", str(pipe))
    reader.join(10)
    assert read[0].startswith("Satoshi")
    assert pipe.is_fifo()


# A million names


def many(folder: Path, count: int) -> tuple[Path, Path]:
    """Distinct made-up names with a language each, as CSV and as Parquet."""
    chance = random.Random(1)
    names = [
        "".join(chance.choices(string.ascii_lowercase, k=chance.randint(4, 9))).title()
        for _ in range(count)
    ]
    languages = chance.choices(LANGUAGES, k=count)
    as_csv, as_parquet = folder / f"{count}.csv", folder / f"{count}.parquet"
    with open(as_csv, "w", newline="") as file:
        csv.writer(file).writerows([("name", "language"), *zip(names, languages, strict=True)])
    pa.parquet.write_table(pa.table({"name": names, "language": languages}), as_parquet)
    return as_csv, as_parquet


def spent(finished: Project, path: Path, output: Path) -> tuple[float, float]:
    """Seconds of the processor and megabytes at the peak of answering a file."""
    code = "from surnames.cli import main; main()"
    words = ["predict", "--file", str(path), "--format", "csv", "--output", str(output)]
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, "-c", f"import os; os.chdir({str(finished.folder)!r}); {code}", *words],
        os.environ | finished.code,
    )
    _, status, usage = os.wait4(pid, 0)
    assert status == 0
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


@pytest.mark.slow
def test_a_million_names_take_no_more_memory_than_a_tenth(
    finished: Project, tmp_path: Path
) -> None:
    """CSV and Parquet are streams, and so is what is written; each name has its line."""
    for few, all_of_them in zip(many(tmp_path, 100_000), many(tmp_path, 1_000_000), strict=True):
        output = tmp_path / "said.csv"
        _, small = spent(finished, few, output)
        seconds, large = spent(finished, all_of_them, output)
        assert large < small + 30
        assert seconds < 10  # of the small study's networks; the rate is in docs/predict.md
        with open(output) as lines:
            assert sum(1 for _ in lines) == 1_000_001


@pytest.mark.slow
def test_a_terminal_shows_how_far_it_has_come(finished: Project, tmp_path: Path) -> None:
    """In percent of the file; never in a log."""
    path, _ = many(tmp_path, 1_000_000)
    command = [
        sys.executable, "-c", "from surnames.cli import main; main()", "predict", "--file",
        str(path), "--output", os.devnull, "--format", "csv",
    ]  # fmt: skip
    terminal, end = pty.openpty()
    termios.tcsetwinsize(end, (24, 80))
    done = subprocess.Popen(
        command, cwd=finished.folder, env=os.environ | finished.code, stderr=end
    )
    os.close(end)
    shown = b""
    while True:
        try:
            shown += os.read(terminal, 4096)
        except OSError:  # its other end is closed
            break
    assert done.wait() == 0
    assert b"100%|" in shown


def test_enough_names_for_the_engine_are_answered_alike(finished: Project, tmp_path: Path) -> None:
    """NumPy's and the engine's lines are the same but for the last digit."""
    path, _ = many(tmp_path, stream.CHUNK + 10)
    lines = path.read_text().splitlines()
    (tmp_path / "few.csv").write_text("\n".join(lines[:101]))
    said, _ = predict(finished, "--file", str(path), "--format", "csv")
    few, _ = predict(finished, "--file", str(tmp_path / "few.csv"), "--format", "csv")
    both = zip(csv.DictReader(io.StringIO(said)), csv.DictReader(io.StringIO(few)), strict=False)
    for left, right in both:
        assert left["name"] == right["name"]
        assert left["language_1"] == right["language_1"]
        difference = float(left["probability_1"]) - float(right["probability_1"])
        assert abs(difference) < 2e-4
    assert len(said.splitlines()) == len(lines)


def test_the_page_says_what_is_there() -> None:
    """The options of docs/predict.md are the command's own."""
    from surnames.cli import predict as command

    page = (ROOT / "docs/predict.md").read_text()
    for parameter in command.params:
        for option in parameter.opts:
            assert option in page or option == "names"
