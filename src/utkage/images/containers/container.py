"""Containers of picture files (folders and archives), and the paths inside them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from utkage.images.formats import IMAGE_SUFFIXES

# Parts that are empty, or stand for a folder above or for none.
_UNCLEAN = re.compile(r"(?:^|/)\.{0,2}(?:/|$)")
NOT_PLAIN = "not a plain file"


@dataclass(frozen=True)
class RawFile:
    """One picture file of a container.

    Attributes:
        path: Relative path with ``/``, printable and without ``..``; never used for writing.
        content: Undecoded bytes; empty if there is a problem.
        position: Bytes of the container consumed so far.
        problem: Why the file cannot be read, or None.
    """

    path: str
    content: bytes
    position: int
    problem: str | None = None


class Container(Protocol):
    """A folder or an archive.

    ``paths``, ``files`` and ``read`` raise ``DataError`` if it is damaged or over a limit.
    """

    @property
    def path(self) -> Path:
        """Path of the folder or archive."""

    @property
    def name(self) -> str:
        """Name of the folder, or of the archive without its suffixes."""

    @property
    def total_bytes(self) -> int:
        """Upper bound of ``RawFile.position``."""

    def fingerprint(self) -> str:
        """Hex digits that change when the content changes."""

    def paths(self) -> tuple[str, ...]:
        """The paths of all files, pictures or not, in the order of ``files``."""

    def files(self) -> Iterator[RawFile]:
        """Yield every picture file (by suffix) once, in the same order on every run."""

    def read(self, path: str, max_bytes: int | None = None) -> bytes | None:
        """The content of a file such as a manifest; None if there is no such file.

        ``max_bytes`` replaces the limit for one picture.
        """


def clean_path(path: str) -> str:
    """The printable relative form of a path in a container or a manifest.

    Roots, ``.`` and ``..`` are removed. Control characters and bytes that are not UTF-8 (read as
    lone surrogates) become escapes, because they cannot be printed or written.
    """
    if path.isprintable() and _UNCLEAN.search(path) is None:
        return path
    parts = PurePosixPath(path).parts
    kept = "/".join(part for part in parts if part.strip("/") not in ("", ".", ".."))
    if kept.isprintable():
        return kept
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in kept
    )


def any_path(path: str) -> bool:
    """True: every path of a container is wanted."""
    return True


def file_name(path: str) -> str:
    """The last part of a clean path, without its folders."""
    return path.rpartition("/")[2]


def is_hidden(path: str) -> bool:
    """Whether the file was added by the operating system, such as ``._`` files of macOS."""
    return file_name(path).startswith(".")


def is_picture_path(path: str) -> bool:
    """Whether the file has the suffix of a picture and is not hidden."""
    return path.lower().endswith(IMAGE_SUFFIXES) and not is_hidden(path)


def top_folder(paths: tuple[str, ...]) -> str:
    """The folder that contains all files, or an empty string if there is no such folder."""
    tops = {
        path.partition("/")[0] if "/" in path else ""
        for path in paths
        if not is_hidden(path) and not path.startswith("__MACOSX/")
    }
    return tops.pop() if len(tops) == 1 else ""
