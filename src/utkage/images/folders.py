"""The files below a folder: as a list that follows links, or one after the other in order."""

from __future__ import annotations

import os
import unicodedata
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Name, whether it is a folder, and whether it is a link.
_Entry = tuple[str, bool, bool]


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
            entries = _entries(folder)
        except OSError as error:
            unreadable.append((folder, _problem(error)))
            continue
        for name, is_folder, is_link in sorted(entries):
            path = folder / name
            if not is_folder:
                files.append(path)
            elif hidden or not name.startswith("."):
                if not is_link:
                    folders.append(path)
                else:
                    (links if follow_links else skipped).append(path)
    return FolderListing(tuple(files), tuple(unreadable), tuple(skipped))


def walk_folder(
    root: Path,
    order: Callable[[str], Any],
    on_unreadable: Callable[[Path, str], None],
    *,
    on_link: Callable[[Path], None] | None = None,
) -> Iterator[Path]:
    """Yield the files below a folder in order, with the entries of one folder per level in memory.

    Folders whose names begin with a dot are not entered. Linked folders are, as in ``list_folder``;
    where several links lead to one folder, the first in order is taken.

    Args:
        root: The folder.
        order: Sort key of names; the files of a subfolder come where its name stands.
        on_unreadable: Receives each folder that cannot be read, and why.
        on_link: Receives each linked folder, none of which is entered then; None enters them.
    """
    real = root.resolve()
    # Folders around the root, and those that links have led to.
    seen = {_identity(parent) for parent in real.parents}

    def listed(folder: Path, is_linked: bool) -> Iterator[tuple[Path, bool, _Entry]]:
        try:
            entries = sorted(_entries(folder), key=lambda entry: order(entry[0]))
        except OSError as error:
            on_unreadable(folder, _problem(error))
            return
        for entry in entries:
            yield folder, is_linked, entry

    # The rest of each folder on the way to the present one; recursion has a limit.
    stack = [listed(root, False)]
    while stack:
        found = next(stack[-1], None)
        if found is None:
            stack.pop()
            continue
        folder, is_linked, (name, is_folder, is_link) = found
        path = folder / name
        if not is_folder:
            yield path
        elif name.startswith("."):
            continue
        elif is_link and on_link is not None:
            on_link(path)
        elif is_link or is_linked:
            identity = _identity(path)
            if identity not in seen and not _is_listed(path.resolve(), real):
                seen.add(identity)
                stack.append(listed(path, True))
        else:
            stack.append(listed(path, False))


def _is_listed(folder: Path, root: Path) -> bool:
    """Whether a walk enters a folder under its own path, without a link."""
    if not folder.is_relative_to(root):
        return False
    return not any(part.startswith(".") for part in folder.relative_to(root).parts)


def _entries(folder: Path) -> list[_Entry]:
    """What a folder holds; a link to a folder is one, too. Raises OSError."""
    with os.scandir(folder) as scan:
        return [(found.name, _is_folder(found), found.is_symlink()) for found in scan]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """As ``is_folder``; listing has told the kind of entries that are no links."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _problem(error: OSError) -> str:
    return f"folder cannot be read ({error.strerror})"


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
