"""Labels from file names, and which pictures are chips."""

import io
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from PIL import Image

from utkage.data.labels import FaceLabel
from utkage.data.sources.options import SourceOptions
from utkage.data.sources.registry import open_source

Folder = Callable[[Path, Mapping[str, bytes]], Path]


def test_chips_are_known_by_their_names_unless_told(tmp_path: Path, write_folder: Folder) -> None:
    write_folder(tmp_path, {"1_0_0_1.jpg.CHIP.jpg": b"", "2_0_0_2.jpg": b""})
    for aligned, expected in ((None, [True, False]), (True, [True] * 2), (False, [False] * 2)):
        entries = open_source(tmp_path, SourceOptions(aligned=aligned)).entries()
        assert [entry.aligned for entry in entries] == expected


def test_names_without_race(tmp_path: Path, write_folder: Folder) -> None:
    write_folder(tmp_path, {"61_1_20170109150557335.jpg.chip.jpg": b"x"})
    (entry,) = open_source(tmp_path).entries()
    assert "3 fields instead of 4" in str(entry.problem)
    assert (entry.label, entry.content) == (None, b"")
    (entry,) = open_source(tmp_path, SourceOptions(allow_missing_race=True)).entries()
    assert (entry.label, entry.content) == (FaceLabel(61, 1), b"x")


def _picture(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (width % 256, height % 256, 9)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [([(64, 64), (80, 80)], True), ([(64, 64), (80, 81)], False), ([(300, 340)], False)],
)
def test_square_pictures_are_chips_and_others_photographs(
    tmp_path: Path, sizes: list[tuple[int, int]], expected: bool
) -> None:
    for index, size in enumerate(sizes):
        (tmp_path / f"2{index}_0_1_{index}.png").write_bytes(_picture(*size))
    (tmp_path / "30_0_1_9.png").write_bytes(b"no picture")
    (tmp_path / "40_0_1_9.jpg.chip.jpg").write_bytes(_picture(50, 50))
    entries = {entry.name: entry.aligned for entry in open_source(tmp_path).entries()}
    assert entries.pop("40_0_1_9.jpg.chip.jpg")
    assert set(entries.values()) == {expected}
