from pathlib import Path

import pytest

from utkage.core.errors import UsageError
from utkage.exporting.npm_files import npm_files


def test_files_of_a_package_are_found(tmp_path: Path) -> None:
    for name in ("a.js", "dist/b.wasm"):
        path = tmp_path / "thing" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    found = npm_files(tmp_path, "thing", "a.js", "dist/b.wasm")
    assert found == [tmp_path / "thing" / "a.js", tmp_path / "thing" / "dist" / "b.wasm"]


def test_a_missing_file_names_the_install_command(tmp_path: Path) -> None:
    (tmp_path / "thing" / "a.js").mkdir(parents=True)
    with pytest.raises(UsageError, match=r"thing.a\.js: no such file; run: npm install thing"):
        npm_files(tmp_path, "thing", "a.js")
