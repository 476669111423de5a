import io
import os
import re
import sys
import types
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from PIL import Image

from utkage.data.labels import FaceLabel
from utkage.data.sources import Entry, SourceOptions, open_source, registry, unique_names

Archive = Callable[..., Path]
Folder = Callable[[Path, Mapping[str, bytes]], Path]


def test_chips_are_known_by_their_names_unless_told(tmp_path: Path, write_folder: Folder) -> None:
    write_folder(tmp_path, {"1_0_0_1.jpg.CHIP.jpg": b"", "2_0_0_2.jpg": b""})
    for told, expected in ((None, [True, False]), (True, [True] * 2), (False, [False] * 2)):
        entries = open_source(tmp_path, SourceOptions(aligned=told)).entries()
        assert [entry.aligned for entry in entries] == expected


def test_names_without_race(tmp_path: Path, write_folder: Folder) -> None:
    write_folder(tmp_path, {"61_1_20170109150557335.jpg.chip.jpg": b"x"})
    (entry,) = open_source(tmp_path).entries()
    assert "3 fields instead of 4" in str(entry.problem)
    assert (entry.label, entry.content) == (None, b"")
    (entry,) = open_source(tmp_path, SourceOptions(allow_missing_race=True)).entries()
    assert (entry.label, entry.content) == (FaceLabel(61, 1), b"x")


def test_an_entry_has_a_label_or_a_problem() -> None:
    with pytest.raises(ValueError, match="a label or a problem"):
        Entry(name="a.jpg", content=b"", position=0, label=None, aligned=True)


def test_fingerprints_change_with_the_input(
    tmp_path: Path, tar_of: Archive, zip_of: Archive, write_folder: Folder
) -> None:
    for change in range(3):
        files = {"1_0_0_1.jpg": b"A" if change < 2 else b"BB", ".DS_Store": b"x" * change}
        tar_of(tmp_path / f"{change}.tar", files)
        zip_of(tmp_path / f"{change}.zip", files)
        folder = write_folder(tmp_path / f"{change}", files)
        os.utime(folder / "1_0_0_1.jpg", (1, 1))
    prints = {
        kind: [open_source(tmp_path / f"{change}{kind}").fingerprint() for change in range(3)]
        for kind in (".tar", ".zip", "")
    }
    assert len({*prints[".tar"], *prints[".zip"]}) == 6
    assert prints[""][0] == prints[""][1] != prints[""][2]
    os.utime(tmp_path / "0" / "1_0_0_1.jpg", (1, 2))
    assert open_source(tmp_path / "0").fingerprint() != prints[""][0]
    assert all(re.fullmatch("[0-9a-f]{64}", value) for row in prints.values() for value in row)


class Named:
    total_bytes = 0

    def __init__(self, name: str) -> None:
        self.name = name

    def fingerprint(self) -> str:
        return ""

    def entries(self):  # type: ignore[no-untyped-def]
        return iter(())


@pytest.mark.parametrize(
    ("names", "unique"),
    [
        ("a b", "a b"),
        ("a a a b", "a a-2 a-3 b"),
        ("a a a-2", "a a-3 a-2"),
        ("a-2 a a a-2", "a-2 a a-3 a-2-2"),
    ],
)
def test_unique_names(names: str, unique: str) -> None:
    assert unique_names([Named(name) for name in names.split()]) == tuple(unique.split())


def test_the_recipe_in_the_documents_works(
    repository: Path, tmp_path: Path, write_folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (repository / "docs" / "data.md").read_text(encoding="utf-8")
    section = page.split("## Adding a data set\n", 1)[1].split("\n## ", 1)[0]
    (code,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    module = types.ModuleType("age_folders")
    monkeypatch.setitem(sys.modules, "age_folders", module)
    exec(compile(code, "age_folders.py", "exec"), module.__dict__)
    before, last = registry.RECOGNISERS[:-1], registry.RECOGNISERS[-1]
    assert last == registry.GrammarSource.recognise
    monkeypatch.setattr(registry, "RECOGNISERS", (*before, module.AgeFolders.recognise, last))

    folder = write_folder(tmp_path / "faces", {"34/f_1.jpg": b"A", "7/m_2.png": b"B"})
    write_folder(folder, {"200/m_3.jpg": b"C", "readme.txt": b""})
    source = open_source(folder)
    assert isinstance(source, module.AgeFolders)
    found = {entry.name: entry for entry in source.entries()}
    assert found["34/f_1.jpg"].label == FaceLabel(34, 1)
    assert found["7/m_2.png"].label == FaceLabel(7, 0)
    assert found["7/m_2.png"].content == b"B"
    assert "age 200 is outside" in str(found["200/m_3.jpg"].problem)
    assert source.fingerprint() == open_source(folder).fingerprint()

    other = write_folder(tmp_path / "other", {"1_0_0_1.jpg": b"A"})
    assert not isinstance(open_source(other), module.AgeFolders)


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
