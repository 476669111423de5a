from pathlib import Path

import pytest
from small_sets import file_of, write_set

from utkage.core.errors import DataError
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
