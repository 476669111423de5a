"""What holds picture files, whatever it is made of; and how names inside it are read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from utkage.images.formats import IMAGE_SUFFIXES

NOT_PLAIN = "not a plain file"


@dataclass(frozen=True)
class RawFile:
    """One picture file of a container.

    Attributes:
        path: Relative, with ``/``; printable, without ``..``. Never used to write anything.
        content: The undecoded bytes; empty when ``problem`` is set.
        position: Bytes of the container consumed so far.
        problem: Why the file cannot be read, or None.
    """

    path: str
    content: bytes
    position: int
    problem: str | None = None


class Container(Protocol):
    """A folder or an archive."""

    @property
    def path(self) -> Path:
        """Where it lies."""

    @property
    def name(self) -> str:
        """Short name: that of the folder, or of the archive without its suffixes."""

    @property
    def total_bytes(self) -> int:
        """Where ``RawFile.position`` ends, at most."""

    def fingerprint(self) -> str:
        """Hex digits that change when the content changes."""

    def paths(self) -> tuple[str, ...]:
        """The paths of all files, pictures or not, in the order of ``files``."""

    def files(self) -> Iterator[RawFile]:
        """Yield every picture file (by suffix) once, in an order that never changes."""

    def read(self, path: str) -> bytes | None:
        """Content of a small side file such as a manifest; None where there is no such file."""


def clean_path(path: str) -> str:
    """The printable relative form of a path as it stands in a container or a manifest.

    Roots, ``.`` and ``..`` are left out; bytes that are not UTF-8 (which arrive as lone
    surrogates) and control characters become escapes, as nothing could print or write them.
    """
    parts = PurePosixPath(path).parts
    kept = "/".join(part for part in parts if part.strip("/") not in ("", ".", ".."))
    if kept.isprintable():
        return kept
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in kept
    )


def file_name(path: str) -> str:
    """The last part of a clean path."""
    return path.rpartition("/")[2]


def is_hidden(path: str) -> bool:
    """Whether the file is one of those that systems add, such as the ``._`` files of macOS."""
    return file_name(path).startswith(".")


def is_picture(path: str) -> bool:
    """Whether the suffix is that of a picture, and the file is not hidden."""
    return path.lower().endswith(IMAGE_SUFFIXES) and not is_hidden(path)


def top_folder(paths: tuple[str, ...]) -> str:
    """The one folder that everything lies in, or an empty string where there is none."""
    tops = {
        path.partition("/")[0] if "/" in path else ""
        for path in paths
        if not is_hidden(path) and not path.startswith("__MACOSX/")
    }
    return tops.pop() if len(tops) == 1 else ""
