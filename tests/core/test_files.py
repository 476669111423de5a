import json
import os
import stat
from pathlib import Path

import pytest

from utkage.core.errors import UsageError
from utkage.core.files import file_hash, replacing, write_bytes, write_json, write_text


def test_the_new_file_appears_only_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.txt"
    write_text(path, "old")
    with replacing(path) as partial:
        partial.write_text("new")
        assert path.read_text() == "old"
        assert partial.parent == path.parent
        assert partial.suffix == ".txt"
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_exception_keeps_the_old_file_and_no_partial(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = tmp_path / "a.bin"
    write_bytes(path, b"old")

    def fail() -> None:
        with replacing(path) as partial:
            partial.write_bytes(b"half")
            raise error("stop")

    with pytest.raises(error):
        fail()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_writer_that_removed_its_partial_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    write_bytes(path, b"old")

    def lose() -> None:
        with replacing(path) as partial:
            partial.unlink()

    with pytest.raises(FileNotFoundError):
        lose()
    assert path.read_bytes() == b"old"


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_permissions_follow_the_umask(tmp_path: Path, umask: int, mode: int) -> None:
    path = tmp_path / "a.json"
    before = os.umask(umask)
    try:
        write_json(path, {"a": 1})
        assert os.umask(umask) == umask, "the umask itself must come back"
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"deep": [1, -float("inf")]}])
def test_json_has_null_in_place_of_nan_and_infinity(tmp_path: Path, value: object) -> None:
    path = tmp_path / "a.json"
    write_json(path, value)
    assert json.loads(path.read_text(), parse_constant=pytest.fail) in (None, {"deep": [1, None]})
    assert list(tmp_path.iterdir()) == [path]


def test_text_is_utf8_with_unchanged_line_endings(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "größe\r\nx\n")
    assert path.read_bytes() == "größe\r\nx\n".encode()
    write_json(path, {"name": "größe"})
    assert "größe" in path.read_text(encoding="utf-8")


def test_a_folder_is_not_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(OSError, match="folder"):
        write_bytes(folder, b"x")
    assert list(tmp_path.iterdir()) == [folder]


def test_a_device_without_end_is_not_hashed() -> None:
    with pytest.raises(UsageError, match=r"/dev/zero: is not a plain file"):
        file_hash(Path("/dev/zero"))


def test_a_file_that_is_replaced_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "private.json"
    path.touch(mode=0o600)
    write_json(path, {})
    assert path.stat().st_mode & 0o777 == 0o600
    with replacing(path) as partial:
        # Some writers make a file of their own.
        partial.unlink()
        partial.write_text("new")
    assert path.stat().st_mode & 0o777 == 0o600
