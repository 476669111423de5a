from pathlib import Path

import pytest

from utkage.core.errors import UsageError
from utkage.core.locks import exclusive


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
