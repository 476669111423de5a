"""From files, folders and patterns to a list of picture files."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from utkage.core.errors import UsageError
from utkage.images.formats import IMAGE_SUFFIXES

_WILDCARD = re.compile(r"[*?\[]")


def expand_inputs(
    inputs: Sequence[str | Path], suffixes: tuple[str, ...] = IMAGE_SUFFIXES
) -> list[Path]:
    """List the picture files named by ``inputs``, in the order given, each once.

    * A path that is not a folder is listed as it is. It may not exist: the caller reports that
      among its results.
    * A folder contributes the files in it and below with one of the lower-case ``suffixes``, in
      natural order (2 before 10). Names that begin with a dot are skipped, and linked folders are
      not entered.
    * A path with ``*``, ``?`` or ``[`` that does not exist is a pattern (``**`` for any depth).
      It contributes the pictures and folders that it matches.

    Raises:
        UsageError: a folder or a pattern contains no picture, or a folder cannot be read.
    """
    found: dict[str, Path] = {}
    for given in inputs:
        for path in _expand(Path(given), suffixes):
            found.setdefault(os.path.normcase(path.absolute()), path)
    return list(found.values())


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key that orders digits as numbers: ``a2`` comes before ``a10``."""
    parts = re.findall(r"[0-9]+|[^0-9]+", text)
    # The text itself is the last part, so that 'a1', 'a01' and 'A1' have a fixed order. Its leading
    # -1 is below every other number, so that 'a1' comes before 'a1b'.
    numbers = (
        (0, int(part), "") if part[0] in "0123456789" else (1, 0, part.casefold()) for part in parts
    )
    return (*numbers, (-1, 0, text))


def _expand(path: Path, suffixes: tuple[str, ...]) -> list[Path]:
    # The deepest folder that exists is taken literally, so that its name may contain brackets.
    base = next((parent for parent in path.parents if parent.is_dir()), Path(path.anchor))
    if path.is_dir():
        pictures, problem = _in_folder(path, suffixes), "no file to read in this folder"
    elif path.exists() or _WILDCARD.search(str(path.relative_to(base))) is None:
        return [path]
    else:
        pictures, problem = _matching(path, base, suffixes), "the pattern matches no file to read"
    if not pictures:
        raise UsageError(f"{path}: {problem}; looked for {', '.join(suffixes)}")
    return pictures


def _in_folder(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    def stop(error: OSError) -> None:
        raise UsageError(f"{error.filename}: folder cannot be read ({error.strerror})") from error

    pictures: list[Path] = []
    for parent, folders, names in os.walk(folder, onerror=stop):
        folders[:] = [name for name in folders if not name.startswith(".")]
        pictures.extend(Path(parent, name) for name in names if _has_suffix(name, suffixes))
    return sorted(pictures, key=lambda path: _path_key(path.relative_to(folder)))


def _matching(pattern: Path, base: Path, suffixes: tuple[str, ...]) -> list[Path]:
    rest = pattern.relative_to(base)
    try:
        matches = [path for path in base.glob(str(rest)) if not _hidden(path.relative_to(base))]
    except (ValueError, NotImplementedError) as error:
        raise UsageError(f"{pattern}: not a valid pattern ({error})") from error
    pictures: list[Path] = []
    for path in sorted(matches, key=lambda path: _path_key(path.relative_to(base))):
        if path.is_dir():
            pictures.extend(_in_folder(path, suffixes))
        elif _has_suffix(path.name, suffixes):
            pictures.append(path)
    return pictures


def _path_key(path: Path) -> tuple[tuple[tuple[int, int, str], ...], ...]:
    return tuple(natural_key(part) for part in path.parts)


def _has_suffix(name: str, suffixes: tuple[str, ...]) -> bool:
    return name.lower().endswith(suffixes) and not name.startswith(".")


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") and part not in (".", "..") for part in path.parts)
