import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from utkage.core.errors import DataError
from utkage.images.containers.container import RawFile
from utkage.images.containers.limits import Limits
from utkage.images.containers.picture_files import is_parquet, is_picture_archive, pictures_in

FILES = {"a/1.jpg": b"one", "a/1.json": b"{}", "b/2.png": b"two", "._3.jpg": b"x"}
Archive = Callable[..., Path]


def test_the_pictures_of_archives_in_order(
    tmp_path: Path, tar_of: Archive, zip_of: Archive
) -> None:
    archives = [
        tar_of(tmp_path / "a.tar", FILES),
        tar_of(tmp_path / "a.tar.gz", FILES, "w:gz"),
        tar_of(tmp_path / "a.txz", FILES, "w:xz"),
        zip_of(tmp_path / "a.zip", FILES),
        zip_of(tmp_path / "without_suffix", FILES),
        tar_of(tmp_path / "also_without", FILES),
    ]
    for path in archives:
        assert is_picture_archive(path)
        assert not is_parquet(path)
        found: list[Any] = list(pictures_in(path, Limits()))
        assert [(each.path, each.content) for each in found] == [
            ("a/1.jpg", b"one"),
            ("b/2.png", b"two"),
        ]


def test_pictures_that_are_not_wanted_are_not_read(
    tmp_path: Path, zip_of: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = zip_of(tmp_path / "a.zip", {"big.jpg": bytes(5000), "small.jpg": b"small"})
    opened: list[str] = []
    whole = zipfile.ZipFile.open

    def counted(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Any:
        opened.append(member.filename)
        return whole(archive, member)

    monkeypatch.setattr(zipfile.ZipFile, "open", counted)
    (found,) = pictures_in(path, Limits(), lambda inner: inner == "small.jpg")
    assert isinstance(found, RawFile)
    assert found.content == b"small"
    assert opened == ["small.jpg"]


@pytest.mark.parametrize("wanted", [True, False])
def test_archives_without_a_picture(tmp_path: Path, tar_of: Archive, *, wanted: bool) -> None:
    with pytest.raises(DataError, match="holds no picture"):
        list(pictures_in(tar_of(tmp_path / "a.tar", {"a.txt": b"x"}), Limits(), lambda _: wanted))
    path = tar_of(tmp_path / "b.tar", FILES)
    assert len(list(pictures_in(path, Limits(), lambda _: wanted))) == 2 * wanted


def test_links_and_large_pictures_are_problems(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        link = tarfile.TarInfo("../../etc/link.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
        large = tarfile.TarInfo("/large.jpg")
        large.size = 4096
        archive.addfile(large, io.BytesIO(bytes(4096)))
    found: list[Any] = list(pictures_in(tmp_path / "a.tar", Limits(max_entry_bytes=1000)))
    assert [(each.path, each.content) for each in found] == [
        ("etc/link.jpg", b""),
        ("large.jpg", b""),
    ]
    assert found[0].problem == "not a plain file"
    assert "`max_entry_bytes`" in found[1].problem


def test_what_is_no_archive(tmp_path: Path, picture: Callable[..., bytes]) -> None:
    for name, content in (
        ("a.jpg", b"PK\x03\x04"),
        ("picture", picture(1)),
        ("notes.txt", b"text"),
        ("empty", b""),
    ):
        (tmp_path / name).write_bytes(content)
        assert not is_picture_archive(tmp_path / name)
    (tmp_path / "folder.tar").mkdir()
    assert not is_picture_archive(tmp_path / "folder.tar")
    assert not is_picture_archive(tmp_path / "gone.tar")
    assert not is_parquet(tmp_path / "gone.parquet")


@pytest.mark.parametrize(
    "content", [b"", b"text", b"PK\x03\x04" + bytes(100), b"\x1f\x8b" + b"x" * 99]
)
@pytest.mark.parametrize("name", ["a.tar", "a.zip", "a.tgz"])
def test_damaged_archives(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert is_picture_archive(tmp_path / name)
    with pytest.raises(DataError, match=name):
        list(pictures_in(tmp_path / name, Limits()))
