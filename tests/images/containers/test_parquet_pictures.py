from pathlib import Path
from typing import Any

import numpy as np
import pytest

from utkage.core.errors import DataError
from utkage.images.containers.container import RawFile
from utkage.images.containers.limits import Limits
from utkage.images.containers.parquet_pictures import RowRange, TablePictures
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


def test_paths_may_be_categories(tmp_path: Path) -> None:
    paths = pyarrow.array(["a.jpg", "b.jpg", "a.jpg"]).dictionary_encode()
    assert names_of(table(tmp_path / "a.parquet", {"path": paths})) == ["a.jpg", "b.jpg", "a.jpg"]
    assert names_of(table(tmp_path / "b.parquet", {"path": paths.cast("large_string")})) == (
        ["a.jpg", "b.jpg", "a.jpg"]
    )


def test_the_preferred_title_is_that_of_the_paths(tmp_path: Path) -> None:
    path = table(tmp_path / "a.parquet", {"id": ["1"], "file": ["b"], "Path": ["c"]})
    assert names_of(path) == ["c"]


def test_only_the_columns_that_are_read_count_for_the_limit(tmp_path: Path) -> None:
    rows = 100
    columns = {"path": ["a.jpg"] * rows, "features": [bytes(9_000).decode()] * rows}
    path = table(tmp_path / "a.parquet", columns, use_dictionary=False)
    limits = Limits(max_entry_bytes=20_000)
    assert len(names_of(path, limits)) == rows
    pictures = {"path": ["a.jpg"] * rows, "image": [{"bytes": bytes(9_000), "path": "a"}] * rows}
    path = table(tmp_path / "b.parquet", pictures, use_dictionary=False)
    with pytest.raises(DataError, match="a group of rows has more than"):
        names_of(path, limits)


def test_some_rows_of_an_open_file(tmp_path: Path) -> None:
    pictures = [{"bytes": b"x", "path": None} for _ in range(100)]
    path = table(tmp_path / "a.parquet", {"image": pictures}, row_group_size=40)
    whole = names_of(path)
    for rows in (
        RowRange(group=1, skip=0, count=40, number=41),
        RowRange(group=1, skip=17, count=23, number=58),
        RowRange(group=2, skip=16, count=1, number=97),
        RowRange(group=2, skip=0, count=99, number=81),
    ):
        with path.open("rb") as file:
            opened = TablePictures(file, Limits(), "x")
            assert opened.groups == (40, 40, 20)
            found = [
                each if isinstance(each, str) else each.path for each in opened.pictures(rows=rows)
            ]
        assert found == whole[rows.number - 1 :][: min(rows.count, 40 if rows.group < 2 else 20)]


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
    for limits, message in (
        (Limits(max_entries=1), "max_entries"),
        (Limits(max_total_bytes=100), "max_total_bytes"),
        (Limits(max_entry_bytes=50), "a group of rows has more than"),
    ):
        with pytest.raises(DataError, match=message):
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


@pytest.mark.parametrize("kind", ["string", "int64", "float64", "list", "struct"])
def test_bytes_of_another_type_are_no_pictures(tmp_path: Path, kind: str) -> None:
    values = {
        "string": (pyarrow.string(), "x"),
        "int64": (pyarrow.int64(), 10**12),
        "float64": (pyarrow.float64(), 1.5),
        "list": (pyarrow.list_(pyarrow.int64()), [1, 300]),
        "struct": (pyarrow.struct([("bytes", pyarrow.binary())]), {"bytes": b"x"}),
    }
    type_, value = values[kind]
    column = pyarrow.array([{"bytes": value}], pyarrow.struct([("bytes", type_)]))
    path = table(tmp_path / "a.parquet", {"image": column})
    with pytest.raises(DataError, match="neither pictures nor paths"):
        names_of(path)
    path = table(tmp_path / "b.parquet", {"image": column, "path": ["1.jpg"]})
    assert names_of(path) == ["1.jpg"]


def test_paths_beside_bytes_that_are_all_missing(tmp_path: Path) -> None:
    cells = [{"bytes": None, "path": "a.jpg"}]
    assert names_of(table(tmp_path / "a.parquet", {"image": cells})) == ["a.jpg"]


def test_a_small_file_of_a_million_empty_pictures_is_refused(tmp_path: Path) -> None:
    pictures = pyarrow.nulls(200_000, pyarrow.binary())
    with pytest.raises(DataError, match="nearly all of them empty"):
        names_of(table(tmp_path / "a.parquet", {"image": pictures}))
    paths = pyarrow.array(["a.jpg"] * 200_000)
    assert len(names_of(table(tmp_path / "b.parquet", {"path": paths}))) == 200_000


def test_limits_end_all_shards_at_the_same_row(tmp_path: Path) -> None:
    path = table(tmp_path / "a.parquet", {"image": [b"A" * 90, b"B" * 90], "path": ["a", "b"]})
    for wanted in "ab":
        with pytest.raises(DataError, match="more than 100 bytes"):
            list(pictures_in(path, Limits(max_total_bytes=100), lambda name, w=wanted: name == w))
