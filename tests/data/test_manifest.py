from dataclasses import replace
from pathlib import Path

import pytest
from small_sets import file_of, manifest_rows, random_chips, write_set

from utkage.core.errors import DataError
from utkage.data.manifest import manifest_csv, read_manifest
from utkage.data.store import ChipStore


@pytest.mark.parametrize("damage", ["cut in a line", "cut at a line", "age", "row", "missing"])
def test_a_damaged_manifest(tmp_path: Path, damage: str) -> None:
    write_set(tmp_path)
    path = file_of(tmp_path, "manifest")
    lines = path.read_text().splitlines(keepends=True)
    fields = lines[-1].split(",")
    if damage == "cut in a line":
        path.write_text("".join(lines[:-1]) + lines[-1][:4])
    elif damage == "cut at a line":
        path.write_text("".join(lines[:-1]))
    elif damage == "age":
        path.write_text("".join(lines).replace(",7,0,", ",700,0,"))
    elif damage == "row":
        path.write_text("".join(lines[:-1]) + ",".join(["70", *fields[1:]]))
    else:
        path.unlink()
    with pytest.raises(DataError, match=r"manifest-.*prepare again"):
        ChipStore.open(tmp_path)


def test_landmarks_of_photographs_are_kept(tmp_path: Path) -> None:
    places = tuple((n + 0.5, 2.0 * n) for n in range(5))
    first, second = manifest_rows(random_chips(2))
    photograph = replace(second, record=replace(second.record, landmarks=places))
    path = tmp_path / "manifest.csv"
    path.write_text("".join(manifest_csv([first, photograph])), encoding="utf-8")
    assert read_manifest(path) == (first, photograph)
    # Sets of chips have the columns of former versions.
    assert "landmarks" not in "".join(manifest_csv([first]))


@pytest.mark.parametrize("text", ["1 2 3", "nan 1 2 3 4 5 6 7 8 9", "a 1 2 3 4 5 6 7 8 9"])
def test_damaged_landmarks(tmp_path: Path, text: str) -> None:
    (row,) = manifest_rows(random_chips(1))
    places = tuple((7.0, 7.0) for _ in range(5))
    lines = "".join(manifest_csv([replace(row, record=replace(row.record, landmarks=places))]))
    path = tmp_path / "manifest.csv"
    path.write_text(lines.replace(" ".join(["7.0"] * 10), text), encoding="utf-8")
    with pytest.raises(ValueError, match=r"landmarks|could not convert"):
        read_manifest(path)
