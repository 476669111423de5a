import csv
import io
import os
import random
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from utkage.core.errors import DataError, UsageError
from utkage.data.split import SplitConfig
from utkage.data.store import ChipStore, is_prepared
from utkage.workflows.prepare import PrepareConfig, PrepareResult, prepare

Picture = Callable[..., bytes]
Folder = Callable[[Path, Mapping[str, bytes]], Path]


def run(source: Path, out: Path, **options: int) -> PrepareResult:
    split = SplitConfig(options.get("seed", 0), 0.3, 0.3)
    return prepare(PrepareConfig(source, out, 32, split, workers=2))


def names(count: int) -> list[str]:
    return [f"{age + 1}_{age % 2}_{age % 5}_{1000 + age}.jpg" for age in range(count)]


def test_a_clean_folder(tmp_path: Path, picture: Picture, write_folder: Folder) -> None:
    files = {name: picture(index) for index, name in enumerate(names(30))}
    result = run(write_folder(tmp_path / "faces", files), tmp_path / "out")
    store = ChipStore.open(tmp_path / "out")
    assert result.usable == 30 == sum(result.splits.values()) == sum(result.ranges.values())
    assert result.genders == {"male": 15, "female": 15}
    assert result.dropped == ()
    assert result.split_hash == store.split_hash
    assert result.splits == store.description["splits"]
    assert min(result.splits.values()) > 0
    assert store.description["source"]["name"] == "faces"
    assert store.description["split"] == {"seed": 0, "val": 0.3, "test": 0.3}
    hashes = [set(store.split(name).pixel_hashes) for name in ("train", "val", "test")]
    assert not hashes[0] & hashes[1]
    assert not hashes[0] & hashes[2]
    assert not hashes[1] & hashes[2]
    assert len(set.union(*hashes)) == 30
    other = run(tmp_path / "faces", tmp_path / "other", seed=1)
    assert other.split_hash != result.split_hash


def test_tar_and_folder_give_the_same(
    tmp_path: Path, picture: Picture, write_folder: Folder
) -> None:
    files = {name: picture(index) for index, name in enumerate(names(15))}
    write_folder(tmp_path / "faces", files)
    shuffled = random.Random(1).sample(list(files), len(files))
    with tarfile.open(tmp_path / "faces.tar.gz", "w:gz") as archive:
        for name in shuffled:
            member = tarfile.TarInfo(f"UTKFace/{name}")
            member.size = len(files[name])
            archive.addfile(member, io.BytesIO(files[name]))
    results = [run(tmp_path / name, tmp_path / f"out-{name}") for name in ("faces", "faces.tar.gz")]
    assert results[0].split_hash == results[1].split_hash
    assert results[0].splits == results[1].splits
    content = []
    for result in results:
        chips = ChipStore.open(result.folder).split("all")
        content.append(
            sorted(
                (chips.names[row], chips.pixel_hashes[row], chips.pixels[chips.rows[row]].tobytes())
                for row in range(len(chips))
            )
        )
    assert content[0] == content[1]


def test_copies_are_kept_once_and_conflicting_ones_dropped(
    tmp_path: Path, picture: Picture, write_folder: Folder
) -> None:
    files = {
        "10_0_0_1.jpg": picture(1),
        "10_0_0_2.jpg": picture(1, comment="again"),
        "10_0_0_3.jpg": picture(1, comment="and again"),
        "20_0_0_4.jpg": picture(2),
        "21_0_0_5.jpg": picture(2, comment="another age"),
        "30_0_0_6.jpg": picture(3),
        "30_1_0_7.jpg": picture(3, comment="another gender"),
        "30_1_0_8.jpg": picture(3),
        "40_1_1_9.jpg": picture(4),
        "bad.jpg": picture(5),
    }
    result = run(write_folder(tmp_path / "faces", files), tmp_path / "out")
    store = ChipStore.open(tmp_path / "out")
    assert [row.name for row in store.manifest] == ["10_0_0_1.jpg", "40_1_1_9.jpg"]
    reasons = {item.name: item.reason for item in result.dropped}
    assert len(reasons) == len(result.dropped) == 8, "every picture is accounted for once"
    assert reasons["10_0_0_2.jpg"] == reasons["10_0_0_3.jpg"] == "copy of 10_0_0_1.jpg"
    for name in ("20_0_0_4.jpg", "21_0_0_5.jpg", "30_0_0_6.jpg", "30_1_0_7.jpg", "30_1_0_8.jpg"):
        assert "2 different labels" in reasons[name]
    kept = store.split("all")
    for row, seed in enumerate((1, 4)):
        from PIL import Image

        expected = Image.open(io.BytesIO(picture(seed)))
        assert kept.pixels[kept.rows[row]].tobytes() == expected.tobytes()
    dropped = tmp_path / "out" / str(store.description["files"]["dropped"])
    with dropped.open(newline="") as file:
        assert {line["name"]: line["reason"] for line in csv.DictReader(file)} == reasons


def test_nothing_usable(tmp_path: Path, picture: Picture, write_folder: Folder) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no usable picture among 0"):
        run(tmp_path / "empty", tmp_path / "out")
    write_folder(tmp_path / "faces", {"cat.jpg": picture(0)})
    with pytest.raises(DataError, match=r"among 1.*first: cat\.jpg: name is not"):
        run(tmp_path / "faces", tmp_path / "out")
    assert not is_prepared(tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_failed_run_keeps_the_former_set(
    tmp_path: Path, picture: Picture, write_folder: Folder
) -> None:
    files = {name: picture(index) for index, name in enumerate(names(6))}
    result = run(write_folder(tmp_path / "faces", files), tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError):
        run(tmp_path / "empty", tmp_path / "out")
    assert ChipStore.open(tmp_path / "out").split_hash == result.split_hash


def test_a_missing_source_makes_no_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder or archive"):
        run(tmp_path / "nowhere", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_name_that_is_not_unicode_is_reported(
    tmp_path: Path, picture: Picture, write_folder: Folder
) -> None:
    folder = write_folder(tmp_path / "faces", {"10_0_0_1.jpg": picture(1)})
    try:
        Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.jpg")).write_bytes(picture(2))
    except (OSError, UnicodeError):
        pytest.skip("this file system has Unicode names only")
    result = run(folder, tmp_path / "out")
    assert result.usable == 1
    assert len(result.dropped) == 1
