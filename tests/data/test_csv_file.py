from __future__ import annotations

from pathlib import Path

import pytest

from utkage.core.errors import DataError
from utkage.data.csv_file import LONGEST_CELL, read_csv


def test_lines_come_with_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('name,split,more\n"a\nb",train\nc,val,x,y\n\nd\n', encoding="utf-8-sig")
    lines = list(read_csv(path, ("name", "split")))
    assert [number for number, _ in lines] == [3, 4, 6]
    cells = [(cells["name"], cells["split"]) for _, cells in lines]
    assert cells == [("a\nb", "train"), ("c", "val"), ("d", "")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "lacks the column name; it needs name,split"),
        (b"name,other\nx,y\n", "lacks the column split"),
        (b"name,split\n\xff\xfe,train\n", r"not UTF-8 .*; save it as CSV in UTF-8"),
        ("name,split\nx,train\n".encode("utf-16"), "not UTF-8"),
        (
            b"name,split\na,train\n" + b"x" * (LONGEST_CELL + 1) + b",train\n",
            r"not CSV after line 2 .*cells have at most 131,072",
        ),
    ],
)
def test_what_cannot_be_read_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"a\.csv: {message}"):
        list(read_csv(path, ("name", "split")))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.csv: cannot be read \(No such file"):
        list(read_csv(tmp_path / "gone.csv", ("name",)))
