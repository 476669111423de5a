import subprocess
import sys
from pathlib import Path

import pytest

from tools.release.package import require_clean, require_version, run, write_hashes
from utkage.core.errors import UsageError

CITATION = 'cff-version: 1.2.0\nversion: 1.2.0\ndate-released: "2026-12-01"\n'
CHANGELOG = "# Changelog\n\n## 1.2.0 - 2026-12-01\n\n* New.\n\n## 1.1.0 - 2026-11-01\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "CITATION.cff").write_text(CITATION)
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    return tmp_path


def test_equal_versions_and_dates_pass(root: Path) -> None:
    require_version(root, "1.2.0")


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("CHANGELOG.md", "1.2.0", "1.3.0", "first section is not of version 1.2.0"),
        ("CHANGELOG.md", "## 1.2.0 - 2026-12-01\n", "", "first section is not of version 1.2.0"),
        ("CHANGELOG.md", "2026-12-01", "unreleased", "is unreleased"),
        ("CITATION.cff", "\nversion: 1.2.0", "\nversion: 1.1.0", "`version` is not 1.2.0"),
        ("CITATION.cff", "2026-12-01", "2026-11-30", "`date-released` is not 2026-12-01"),
        ("CITATION.cff", "date-released", "date", "`date-released` is not 2026-12-01"),
    ],
)
def test_what_differs_is_named(root: Path, name: str, old: str, new: str, message: str) -> None:
    path = root / name
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(UsageError, match=message) as raised:
        require_version(root, "1.2.0")
    assert str(path) in str(raised.value)


def test_files_that_are_not_committed_are_named(root: Path) -> None:
    for command in (("init", "--quiet"), ("add", "CITATION.cff")):
        subprocess.run(["git", "-C", str(root), *command], check=True, capture_output=True)
    with pytest.raises(UsageError, match=r"CHANGELOG\.md"):
        require_clean(root)


def test_distributions_are_tried_without_the_modules_of_the_repository(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "colorsys.py").write_text("print('of the repository')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert not run(sys.executable, "-c", "import colorsys")


def test_sha256sum_accepts_the_hashes(tmp_path: Path) -> None:
    files = [tmp_path / "a.whl", tmp_path / "b.tar.gz"]
    for file in files:
        file.write_bytes(file.name.encode())
    write_hashes(files)
    done = subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=tmp_path, check=False)
    assert done.returncode == 0
