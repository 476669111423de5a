from __future__ import annotations

import pytest

from utkage.cluster.job_folder import PLAN, JobFolder
from utkage.core.errors import DataError, UsageError

WANTED = {"settings": {"interval": 0.8}, "sources": []}


def test_a_job_resumes_only_as_it_was(tmp_path):
    folder = JobFolder(tmp_path / "out")
    folder.require_usable(resume=False)
    with folder.held(resume=True):
        assert folder.plan() is None
        folder.write_plan(WANTED)
        folder.write_plan(WANTED)
        with pytest.raises(UsageError, match="begun with another value of settings; repeat"):
            folder.write_plan({**WANTED, "settings": {"interval": 0.9}})
    # Nothing was predicted yet, so another job may begin.
    folder.require_usable(resume=False)
    folder.rows_file(0).write_bytes(b"PAR1")
    with pytest.raises(UsageError, match="resume=True"), folder.held(resume=False):
        pass
    folder.require_usable(resume=True)
    folder.rows_file(0).unlink()
    folder.attempts_file(0).parent.mkdir()
    folder.attempts_file(0).write_text("start\n")
    with folder.held(resume=False):
        assert folder.plan() is None
        assert not folder.attempts_file(0).exists()


def test_a_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    for resume in (False, True):
        with pytest.raises(UsageError, match=r"holds other files \(mine.txt\)"):
            JobFolder(tmp_path).require_usable(resume=resume)
    with pytest.raises(UsageError, match="is a file"):
        JobFolder(tmp_path / "mine.txt").require_usable(resume=False)


def test_two_commands_do_not_write_one_job(tmp_path):
    with (
        JobFolder(tmp_path / "out").held(resume=True),
        pytest.raises(UsageError, match="another utkage is writing"),
        JobFolder(tmp_path / "out").held(resume=True),
    ):
        pass


def test_unfinished_files_of_killed_workers_are_removed(tmp_path):
    partial = tmp_path / ".rows-000003.0123456789abcdef.partial.parquet"
    other = tmp_path / ".other.0123456789abcdef.partial.parquet"
    other.write_bytes(b"")
    partial.write_bytes(b"PAR1")
    with JobFolder(tmp_path).held(resume=True):
        assert not partial.exists()
        partial.write_bytes(b"PAR1")
    assert not partial.exists()
    assert other.exists()


@pytest.mark.parametrize("content", [b"{", b"[]"], ids=["text", "list"])
def test_a_damaged_plan_is_one_line(tmp_path, content):
    (tmp_path / PLAN).write_bytes(content)
    with pytest.raises(DataError, match=PLAN):
        JobFolder(tmp_path).plan()
