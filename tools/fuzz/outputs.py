"""What an interrupted command may leave: complete files only, and nothing after the next run."""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from PIL import Image

FOREIGN = ".notes.0123456789abcdef.partial.txt"
"""A file of somebody else, whose name is nearly that of a temporary file."""

Files = dict[str, bytes]


def read_files(folder: Path) -> Files:
    """The content of every file below a folder, by its path there."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def is_hidden(name: str) -> bool:
    """Whether a file has the name of a lock or a temporary file."""
    return any(part.startswith(".") or ".partial" in part for part in Path(name).parts)


def damaged_files(folder: Path) -> list[str]:
    """Files with final names that are not complete, and why."""
    found = []
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        check = _CHECKS.get(path.suffix)
        if is_hidden(name) or not path.is_file() or check is None:
            continue
        try:
            check(path)
        except Exception as error:  # Every library has errors of its own.
            found.append(f"{name}: {type(error).__name__}: {error}")
    return found


def _check_json(path: Path) -> None:
    json.loads(path.read_text("utf-8"))


def _check_lines(path: Path) -> None:
    text = path.read_text("utf-8")
    for line in text.splitlines():
        json.loads(line)
    if text and not text.endswith("\n"):
        raise ValueError("its last line has no end")


def _check_csv(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        widths = {len(row) for row in csv.reader(file)}
    if len(widths) != 1 or not path.read_bytes().endswith(b"\n"):
        raise ValueError(f"rows of {sorted(widths)} cells")


def _check_picture(path: Path) -> None:
    with Image.open(path) as picture:
        picture.load()


def _check_archive(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        if archive.testzip() is not None:
            raise ValueError("a member is damaged")


def _check_tensors(path: Path) -> None:
    from safetensors import safe_open

    with safe_open(path, "numpy"):
        pass


def _check_parquet(path: Path) -> None:
    import pyarrow.parquet

    pyarrow.parquet.read_table(path)


def _check_page(path: Path) -> None:
    if not path.read_text("utf-8").rstrip().endswith("</html>"):
        raise ValueError("its end is missing")


_CHECKS: Mapping[str, Callable[[Path], None]] = {
    ".json": _check_json,
    ".jsonl": _check_lines,
    ".csv": _check_csv,
    ".jpg": _check_picture,
    ".png": _check_picture,
    ".pt": _check_archive,
    ".torchscript": _check_archive,
    ".parquet": _check_parquet,
    ".safetensors": _check_tensors,
    ".html": _check_page,
}
