from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from utkage.core import locks
from utkage.core.errors import UsageError
from utkage.core.locks import exclusive

POSIX = pytest.mark.skipif(os.name == "nt", reason="files of POSIX")


def test_one_holder_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    with exclusive(path, "the set"), pytest.raises(UsageError, match="the set: another utkage"):
        exclusive(path, "the set").__enter__()
    with exclusive(path, "the set"):
        pass


def test_an_error_releases_the_lock(tmp_path: Path) -> None:
    path = tmp_path / ".lock"

    def fail() -> None:
        with exclusive(path, "x"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    with exclusive(path, "x"):
        pass
    assert list(tmp_path.iterdir()) == []


HOLDER = """
import sys, time
from pathlib import Path
from utkage.core.locks import exclusive
with exclusive(Path(sys.argv[1]), "x"):
    print("ready", flush=True)
    time.sleep(60)
"""


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, path], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    with holder.stdout:
        assert holder.stdout.readline() == b"ready\n"
        with pytest.raises(UsageError, match="another utkage"), exclusive(path, "x"):
            pass
        holder.kill()
        holder.wait()
    assert path.exists(), "the killed process could not remove it"
    with exclusive(path, "x"):
        pass
    assert not path.exists()


@POSIX
@pytest.mark.parametrize("there", [True, False])
def test_a_link_is_not_followed(tmp_path: Path, there: bool) -> None:
    path, target = tmp_path / ".lock", tmp_path / "mine.txt"
    if there:
        target.write_text("mine")
    path.symlink_to(target)
    with pytest.raises(UsageError, match=r"its lock .*\.lock is a symbolic link; remove it"):
        exclusive(path, "x").__enter__()
    assert path.is_symlink()
    assert target.exists() == there


@POSIX
def test_a_link_that_is_made_a_moment_ago_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, target = tmp_path / ".lock", tmp_path / "mine.txt"
    path.symlink_to(target)
    monkeypatch.setattr(Path, "is_symlink", lambda path: False)
    with pytest.raises(UsageError, match="is no file"):
        exclusive(path, "x").__enter__()
    assert not target.exists()


def test_a_folder_is_no_lock(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    path.mkdir()
    with pytest.raises(UsageError, match=r"its lock .*\.lock is a folder; remove it"):
        exclusive(path, "x").__enter__()
    assert path.is_dir()


@POSIX
def test_a_pipe_is_no_lock(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    os.mkfifo(path)
    with pytest.raises(UsageError, match="is no file"):
        exclusive(path, "x").__enter__()
    assert path.exists()


def test_a_file_of_another_program_stays(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    path.write_text("somebody else's")
    with exclusive(path, "x"):
        pass
    assert path.read_text() == "somebody else's"


def test_a_holder_that_ends_meanwhile_takes_its_file_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, whole, calls = tmp_path / ".lock", locks.lock_handle, []

    def lock(handle: int) -> None:
        whole(handle)
        calls.append(handle)
        if len(calls) == 1:
            path.unlink()

    monkeypatch.setattr(locks, "lock_handle", lock)
    with exclusive(path, "x"):
        assert len(calls) == 2
        monkeypatch.setattr(locks, "lock_handle", whole)
        with pytest.raises(UsageError, match="another utkage"):
            exclusive(path, "x").__enter__()


@POSIX
@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS])
def test_without_locks_in_the_folder_that_of_the_system_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    folder, system, whole = tmp_path / "network", tmp_path / "system", locks.lock_handle
    for path in (folder, system):
        path.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(system))

    def lock(handle: int) -> None:
        if (folder / ".lock").exists() and os.path.sameopenfile(
            handle, os.open(folder / ".lock", os.O_RDONLY)
        ):
            raise OSError(number, "no locks here")
        whole(handle)

    monkeypatch.setattr(locks, "lock_handle", lock)
    with exclusive(folder / ".lock", "x"):
        assert list(folder.iterdir()) == []
        (substitute,) = system.iterdir()
        for other in (folder / ".lock", folder / ".." / "network" / ".lock"):
            with pytest.raises(UsageError, match="another utkage"):
                exclusive(other, "x").__enter__()
        with exclusive(folder / ".other.lock", "y"):
            pass
    assert not substitute.exists()
