"""YAML that people write: the values that DVC reads, or one short message with file and line."""

import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from dvc.utils.serialize import dumps_yaml, loads_yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import RootModel
from support.projects import ROOT

from surnames.core import yaml_files
from surnames.core.errors import ParameterError

Anything = RootModel[dict[str, Any]]


def read(path: Path, text: str | bytes) -> dict[str, Any]:
    """The values that a file of this text has."""
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return yaml_files.load(path, Anything, lambda _: ()).root


def refusal(path: Path, text: str | bytes) -> str:
    """The message about a file of this text, after its name."""
    with pytest.raises(ParameterError) as refused:
        read(path, text)
    message = str(refused.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    assert len(message.removeprefix(str(path))) < 250
    return message.removeprefix(str(path))


SCALARS = """\
5e-3|5.0e-3|1e3|.5|5.|-.5|+.5e1|1e400|-1e400|.inf|-.Inf|.nan|1.5E+3|1e|e1|12e03|1_000|1_000.5|1__0\
|017|08|0o17|0x1F|0x|0b11|+12|-0|1:30|190:20:30.15|2024-01-01|2024-1-1|2024-01-01T10:00:00Z\
|2024-1-1 10:00:00|2024-01-01 10:00:00 -5|yes|no|on|Off|y|true|True|TRUE|tRue|~|null|Null|'5e-3'\
|"yes"|a b|a#b|a #b|x: y|-|=|<<|é|"""


@pytest.mark.parametrize("scalar", SCALARS.split("|"))
def test_scalars_have_the_values_that_dvc_reads(scalar: str, tmp_path: Path) -> None:
    """DVC's templates and params.load see one study; PyYAML took `5e-3` for text."""
    text = f"a: {scalar}\n"
    try:
        expected = loads_yaml(text)
    except Exception:
        refusal(tmp_path / "a.yaml", text)
        return
    assert repr(read(tmp_path / "a.yaml", text)) == repr(expected)  # nan is nan, 1 is not True


Scalars = st.text("0123456789abefinloxstyENOTY_+-.:~ #'\"", max_size=12)
Trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(Scalars.map("a: {}".format) | Trees.map(lambda tree: dumps_yaml({"a": tree})))
def test_any_value_is_as_dvc_reads_it_or_refused(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    """Never another value, and never another exception than ParameterError."""
    path = tmp_path_factory.getbasetemp() / "drawn.yaml"
    try:
        values = read(path, text)
    except ParameterError as error:
        assert len(str(error)) < len(str(path)) + 250
        return
    assert repr(values) == repr(loads_yaml(path.read_text(encoding="utf-8")))


STUDY = (ROOT / "params.yaml").read_text(encoding="utf-8")


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, len(STUDY)),
            st.integers(0, 3),
            st.sampled_from([*"\t\n []{}:,&*!|>%@`'\"?-#", "<<: ", "&a ", "*a", "é", "\x00"]),
        ),
        max_size=3,
    )
)
def test_a_file_with_slips_is_as_dvc_reads_it_or_refused(
    tmp_path_factory: pytest.TempPathFactory, slips: list[tuple[int, int, str]]
) -> None:
    """params.yaml with a few characters deleted and put in."""
    text = STUDY
    for at, deleted, inserted in slips:
        text = text[:at] + inserted + text[at + deleted :]
    path = tmp_path_factory.getbasetemp() / "slips.yaml"
    try:
        values = read(path, text)
    except ParameterError as error:
        assert str(error).startswith(str(path))
        return
    assert repr(values) == repr(loads_yaml(text))


def bomb(levels: int, width: int = 10) -> str:
    """Aliases of lists of aliases: width ** levels values."""
    lines = ["a0: &a0 x"]
    for level in range(levels):
        aliases = ", ".join([f"*a{level}"] * width)
        lines.append(f"a{level + 1}: &a{level + 1} [{aliases}]")
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb:\n\tc: 2\n", ", line 3: a tab; indent with spaces"),
        ("a:\n  b: 1\n\tc: 2\n", ", line 3: a tab; indent with spaces"),
        ("a: 1\nb: [1,\nc: 2\n", ", line 4: a bracket is not closed or lacks a comma (from line"),
        ("a: {b: 1\nc: 2\n", ", line 2: a bracket is not closed or lacks a comma (from line 1)"),
        ("a: b: c\n", ", line 1: mapping values are not allowed in this context"),
        ("a: 1\nb: 'c\n", "while scanning a quoted scalar (line 2): found unexpected end"),
        ("a: 1\nb: 2\na: 3\n", ", line 3: duplicate key 'a', first on line 1"),
        ("a: {b: 1,\n    b: 2}\n", ", line 2: duplicate key 'b', first on line 1"),
        ("? [a, b]\n: 1\n", ", line 1: a key must be text; numbers, dates"),
        ("a: 1\n5: 1\n", ", line 2: a key must be text; numbers, dates, true and null need quotes"),
        ('a: 1\n"\\e[31m": 1\n', ", line 2: a key must be text"),
        ("", ": is empty"),
        ("# only a comment\n", ": is empty"),
        ("- a\n- b\n", ": must be keys and values"),
        ("a: 1\n---\nb: 1\n", ", line 2: expected a single document"),
        ("a: 1\nb: \xff\n".encode("latin-1"), ", line 2: not UTF-8 text"),
        ("a: \x00\n", ": unacceptable character #x0000"),
        ("a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> x\n", ", line 2: a merge conflict"),
        ("a: 1\n=======\nb: 2\n>>>>>>> x\n", ", line 2: a merge conflict is not resolved"),
        ("a: 1\nb: " + "[" * 5_000, ", line 2: tags and more than 20 levels"),
        ("a: 1\nb: " + "[" * 400_000 + "]" * 400_000, ", line 2: tags and more than 20 levels"),
        ("- " * 400_000, ", line 1: tags and more than 20 levels"),
        ("a: 1\nb: !!python/name:os.system x\n", ", line 2: tags and more than 20 levels"),
        ("a: 1\nb: !!set {x}\n", ", line 2: tags and more than 20 levels"),
        ("a: " + "5" * 5_000, ", line 1: a number of more than 100 digits"),
        ("a: 0x" + "f" * 5_000, ", line 1: a number of more than 100 digits"),
        ("a: 2024-02-30\n", ": day is out of range"),
        ("a: " + "x" * 1_000_000, " is larger than 1,000,000 bytes"),
        (bomb(7), "more than 100,000 values or 20 levels, aliases written out"),
        ("a: &a\n  b: *a\n", ", line 2: more than 100,000 values or 20 levels"),
        ("a: &a\n  <<: *a\n", ", line 2: more than 100,000 values or 20 levels"),
        ("a: *b\n", ", line 1: found undefined alias"),
        ("a: &a 1\nb: &a 2\n", ", line 2: found duplicate anchor"),
    ],
    ids=lambda text: repr(text[:20]),
)
def test_what_is_not_plain_yaml_is_refused(text: str | bytes, message: str, tmp_path: Path) -> None:
    """One short message of one line, with file and line."""
    assert message in refusal(tmp_path / "a.yaml", text)


def test_a_bomb_of_aliases_takes_no_memory(tmp_path: Path) -> None:
    """Ten million values are counted up to the limit, and neither built nor shown."""
    tracemalloc.start()
    try:
        refusal(tmp_path / "a.yaml", bomb(7))
        refusal(tmp_path / "a.yaml", "a: &a [" + "x, " * 30_000 + "]\nb: [" + "*a, " * 30_000 + "]")
        assert tracemalloc.get_traced_memory()[1] < 200e6
    finally:
        tracemalloc.stop()


def test_aliases_and_merges_are_read(tmp_path: Path) -> None:
    """As in claims.yaml, where several claims have the same sources."""
    text = "a: &a {b: 1, c: 2}\nd: {<<: *a, c: 3}\ne: *a\n"
    expected = {"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 3}, "e": {"b": 1, "c": 2}}
    assert read(tmp_path / "a.yaml", text) == loads_yaml(text) == expected


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """A command run elsewhere; and a folder of that name."""
    with pytest.raises(ParameterError, match=r"a\.yaml: No such file .* the project's folder\?"):
        yaml_files.load(tmp_path / "a.yaml", Anything, lambda _: ())
    with pytest.raises(ParameterError, match="Is a directory"):
        yaml_files.load(tmp_path, Anything, lambda _: ())


def test_faults_have_a_place_and_a_line_and_are_few(tmp_path: Path) -> None:
    """Of thousands of faults twenty are shown, each once."""
    path = tmp_path / "a.yaml"

    def check(_: Anything) -> list[yaml_files.Fault]:
        return [(("a", index), "is wrong") for index in (*range(1_000), 7)]

    path.write_text("a:\n" + "- x\n" * 1_000)
    with pytest.raises(ParameterError) as refused:
        yaml_files.load(path, Anything, check)
    lines = str(refused.value).splitlines()
    assert lines[:2] == [f"{path} is invalid:", "  line 2: a.0: is wrong"]
    assert lines[-1] == "  and 981 more"
    assert len(lines) == 21
