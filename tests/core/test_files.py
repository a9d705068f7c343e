"""What is written is whole or not there, rounded, and leaves nothing behind."""

import errno
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surnames.core import corpus, errors, tables
from surnames.core.errors import DataError


class Interrupted(BaseException):
    """As a Ctrl-C: no Exception."""


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below and its content."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.*")}


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_keep_six_significant_digits(value: float) -> None:
    """Within half a unit of the sixth digit, and rounding again changes nothing."""
    found = tables.rounded(value)
    assert math.isclose(found, value, rel_tol=5.0000001e-6, abs_tol=0) or abs(value) < 1e-300
    assert tables.rounded(found) == found
    assert len(f"{found:.17e}".split("e")[0].rstrip("0")) >= 1
    assert found == float(f"{found:.6g}")


def test_everything_else_stays_what_it_is() -> None:
    """Counts, NumPy's too, are not rounded; what JSON cannot say becomes nothing."""
    value = {
        "count": 12345678,
        "counted": np.int64(12345678),
        "whether": np.bool_(True),
        "on": False,
        "share": np.float32(0.1),
        "inner": [(1.23456789, "text", None)],
        "nothing": math.nan,
        "all": -math.inf,
    }
    found = tables.rounded(value)
    assert found == {
        "count": 12345678,
        "counted": 12345678,
        "whether": True,
        "on": False,
        "share": 0.1,
        "inner": [[1.23457, "text", None]],
        "nothing": None,
        "all": None,
    }
    assert json.loads(json.dumps(found)) == found
    assert type(found["whether"]) is bool


def test_text_replaces_whole_or_not_at_all(tmp_path: Path) -> None:
    """A text that cannot be written leaves the old one, and no temporary file."""
    path = tmp_path / "deep" / "page.html"
    tables.replace_text(path, "old\r\n")
    assert tree(tmp_path) == {"deep/page.html": b"old\r\n"}
    with pytest.raises(UnicodeEncodeError):
        tables.replace_text(path, "new \ud800")
    assert tree(tmp_path) == {"deep/page.html": b"old\r\n"}
    assert path.stat().st_mode & 0o777 == 0o644


def test_table_replaces_whole_or_not_at_all(tmp_path: Path) -> None:
    """A row that fails leaves the old table: half a table would look like a whole one."""
    path = tmp_path / "scores.csv"
    tables.write_table(["name", "score"], [("A, B", 1 / 3), ('"C"', math.nan), ("", None)], path)
    before = b'name,score\n"A, B",0.333333\n"""C""",\n,\n'
    assert tree(tmp_path) == {"scores.csv": before}

    def rows() -> Iterator[tuple[str, float]]:
        yield "D", 1.0
        raise Interrupted

    with pytest.raises(Interrupted):
        tables.write_table(["name", "score"], rows(), path)
    assert tree(tmp_path) == {"scores.csv": before}
    assert tables.read_table(path)[0] == {"name": "A, B", "score": "0.333333"}


def test_folder_is_replaced_whole(tmp_path: Path) -> None:
    """Nothing of the old one stays, and nothing stands beside the new one."""
    path = tmp_path / "raw"
    for name in ("old", "new"):
        tables.replace_folder(path, lambda folder, name=name: (folder / f"{name}.txt").touch())
        assert list(tmp_path.iterdir()) == [path]
        assert tree(path) == {f"{name}.txt": b""}
    assert path.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("failure", [Interrupted, ValueError, OSError])
def test_failure_while_filling_leaves_the_old_folder(
    tmp_path: Path, failure: type[BaseException]
) -> None:
    """Even an interruption: the old folder as it was, and nothing beside it."""
    path = tmp_path / "raw"
    path.mkdir()
    (path / "old.txt").write_text("old")

    def fill(folder: Path) -> None:
        (folder / "half.txt").write_text("half")
        raise failure

    with pytest.raises(failure):
        tables.replace_folder(path, fill)
    assert list(tmp_path.iterdir()) == [path]
    assert tree(path) == {"old.txt": b"old"}


def test_folder_that_cannot_take_its_place_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last step fails, as on a full or foreign disk: the old folder comes back."""
    path = tmp_path / "raw"
    path.mkdir()
    (path / "old.txt").write_text("old")
    rename = Path.rename

    def stubborn(self: Path, target: Path) -> Path:
        if self.name == "fresh":
            raise OSError("no room")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", stubborn)
    with pytest.raises(OSError, match="no room"):
        tables.replace_folder(path, lambda folder: (folder / "new.txt").touch())
    assert list(tmp_path.iterdir()) == [path]
    assert tree(path) == {"old.txt": b"old"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"name,language\nSatoshi\n",
        b"name,language\nSatoshi,Japanese,1\n",
        b'name,language\n"Satoshi,Japanese\n',
        b"name\nSatoshi\n",
        b"name,language\nSatoshi,Klingon\n",
        b"name,language\n\xff\xfe,Japanese\n",
    ],
)
def test_a_damaged_table_is_one_error(content: bytes, tmp_path: Path) -> None:
    """It names the file, whatever is wrong with it."""
    path = tmp_path / "names.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=re.escape(str(path))) as caught:
        corpus.load(path)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500


@pytest.mark.parametrize("roles", ["train,tset", "train", "train,", "both,test" + "x" * 100_000])
def test_a_damaged_split_is_one_error(roles: str, tmp_path: Path) -> None:
    """A role of 100,000 letters would give each of them as much room."""
    path = tmp_path / "split.csv"
    path.write_text(f"name,language,replicate_0,replicate_1\nKim,Korean,{roles}\n")
    with pytest.raises(DataError, match="`make repro` makes it again"):
        corpus.load_split(path)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[" * 10**6, b"9" * 5000, b"\xff", b'"' * 11_000_000]
)
def test_damaged_json_is_one_error(content: bytes, tmp_path: Path) -> None:
    """Too deep, too long, too large, or no JSON at all."""
    path = tmp_path / "card.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"card\.json is damaged .*`make repro` makes it again"):
        tables.read_json(path)


def test_a_full_disk_is_named_with_the_file(tmp_path: Path) -> None:
    """As the system says it, without a file, and of which nothing is left."""
    path = tmp_path / "table.csv"
    with pytest.raises(OSError, match="No space left") as caught, tables.replacing(path):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert errors.explained(caught.value) == (f"{path}: No space left on device", 1)
    assert not list(tmp_path.iterdir())


def test_a_column_that_is_missing_is_named_with_the_file(tmp_path: Path) -> None:
    """By whoever asks for it."""
    path = tmp_path / "summary.csv"
    path.write_text("a,b\nx,y\n")
    [row] = tables.read_table(path)
    assert row == {"a": "x", "b": "y"}
    with pytest.raises(DataError, match=r"summary\.csv is damaged \(no column 'mean'\)"):
        row["mean"]
