"""A label file that is a source itself."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from utkage.core.errors import DataError
from utkage.data.sources.table import TableContainer, is_table
from utkage.images.containers.limits import Limits

Folder = Callable[[Path, Mapping[str, bytes]], Path]
CSV = b"path,age,gender\na.jpg,2,f\n"


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("labels.csv", CSV, True),
        ("LABELS.TSV", b"", True),
        ("labels.jsonl", b"{}", True),
        ("notes.txt", CSV, True),
        ("notes.txt", b"Taken in May.\n", False),
        ("archive.csv", b"PK\x03\x04...", False),
        ("archive.json", b"\x1f\x8b...", False),
        ("picture.jpg", CSV, False),
    ],
)
def test_which_files_are_label_files(
    tmp_path: Path, name: str, content: bytes, expected: bool
) -> None:
    (tmp_path / name).write_bytes(content)
    assert is_table(tmp_path / name) is expected


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.csv: cannot be read"):
        is_table(tmp_path / "gone.csv")


def test_a_table_of_paths_stands_for_the_pictures_below_its_folder(
    tmp_path: Path, write_folder: Folder
) -> None:
    write_folder(tmp_path, {"labels.csv": CSV, "a.jpg": b"AA", "sub/b.jpg": b"B"})
    container = TableContainer(tmp_path / "labels.csv", Limits())
    assert (container.name, container.path) == ("labels", tmp_path)
    assert sorted(container.paths()) == ["a.jpg", "labels.csv", "sub/b.jpg"]
    assert container.read("a.jpg") == b"AA"
    assert container.read("none.jpg") is None
    assert sorted(file.path for file in container.files()) == ["a.jpg", "sub/b.jpg"]
    before = container.fingerprint()
    (tmp_path / "a.jpg").write_bytes(b"other")
    assert TableContainer(tmp_path / "labels.csv", Limits()).fingerprint() != before


def test_a_table_with_pictures_stands_alone(tmp_path: Path, write_folder: Folder) -> None:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(pa.table({"image": [b"A"], "age": [2]}), buffer)
    files = {
        "faces.csv": b"Age,Gender,Pixels\n2,f,1 2 3 4\n",
        "faces.parquet": buffer.getvalue(),
        "a.jpg": b"A",
    }
    write_folder(tmp_path, files)
    for name in ("faces.csv", "faces.parquet"):
        container = TableContainer(tmp_path / name, Limits())
        assert container.paths() == (name,)
        assert list(container.files()) == []
        assert container.read("a.jpg") is None
        assert container.total_bytes == len(files[name])
        before = container.fingerprint()
        (tmp_path / "a.jpg").write_bytes(name.encode())
        assert container.fingerprint() == before
