"""The files below a folder: links are followed once, and what cannot be read is reported."""

from __future__ import annotations

import os
import unicodedata
from collections import deque
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class FolderListing:
    """The content of a folder and its subfolders, in no particular order.

    Attributes:
        files: Everything that is not a folder: files, and also devices and broken links.
        unreadable: Folders that cannot be read, and why.
        links: Linked folders that were not entered because links are not followed.
    """

    files: tuple[Path, ...]
    unreadable: tuple[tuple[Path, str], ...]
    links: tuple[Path, ...]


def list_folder(
    root: Path, *, follow_links: bool = True, hidden: bool = True, max_files: int | None = None
) -> FolderListing:
    """List a folder and everything below it.

    Args:
        root: The folder.
        follow_links: Whether linked folders are entered. Each folder is listed once, and links to
            a folder that contains ``root`` are ignored, so links cannot form a loop.
        hidden: Whether folders whose names begin with a dot are entered.
        max_files: Number of files after which the listing ends.
    """
    files: list[Path] = []
    unreadable: list[tuple[Path, str]] = []
    skipped: list[Path] = []
    # Folders come before links to them, so that files keep the path without a link.
    folders, links = deque([root]), deque[Path]()
    seen = {_identity(parent) for parent in root.resolve().parents}
    while (folders or links) and (max_files is None or len(files) <= max_files):
        folder = folders.popleft() if folders else links.popleft()
        identity = _identity(folder)
        if identity is not None and identity in seen:
            continue
        seen.add(identity)
        try:
            with os.scandir(folder) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError as error:
            unreadable.append((folder, f"folder cannot be read ({error.strerror})"))
            continue
        for entry in entries:
            path = folder / entry.name
            if not _is_folder(entry):
                files.append(path)
            elif hidden or not entry.name.startswith("."):
                if not entry.is_symlink():
                    folders.append(path)
                else:
                    (links if follow_links else skipped).append(path)
    return FolderListing(tuple(files), tuple(unreadable), tuple(skipped))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """As ``is_folder``; listing has told the kind of entries that are no links."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def is_folder(path: Path) -> bool:
    """Whether a path is a folder; False if its name is too long, or a parent is unreadable."""
    try:
        return path.is_dir()
    except OSError:
        return False


def as_on_disk(path: Path) -> Path:
    """The path as it is spelled on disk.

    Two systems may compose the letter é differently, so a name from one is not found on the other.
    A path that exists, or that nothing resembles, is returned unchanged.
    """
    if os.path.lexists(path) or str(path).isascii():
        return path
    found = Path(path.anchor)
    for part in path.relative_to(path.anchor).parts:
        found = _child(found, part)
    return found if os.path.lexists(found) else path


def _child(folder: Path, name: str) -> Path:
    if name.isascii() or os.path.lexists(folder / name):
        return folder / name
    wanted = unicodedata.normalize("NFC", name)
    try:
        names = [child.name for child in folder.iterdir()]
    except OSError:
        names = []
    alike = (other for other in names if unicodedata.normalize("NFC", other) == wanted)
    return folder / next(alike, name)


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
