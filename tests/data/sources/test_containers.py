import random
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from utkage.core.errors import DataError, UsageError
from utkage.data.sources import Entry, Limits, SourceOptions, open_source

Archive = Callable[..., Path]
Picture = Callable[..., bytes]
Folder = Callable[[Path, Mapping[str, bytes]], Path]
NAME = "25_1_2_20170116174525125.jpg.chip.jpg"


def read(path: Path, limits: Limits | None = None) -> list[Entry]:
    return list(open_source(path, SourceOptions(limits=limits or Limits())).entries())


@pytest.fixture
def files(picture: Picture) -> dict[str, bytes]:
    names = ["UTKFace/1_0_0_1.jpg", "UTKFace/2_1_3_22.jpg", "UTKFace/deep/9_1_4_333.PNG"]
    return {
        **{name: picture(index) for index, name in enumerate(names)},
        "UTKFace/readme.txt": b"not a picture",
        "UTKFace/._1_0_0_1.jpg": b"resource fork of macOS",
        "__MACOSX/UTKFace/._2_1_3_22.jpg": b"resource fork of macOS",
        ".DS_Store": b"x",
    }


@pytest.mark.parametrize("kind", ["tar", "tar.gz", "tar.bz2", "tar.xz", "zip"])
def test_every_kind_gives_the_same_entries(
    tmp_path: Path,
    files: dict[str, bytes],
    write_folder: Folder,
    kind: str,
    tar_of: Archive,
    zip_of: Archive,
) -> None:
    folder = write_folder(tmp_path / "UTKFace", files)
    path = tmp_path / f"UTKFace.{kind}"
    if kind == "zip":
        zip_of(path, files)
    else:
        tar_of(path, files, {"tar": "w"}.get(kind, f"w:{kind[4:]}"))
    source, expected = open_source(path), read(folder)
    found = list(source.entries())
    assert source.name == open_source(folder).name == "UTKFace"
    assert [(entry.name, entry.content, entry.problem) for entry in found] == [
        (entry.name, entry.content, entry.problem) for entry in expected
    ]
    assert [entry.name for entry in found] == ["1_0_0_1.jpg", "2_1_3_22.jpg", "9_1_4_333.PNG"]
    positions = [entry.position for entry in found]
    assert positions == sorted(positions)
    assert 0 < positions[-1] <= source.total_bytes
    assert list(source.entries()) == found, "a source can be read again"


def test_a_folder_comes_sorted_whatever_the_order_of_writing(
    tmp_path: Path, picture: Picture, write_folder: Folder
) -> None:
    names = [f"{age}_0_0_{age}.jpg" for age in range(12)]
    for seed in range(2):
        shuffled = random.Random(seed).sample(names, len(names))
        write_folder(tmp_path / str(seed), {name: picture(0) for name in shuffled})
    assert [entry.name for entry in read(tmp_path / "0")] == sorted(names)
    assert read(tmp_path / "0") == read(tmp_path / "1")


def test_missing_paths_and_other_files(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere: no such folder or archive"):
        open_source(tmp_path / "nowhere")
    text = tmp_path / "notes.txt"
    text.write_text("hello\n" * 500)
    with pytest.raises(DataError, match=r"notes\.txt: neither"):
        open_source(text)
    text.write_bytes(b"")
    with pytest.raises(DataError, match=r"notes\.txt"):
        read(text)


def test_an_empty_folder_has_no_entries(tmp_path: Path) -> None:
    assert read(tmp_path) == []
