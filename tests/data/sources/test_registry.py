"""Which reader opens a path, and the names of sources."""

import re
import sys
import types
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from source_files import read_entries

from utkage.core.errors import DataError, UsageError
from utkage.data.labels import FaceLabel
from utkage.data.sources import registry
from utkage.data.sources.registry import open_source, unique_names


def test_missing_paths_and_other_files(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere: no such folder or archive"):
        open_source(tmp_path / "nowhere")
    text = tmp_path / "notes.txt"
    text.write_text("hello\n" * 500)
    with pytest.raises(DataError, match=r"notes\.txt: neither"):
        open_source(text)
    text.write_bytes(b"")
    with pytest.raises(DataError, match=r"notes\.txt"):
        read_entries(text)


Folder = Callable[[Path, Mapping[str, bytes]], Path]


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
