"""From files, folders and patterns to lists of pictures and videos, and what was skipped."""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from utkage.core.errors import UsageError
from utkage.core.text import counted
from utkage.images.containers.picture_files import ARCHIVE_SUFFIXES, is_picture_archive
from utkage.images.folders import as_on_disk, is_folder, list_folder
from utkage.images.formats import IMAGE_SUFFIXES, SIGNATURE_BYTES, is_picture, is_raw
from utkage.images.video_formats import VIDEO_SUFFIXES, is_video_file

PICTURE, VIDEO, ARCHIVE, LINKED_FOLDER = "picture", "video", "archive", "linked folder"
_WILDCARD = re.compile(r"[*?\[]")
# What to do about the kinds that can be read in another way.
_ADVICE = {ARCHIVE: "; name it, or use a pattern"}


@dataclass(frozen=True)
class FoundFile:
    """A file to read, or a folder that cannot be read.

    Attributes:
        path: The path.
        problem: Why it cannot be read, or None.
        is_video: Whether it is a video, as far as that was looked at.
        root: The folder that was given, or the folder in which a pattern was looked for; None for a
            file that was named itself.
        is_archive: Whether the file holds pictures: an archive or Parquet.
    """

    path: Path
    problem: str | None = None
    is_video: bool = False
    root: Path | None = None
    is_archive: bool = False

    @property
    def key(self) -> str:
        """The path, with ``/``, relative to what was given, so that folders may have moved."""
        if self.root is not None:
            return self.path.relative_to(self.root).as_posix()
        return self.path.name if self.is_archive else self.path.as_posix()


class Skipped:
    """Counts the files that were skipped in folders and patterns, by their kind."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._first: dict[str, str] = {}

    def add(self, kind: str, path: Path) -> None:
        """Count a path of a kind, such as ``"other file"``."""
        self._counts[kind] += 1
        self._first[kind] = min(self._first.get(kind, path.name), path.name)

    @property
    def note(self) -> str:
        """One line such as ``skipped 2 videos (a.mp4, ...), 1 hidden file (.a)``, or nothing."""
        parts = [
            f"{counted(count, kind)} ({self._first[kind]}{', ...' if count > 1 else ''}"
            f"{_ADVICE.get(kind, '')})"
            for kind, count in self._counts.most_common()
        ]
        return f"skipped {', '.join(parts)}" if parts else ""


@dataclass(frozen=True)
class FileList:
    """The files that inputs stand for, in order, each once.

    Attributes:
        files: The pictures.
        videos: The videos, if they are wanted.
        note: What was skipped, in one line, or nothing.
    """

    files: tuple[FoundFile, ...]
    videos: tuple[FoundFile, ...] = ()
    note: str = ""


def expand_inputs(
    inputs: Sequence[str | Path], suffixes: tuple[str, ...] = IMAGE_SUFFIXES
) -> list[Path]:
    """The paths of ``list_inputs``."""
    return [found.path for found in list_inputs(inputs, suffixes).files]


def list_inputs(
    inputs: Sequence[str | Path],
    suffixes: tuple[str, ...] = IMAGE_SUFFIXES,
    *,
    follow_links: bool = True,
    videos: bool = False,
) -> FileList:
    """List the picture files named by ``inputs``, in the order given, each once.

    * A path that is not a folder is listed as it is. It may not exist: the caller reports that
      among its results.
    * A folder contributes the files in it and below with one of the lower-case ``suffixes``, in
      natural order (2 before 10), and those with other suffixes that begin like a picture. Names
      that begin with a dot are skipped. Linked folders are entered once if ``follow_links``. A
      subfolder that cannot be read is listed with the reason.
    * A path with ``*``, ``?`` or ``[`` that does not exist is a pattern (``**`` for any depth).
      It contributes the pictures, folders, archives and Parquet files that it matches.
    * Archives and Parquet files hold pictures if they are named or match a pattern. Those in
      folders are skipped.

    With ``videos``, those that are named with the suffix of a video, and all in folders and
    patterns, are listed as well; without, those in folders and patterns are skipped.

    Raises:
        UsageError: a folder or a pattern contains no picture, and no video if they are wanted.
    """
    found: dict[str, FoundFile] = {}
    search = _Search(suffixes, follow_links, videos)
    for path in dict.fromkeys(map(Path, inputs)):
        for file in search.expand(path):
            found.setdefault(os.path.normcase(file.path.absolute()), file)
    return FileList(
        tuple(file for file in found.values() if not file.is_video),
        tuple(file for file in found.values() if file.is_video),
        search.skipped.note,
    )


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key that orders digits as numbers: ``a2`` comes before ``a10``."""
    parts = re.findall(r"[0-9]+|[^0-9]+", text)
    # The text itself is the last part, so that 'a1', 'a01' and 'A1' have a fixed order. Its leading
    # -1 is below every other number, so that 'a1' comes before 'a1b'.
    numbers = (
        (0, int(part), "") if part[0] in "0123456789" else (1, 0, part.casefold()) for part in parts
    )
    return (*numbers, (-1, 0, text))


@dataclass(frozen=True)
class _Search:
    """How folders are searched, and what was skipped so far."""

    suffixes: tuple[str, ...]
    follow_links: bool
    videos: bool
    skipped: Skipped = field(default_factory=Skipped)

    def expand(self, path: Path) -> list[FoundFile]:
        path = as_on_disk(path)
        # The deepest folder that exists is taken literally, so that its name may hold brackets.
        parents = (parent for parent in path.parents if is_folder(parent))
        base = next(parents, Path(path.anchor))
        if is_folder(path):
            files, problem = self._in_folder(path), "no file to read in this folder"
        elif os.path.lexists(path) or _WILDCARD.search(str(path.relative_to(base))) is None:
            is_archive = self._holds_pictures(path)
            is_video = not is_archive and self._is_named_video(path)
            return [FoundFile(path, is_video=is_video, is_archive=is_archive)]
        else:
            files, problem = self._matching(path, base), "the pattern matches no file to read"
        if not files:
            raise UsageError("; ".join(filter(None, (f"{path}: {problem}", self.skipped.note))))
        return files

    def _in_folder(self, folder: Path) -> list[FoundFile]:
        listing = list_folder(folder, follow_links=self.follow_links, hidden=False)
        found = [file for path in listing.files for file in self._wanted(path, folder)]
        found += [
            FoundFile(path, f"{path}: {problem}", root=folder)
            for path, problem in listing.unreadable
        ]
        for path in listing.links:
            self.skipped.add(LINKED_FOLDER, path)
        return sorted(found, key=lambda file: _path_key(file.path.relative_to(folder)))

    def _matching(self, pattern: Path, base: Path) -> list[FoundFile]:
        rest = pattern.relative_to(base)
        try:
            matches = [path for path in base.glob(str(rest)) if not _hidden(path.relative_to(base))]
        except (ValueError, NotImplementedError) as error:
            raise UsageError(f"{pattern}: not a valid pattern ({error})") from error
        files: list[FoundFile] = []
        for path in sorted(matches, key=lambda path: _path_key(path.relative_to(base))):
            if is_folder(path):
                files.extend(replace(file, root=base) for file in self._in_folder(path))
            elif self._holds_pictures(path):
                files.append(FoundFile(path, root=base, is_archive=True))
            else:
                files.extend(self._wanted(path, base))
        return files

    def _holds_pictures(self, path: Path) -> bool:
        return self.suffixes == IMAGE_SUFFIXES and is_picture_archive(path)

    def _is_named_video(self, path: Path) -> bool:
        # The content of other names is looked at when they are read.
        return self.videos and path.suffix.lower() in VIDEO_SUFFIXES and is_video_file(path)

    def _wanted(self, path: Path, root: Path) -> list[FoundFile]:
        """The file, or nothing if it is skipped."""
        kind = kind_of_file(path, self.suffixes)
        if kind == PICTURE or (kind == VIDEO and self.videos):
            return [FoundFile(path, is_video=kind == VIDEO, root=root)]
        self.skipped.add(kind, path)
        return []


def kind_of_file(path: Path, suffixes: tuple[str, ...] = IMAGE_SUFFIXES) -> str:
    """What a file in a folder is: ``PICTURE``, ``VIDEO``, or a kind that is always skipped.

    ``suffixes`` as in ``list_inputs``.
    """
    name = path.name.lower()
    if name.startswith("."):
        return "hidden file"
    if name.endswith(suffixes):
        return PICTURE
    if is_raw(name):
        return "raw photograph"
    if name.endswith(ARCHIVE_SUFFIXES):
        return ARCHIVE
    if suffixes == IMAGE_SUFFIXES and begins_like_picture(path):
        return PICTURE
    return VIDEO if is_video_file(path) else "other file"


def begins_like_picture(path: Path) -> bool:
    """Whether a file has the first bytes of a picture; False for pipes, devices and folders."""
    try:
        # Opening a pipe without a writer would wait for ever.
        if not stat.S_ISREG(path.stat().st_mode):
            return False
        with path.open("rb") as file:
            return is_picture(file.read(SIGNATURE_BYTES))
    except OSError:
        return False


def _path_key(path: Path) -> tuple[tuple[tuple[int, int, str], ...], ...]:
    return tuple(natural_key(part) for part in path.parts)


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") and part not in (".", "..") for part in path.parts)
