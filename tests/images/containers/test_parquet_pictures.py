from pathlib import Path
from typing import Any

import numpy as np
import pytest

from utkage.core.errors import DataError
from utkage.images.containers.container import RawFile
from utkage.images.containers.limits import Limits
from utkage.images.containers.picture_files import is_parquet, is_picture_archive, pictures_in

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")


def table(path: Path, columns: dict[str, Any], **options: Any) -> Path:
    parquet.write_table(pyarrow.table(columns), path, **options)
    return path


def names_of(path: Path, limits: Limits | None = None) -> list[str]:
    found = pictures_in(path, limits or Limits())
    return [each if isinstance(each, str) else each.path for each in found]


def test_pictures_as_hugging_face_stores_them(tmp_path: Path) -> None:
    pictures = [
        {"bytes": b"A", "path": "a.jpg"},
        {"bytes": b"B", "path": None},
        {"bytes": None, "path": "on/disk.jpg"},
        {"bytes": None, "path": None},
        {"bytes": b"", "path": "../e.jpg"},
    ]
    path = table(tmp_path / "a.parquet", {"age": [1, 2, 3, 4, 5], "image": pictures})
    assert is_parquet(path)
    assert is_picture_archive(path)
    found = list(pictures_in(path, Limits()))
    assert found[2] == "on/disk.jpg"
    others = [each for each in found if isinstance(each, RawFile)]
    assert [(each.path, each.content) for each in others] == [
        ("000001-a.jpg", b"A"),
        ("row-000002", b"B"),
        ("row-000004", b""),
        ("000005-../e.jpg", b""),
    ]
    assert [each.problem for each in others] == [
        *(None, None, "holds neither a picture nor a path", None)
    ]


def test_bytes_beside_a_column_of_names(tmp_path: Path) -> None:
    columns = {"jpg": [b"A", b"B"], "file_name": ["x/1.jpg", "/etc/../2.jpg"], "note": ["", ""]}
    found: list[Any] = list(pictures_in(table(tmp_path / "a.parquet", columns), Limits()))
    assert [(each.path, each.content) for each in found] == [("x/1.jpg", b"A"), ("etc/2.jpg", b"B")]


@pytest.mark.parametrize("title", ["path", "File Name", "image_path", "url"])
def test_paths_are_yielded_as_they_are_written(tmp_path: Path, title: str) -> None:
    paths = ["a/1.jpg", "/data/2.jpg", "https://x.org/3.jpg", "../4.jpg"]
    path = table(tmp_path / "a.parquet", {"id": ["1", "2", "3", "4"], title: paths})
    assert names_of(path) == paths
    assert list(pictures_in(path, Limits(), lambda _: False, lambda name: "2" in name)) == [
        "/data/2.jpg"
    ]


def test_a_row_without_a_path_is_a_problem(tmp_path: Path) -> None:
    path = table(tmp_path / "a.parquet", {"path": ["a.jpg", None, ""]})
    found: list[Any] = list(pictures_in(path, Limits()))
    assert found[0] == "a.jpg"
    assert [(each.path, each.problem) for each in found[1:]] == [
        ("row-000002", "holds neither a picture nor a path"),
        ("row-000003", "holds neither a picture nor a path"),
    ]


def test_memory_is_that_of_a_few_pictures(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    pictures = [random.bytes(100_000) for _ in range(200)]
    path = table(tmp_path / "a.parquet", {"image": pictures}, row_group_size=20)
    before = pyarrow.total_allocated_bytes()
    peak = count = 0
    for _ in pictures_in(path, Limits()):
        peak = max(peak, pyarrow.total_allocated_bytes() - before)
        count += 1
    assert count == 200
    assert peak < 8_000_000


def test_limits(tmp_path: Path) -> None:
    path = table(tmp_path / "a.parquet", {"image": [b"x" * 2000, b"small"]})
    found: list[Any] = list(pictures_in(path, Limits(max_entry_bytes=1000)))
    assert "`max_entry_bytes`" in found[0].problem
    assert found[1].content == b"small"
    for limits, said in (
        (Limits(max_entries=1), "max_entries"),
        (Limits(max_total_bytes=100), "max_total_bytes"),
        (Limits(max_entry_bytes=50), "a group of rows has more than"),
    ):
        with pytest.raises(DataError, match=said):
            names_of(path, limits)


def test_a_small_file_of_large_pictures_is_an_attack(tmp_path: Path) -> None:
    path = table(tmp_path / "a.parquet", {"image": [b"\0" * 1_000_000] * 200})
    assert path.stat().st_size < 100_000
    with pytest.raises(DataError, match="max_ratio"):
        names_of(path, Limits())


def test_files_that_hold_neither(tmp_path: Path) -> None:
    path = table(tmp_path / "a.parquet", {"age": [1], "note": ["x"]})
    with pytest.raises(DataError, match="holds neither pictures nor paths; name the column"):
        names_of(path)


def test_damaged_files(tmp_path: Path) -> None:
    content = table(tmp_path / "a.parquet", {"image": [b"abc" * 1000] * 50}).read_bytes()
    for number, damaged in enumerate((content[:100], content[:-20], b"PAR1", b"PAR1" + bytes(500))):
        path = tmp_path / f"{number}.parquet"
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=r"damaged Parquet file"):
            names_of(path)
