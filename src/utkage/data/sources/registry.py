"""The reader for each data set. To add a data set, add a line to ``RECOGNISERS``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from utkage.core.errors import ConfigError, DataError, UsageError
from utkage.core.reporter import Reporter
from utkage.data.label_files.further_columns import NOTHING, require_named
from utkage.data.label_files.settings import LabelSettings
from utkage.data.sources.base import Source
from utkage.data.sources.contents import refuse_without_pictures
from utkage.data.sources.grammar import GrammarSource
from utkage.data.sources.labelled_pictures import LabelledPictures
from utkage.data.sources.options import SourceOptions
from utkage.data.sources.table import TableContainer, is_table
from utkage.images.containers.archive_files import open_archive
from utkage.images.containers.container import Container
from utkage.images.containers.folder import FolderContainer
from utkage.images.containers.limits import Limits

Recogniser = Callable[[Container, SourceOptions], Source | None]

# Tried in this order; the first that returns a source reads the data set.
RECOGNISERS: tuple[Recogniser, ...] = (
    LabelledPictures.recognise,
    GrammarSource.recognise,
)


def open_source(
    path: Path, options: SourceOptions | None = None, reporter: Reporter | None = None
) -> Source:
    """Open the data set in ``path``: a folder, a tar (any compression), a zip file or a table.

    A tar is read once from front to back to find a manifest in it. The ``reporter`` shows the
    progress of that, and receives the ``notes`` about the labels as warnings.

    Raises:
        UsageError: there is nothing at ``path``, or the manifest of the options is missing.
        DataError: the archive or the manifest cannot be read, or is over a limit.
    """
    options = options or SourceOptions()
    container = open_container(path, options.limits, reporter)
    if isinstance(container, TableContainer) and options.labels is None:
        options = replace(options, labels=path)
    refuse_without_pictures(container)
    for recognise in RECOGNISERS:
        source = recognise(container, options)
        if source is not None:
            if reporter is not None:
                for note in notes(source):
                    reporter.warn(note)
            return source
    raise DataError(
        f"{path}: unknown data set; name a folder, an archive (zip, tar) or a table of pictures"
    )


def notes(source: Source) -> tuple[str, ...]:
    """Sentences for the user about the labels of a source; sources need not have any."""
    return tuple(getattr(source, "notes", ()))


def require_kept_columns(
    sources: Mapping[str, Source], settings: LabelSettings, reporter: Reporter
) -> None:
    """Refuse columns to keep that no source has, and warn of label files that lack one.

    Raises:
        ConfigError: ``settings`` name a column that no label file of the ``sources`` has.
    """
    columns = {
        f"{name}: {file}": own
        for name, source in sources.items()
        for file, own in getattr(source, "further_columns", {}).items()
    }
    if settings.keep_columns not in (None, (NOTHING,)) and not columns:
        raise ConfigError("`keep_columns`: there is no label file, so there is no column to keep")
    for note in require_named(columns):
        reporter.warn(note)


def open_container(path: Path, limits: Limits, reporter: Reporter | None = None) -> Container:
    """Open the folder, archive or table in ``path``; its content decides the format.

    ``reporter`` shows the progress of scanning and hashing a large file.

    Raises:
        UsageError: there is nothing at ``path``.
        DataError: it is neither a folder, an archive nor a label file, or a damaged one.
    """
    if path.is_dir():
        return FolderContainer(path, limits)
    if not path.exists():
        raise UsageError(
            f"{path}: no such folder or archive; give the path of UTKFace.tar.gz or its folder"
        )
    if not path.is_file():
        raise DataError(f"{path}: not a plain file; give a folder, or a tar or zip archive")
    if is_table(path):
        return TableContainer(path, limits, reporter)
    return open_archive(path, limits, reporter)


def unique_names(sources: Sequence[Source | Container]) -> tuple[str, ...]:
    """A unique name for each source, in order; a second ``faces`` becomes ``faces-2``."""
    taken = {source.name for source in sources}
    given: list[str] = []
    for source in sources:
        name, number = source.name, 1
        while name in given or (number > 1 and name in taken):
            number += 1
            name = f"{source.name}-{number}"
        given.append(name)
    return tuple(given)
