import contextlib
import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from progress_recorder import ProgressRecorder
from source_files import read_entries

from utkage.core.errors import ConfigError, DataError
from utkage.data.sources.base import Entry
from utkage.data.sources.options import SourceOptions
from utkage.data.sources.registry import open_source
from utkage.images.containers.limits import RATIO_FREE_BYTES, Budget, Limits
from utkage.images.containers.picture_files import pictures_in

Archive = Callable[..., Path]


Folder = Callable[[Path, Mapping[str, bytes]], Path]


def read(path: Path, **limits: Any) -> list[Entry]:
    return list(open_source(path, SourceOptions(limits=Limits(**limits))).entries())


@pytest.fixture(params=["tar", "tar.gz", "zip", "folder"])
def ten(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    tar_of: Archive,
    zip_of: Archive,
    write_folder: Folder,
) -> Path:
    files = {f"{age}_0_0_{age}.jpg": bytes(1000) for age in range(10)}
    path = tmp_path / f"ten.{request.param}"
    if request.param == "folder":
        return write_folder(path, files)
    if request.param == "zip":
        return zip_of(path, files)
    return tar_of(path, files, "w:gz" if request.param == "tar.gz" else "w")


def test_limits_stop_with_the_option_that_raises_them(ten: Path) -> None:
    assert len(read(ten, max_entries=10)) == 10
    with pytest.raises(DataError, match=r"ten\.[a-z.]+: more than 9 entries.*`max_entries`"):
        read(ten, max_entries=9)
    with pytest.raises(DataError, match=r"more than 9999 bytes unpacked.*`max_total_bytes`"):
        read(ten, max_total_bytes=9999)
    large = read(ten, max_entry_bytes=999)
    assert len(large) == 10
    assert all("`max_entry_bytes`" in str(entry.problem) for entry in large)


@pytest.mark.parametrize("name", list(vars(Limits())))
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_limits_are_checked(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=name):
        Limits(**{name: value})  # type: ignore[arg-type]


def test_the_ratio_counts_above_some_megabytes_only() -> None:
    limits = Limits(max_ratio=10)
    budget = Budget(limits, Path("a"), 100)
    budget.count_bytes(RATIO_FREE_BYTES)
    with pytest.raises(DataError, match=r"unpacks to more than 10 times its size.*`max_ratio`"):
        budget.count_bytes(1)
    budget = Budget(limits, Path("a"), RATIO_FREE_BYTES)
    budget.count_bytes(RATIO_FREE_BYTES + 1)
    with pytest.raises(DataError, match="`max_ratio`"):
        budget.check_ratio(1000)
    Budget(limits, Path("a")).count_bytes(10 * RATIO_FREE_BYTES)


def gzip_bomb(path: Path, name: str, size: int) -> Path:
    member = tarfile.TarInfo(name)
    member.size = size
    with gzip.open(path, "wb", 1) as stream:
        stream.write(member.tobuf())
        # Far less than the header claims: nobody may come to the point of missing it.
        stream.write(bytes(1024**2))
    return path


@pytest.mark.parametrize("name", ["1_0_0_1.jpg", "huge.bin", "labels.csv"])
def test_a_gzip_of_zeros_is_refused_by_its_header(tmp_path: Path, name: str) -> None:
    path = gzip_bomb(tmp_path / "a.tar.gz", name, 8 * 1024**3)
    with pytest.raises(DataError, match="`max_ratio`"):
        read(path)


def test_many_members_of_zeros(tmp_path: Path) -> None:
    member = tarfile.TarInfo("1_0_0_1.jpg")
    member.size = 1024**2
    path = tmp_path / "a.tar.gz"
    with gzip.open(path, "wb", 1) as stream:
        for _ in range(40):
            stream.write(member.tobuf() + bytes(1024**2))
    with pytest.raises(DataError, match=f"{path.name}: unpacks to more than .*`max_ratio`"):
        read(path, max_ratio=100)


def test_zeros_without_any_member(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(bytes(8 * 1024**2), 1))
    # Python 3.10 does not take this for an archive, later ones for an empty one.
    with contextlib.suppress(DataError):
        assert read(path) == []


def test_a_zip_with_a_huge_ratio(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for age in range(3):
            archive.writestr(f"{age}_0_0_1.jpg", bytes(8 * 1024**2))
    with pytest.raises(DataError, match="`max_ratio`"):
        read(path)
    assert len(read(path, max_ratio=10_000)) == 3


def test_a_sparse_member_counts_as_large_as_it_unpacks(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo("1_0_0_1.jpg")
        member.pax_headers = {
            "GNU.sparse.major": "0",
            "GNU.sparse.minor": "1",
            "GNU.sparse.map": "0,0",
            "GNU.sparse.size": str(40 * 1024**2),
            "GNU.sparse.realsize": str(40 * 1024**2),
        }
        archive.addfile(member)
    with pytest.raises(DataError, match="`max_ratio`"):
        read(path)


def test_over_size_members_of_zip_and_folder(
    tmp_path: Path, write_folder: Folder, zip_of: Archive
) -> None:
    files = {"1_0_0_1.jpg": b"x" * 101, "2_0_0_2.jpg": b"x" * 100}
    for path in (zip_of(tmp_path / "a.zip", files), write_folder(tmp_path / "a", files)):
        large, fine = read_entries(path, Limits(max_entry_bytes=100))
        assert "101 bytes is over the limit of 100" in str(large.problem)
        assert large.content == b""
        assert fine.problem is None
        assert len(fine.content) == 100


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_an_archive_of_very_many_empty_members_is_refused_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tar_of: Archive, zip_of: Archive, kind: str
) -> None:
    monkeypatch.setattr("utkage.images.containers.limits.MANY_MEMBERS", 100)
    empty = {f"{number}_0_0_1.jpg": b"" for number in range(90)}
    full = {f"{number}_1_0_1.jpg": bytes(1000) for number in range(90)}

    def archive(name: str, files: Mapping[str, bytes]) -> Path:
        path = tmp_path / f"{name}.{kind}"
        return zip_of(path, files) if kind == "zip" else tar_of(path, files, "w")

    assert len(read(archive("few", empty))) == 90
    assert len(read(archive("mixed", {**full, **empty}))) == 180
    more = {f"{number}_0_0_2.jpg": b"" for number in range(90)}
    with pytest.raises(DataError, match="more than 100 entries, nearly all of them empty"):
        read(archive("many", {**empty, **more}))


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_an_archive_that_begins_with_many_empty_pictures_is_not_read_on(
    tmp_path: Path, tar_of: Archive, zip_of: Archive, kind: str
) -> None:
    def found(files: Mapping[str, bytes]) -> int:
        path = tmp_path / f"a.{kind}"
        (zip_of if kind == "zip" else tar_of)(path, files)
        count = 0
        for _ in pictures_in(path, Limits()):
            count += 1
        return count

    empty = {f"{number}.jpg": b"" for number in range(1000)}
    assert found(empty) == 1000
    assert found({**empty, "a.txt": b"", "a.jpg": bytes(100_000), "b.jpg": b""}) == 1002
    with pytest.raises(DataError, match="its first 1000 pictures are empty or have hardly any"):
        found({**empty, "a.txt": b"", "b.jpg": b"GIF89a"})


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_scanning_an_archive_shows_its_progress(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tar_of: Archive, zip_of: Archive, kind: str
) -> None:
    monkeypatch.setattr("utkage.images.containers.archive._MEMBERS_PER_STEP", 10)
    files = {f"{number}_0_0_1.jpg": bytes(1000) for number in range(90)}
    path = tmp_path / f"a.{kind}"
    (zip_of if kind == "zip" else tar_of)(path, files)
    recorder = ProgressRecorder()
    open_source(path, reporter=recorder)
    assert len(recorder.positions) >= 9
    assert recorder.positions == sorted(recorder.positions)
    assert 0 < recorder.positions[-1] <= path.stat().st_size


def test_very_many_members_that_are_hardly_packed_at_all_are_refused_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("utkage.images.containers.limits.MANY_MEMBERS", 200)
    path = tmp_path / "a.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for number in range(3000):
            member = tarfile.TarInfo(f"{number % 100}_0_0_1.jpg")
            member.size = 100
            archive.addfile(member, io.BytesIO(bytes(100)))
    assert path.stat().st_size < 64 * 3000
    with pytest.raises(DataError, match="nearly all of them empty or with hardly any content"):
        read(path)
