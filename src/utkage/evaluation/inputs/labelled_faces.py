"""Labelled faces: a split of a prepared set, or the pictures of a folder or archive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from utkage.core.distinct_names import distinct_ends
from utkage.core.errors import ConfigError, DataError, UsageError
from utkage.core.processors import available_processors
from utkage.core.reporter import Reporter
from utkage.core.text import counted
from utkage.data.chips import LEAKAGE_TOLERANCE, LabelledChips, labelled_chips
from utkage.data.label_files.further_columns import NOTHING
from utkage.data.records import Dropped, by_kind
from utkage.data.sources.base import Source
from utkage.data.sources.options import SourceOptions
from utkage.data.sources.registry import open_source, require_kept_columns
from utkage.data.store import DEFAULT_FOLDER, ChipStore, is_prepared
from utkage.evaluation.inputs.joined_chips import joined_chips
from utkage.faces.choice import DEFAULT_DETECTOR, check_detector
from utkage.faces.contract import CropContract
from utkage.preparation.ingest import NO_FACE, Ingested, Ingestion, frames_note
from utkage.preparation.workers import ingest

# Skipped pictures of one kind that are named.
SHOWN_NAMES = 10


@dataclass(frozen=True, kw_only=True)
class FaceSelection:
    """Which labelled faces a command uses, and how it reads them.

    Attributes:
        data: A prepared set, or a folder or archive of labelled pictures.
        further_data: Further ones of these; each is a source of its own beside ``data``.
        split: Split of a prepared set; ignored for other data.
        source: Only the faces of this source of a prepared set; None: all.
        allow_seen: Use training images of the weights instead of refusing them.
        skip_seen: Leave training images of the weights, and their duplicates, out.
        options: How a plain folder or archive is read: labels, alignment, limits.
        detector: Face detector for photographs, as in ``faces.choice.open_detector``.
        min_face: Length of the smallest face to detect, pixels; None: the detector's default.
        allow_crop: Use chips that are cropped differently from those of the weights.
    """

    data: Path = DEFAULT_FOLDER
    further_data: tuple[Path, ...] = ()
    split: str = "test"
    source: str | None = None
    allow_seen: bool = False
    skip_seen: bool = False
    options: SourceOptions = field(default_factory=SourceOptions)
    detector: str = DEFAULT_DETECTOR
    min_face: float | None = None
    allow_crop: bool = False

    def __post_init__(self) -> None:
        check_detector(self.detector)
        if self.allow_seen and self.skip_seen:
            raise ConfigError("`allow_seen` and `skip_seen` exclude each other; choose one")
        if self.further_data and self.options.labels is not None:
            raise ConfigError(
                "`labels` belongs to one data set; name the label files themselves as `data`, or "
                "put each into its folder"
            )
        resolved = [path.resolve() for path in self.all_data]
        for path, own in zip(self.all_data, resolved, strict=True):
            if resolved.count(own) > 1:
                raise ConfigError(f"`data` {path}: named twice")

    @property
    def all_data(self) -> tuple[Path, ...]:
        """``data`` and ``further_data``."""
        return (self.data, *self.further_data)

    @property
    def input_paths(self) -> tuple[Path, ...]:
        """Everything that is read: the data sets, and the label file if one is given."""
        labels = self.options.labels
        return self.all_data if labels is None else (*self.all_data, labels)


@dataclass(frozen=True)
class LabelledFaces:
    """Labelled faces and their origin.

    Attributes:
        chips: The faces.
        split: The split, or None for a plain folder.
        dropped: Pictures that could not be used.
        split_hash: Hash of the pictures and splits of a prepared set.
        skipped_seen: Number of faces that ``without_seen`` left out.
    """

    chips: LabelledChips
    split: str | None
    dropped: tuple[Dropped, ...] = ()
    split_hash: str | None = None
    skipped_seen: int = 0

    @property
    def misses(self) -> int:
        """Number of photographs without a detected face."""
        return sum(item.reason == NO_FACE for item in self.dropped)


def labelled_faces(
    selection: FaceSelection, contract: CropContract, reporter: Reporter
) -> LabelledFaces:
    """Open a split, or read, check and crop every labelled picture of a folder or archive.

    Photographs are cropped by ``contract``, the crop contract of the weights. Several data sets are
    one set of faces, in an order that does not depend on that in which they are named.

    Raises:
        UsageError: no data, no such split or source, or columns to keep of a prepared set.
        DataError: no usable labelled face, or chips that are cropped differently.
    """
    paths = sorted(selection.all_data)
    sources = {
        path: open_source(path, selection.options, reporter)
        for path in paths
        if not _is_split(path)
    }
    if sources:
        named = {source.name: source for source in sources.values()}
        require_kept_columns(named, selection.options.settings, reporter)
    parts = [
        _ingested(path, sources[path], selection, contract, reporter)
        if path in sources
        else _split(path, selection, contract, reporter)
        for path in paths
    ]
    return parts[0] if len(parts) == 1 else _joined(paths, parts, contract, reporter)


def _is_split(path: Path) -> bool:
    """Whether this is a prepared set; the default folder is treated as one even if missing."""
    return is_prepared(path) or (path == DEFAULT_FOLDER and not path.exists())


def _split(
    path: Path, selection: FaceSelection, contract: CropContract, reporter: Reporter
) -> LabelledFaces:
    """The faces of the split of a prepared set."""
    if selection.options.settings.keep_columns not in (None, (NOTHING,)):
        raise UsageError(
            f"{path}: is a prepared set, so `keep_columns` comes too late; use it when you prepare "
            "the set"
        )
    store = ChipStore.open(path)
    _guard_geometry(store, contract, selection, reporter)
    chips = store.split(selection.split, selection.source)
    return LabelledFaces(chips, selection.split, split_hash=store.split_hash)


def _ingested(
    path: Path,
    source: Source,
    selection: FaceSelection,
    contract: CropContract,
    reporter: Reporter,
) -> LabelledFaces:
    """The usable labelled pictures of a folder or archive."""
    ingestion = Ingestion(
        contract=contract,
        detector=selection.detector,
        min_face=selection.min_face,
        workers=available_processors(),
        max_pixels=selection.options.limits.max_pixels,
    )
    items = list(ingest(source, source.name, ingestion, reporter))
    found = [item for item in items if isinstance(item, Ingested)]
    dropped = tuple(item for item in items if isinstance(item, Dropped))
    first = f" (first: {dropped[0].name}: {dropped[0].reason})" if dropped else ""
    if not found:
        raise DataError(
            f"{path}: no usable labelled face{first}; names must read "
            "<age>_<gender>_<race>_<date>.jpg, or labels must come in a manifest"
        )
    frames = frames_note({item.record.name: item.frame for item in found})
    if frames is not None:
        reporter.info(frames)
    for reason, group in by_kind(dropped).items():
        names = ", ".join(item.name for item in group[:SHOWN_NAMES])
        more = f" and {len(group) - SHOWN_NAMES:,} more" if len(group) > SHOWN_NAMES else ""
        reporter.warn(f"{counted(len(group), 'picture')} skipped: {reason} ({names}{more})")
    duplicates = len(found) - len({item.record.pixel_hash for item in found})
    if duplicates:
        reporter.warn(
            f"{counted(duplicates, 'picture')} repeated and counted again; "
            "a prepared set has each picture once"
        )
    chips = labelled_chips(
        np.stack([item.chip for item in found]),
        range(len(found)),
        [item.record for item in found],
        contract,
    )
    return LabelledFaces(chips, None, dropped)


def _joined(
    paths: Sequence[Path],
    parts: Sequence[LabelledFaces],
    contract: CropContract,
    reporter: Reporter,
) -> LabelledFaces:
    """The faces of several data sets as one, with a warning of pictures that several contain.

    Sources of the same name get the names of their folders as well.
    """
    keys = [
        (place, name)
        for place, part in enumerate(parts)
        for name in sorted({*part.chips.sources, *(item.source for item in part.dropped)})
    ]
    ends = []
    for place, name in keys:
        path = paths[place].resolve()
        # A prepared set contains its sources; any other data set is one.
        folder = path.parent if parts[place].split_hash is None else path
        ends.append((*folder.parts, name))
    names = dict(zip(keys, distinct_ends(ends), strict=True))
    chips = joined_chips(
        [
            replace(part.chips, sources=tuple(names[place, name] for name in part.chips.sources))
            for place, part in enumerate(parts)
        ],
        contract,
    )
    apart = sum(len(set(part.chips.pixel_hashes)) for part in parts)
    if repeated := apart - len(set(chips.pixel_hashes)):
        reporter.warn(
            f"{counted(repeated, 'picture')} in more than one data set, and counted in each"
        )
    return LabelledFaces(
        chips,
        None,
        tuple(
            replace(item, source=names[place, item.source])
            for place, part in enumerate(parts)
            for item in part.dropped
        ),
    )


def _guard_geometry(
    store: ChipStore, contract: CropContract, selection: FaceSelection, reporter: Reporter
) -> None:
    """Refuse chips that are cropped differently from those of the weights, unless allowed."""
    if store.contract.width_ratio(contract) is not None:
        if store.lacks_margin(contract):
            reporter.warn(
                f"{store.folder}: its chips show less around the face than the weights expect; "
                "black takes its place, which costs accuracy on photographs; prepare again with "
                "a larger `margin`"
            )
        return
    apart = contract.distance(store.contract) * contract.size
    message = (
        f"{store.folder}: its chips are cropped differently from those of the weights (landmarks "
        f"up to {apart:.1f} pixels apart)"
    )
    if not selection.allow_crop:
        raise DataError(f"{message}; prepare it with this version, or use `allow_crop=True`")
    reporter.warn(f"{message}: the metrics are those of faces at the wrong size or place")


def without_seen(
    labelled: LabelledFaces, training_images: NDArray[np.int32], reporter: Reporter
) -> LabelledFaces:
    """The faces that are neither training images nor duplicates of them, with a warning.

    ``training_images`` are fingerprints, (n,).

    Raises:
        DataError: no face is left.
    """
    chips = labelled.chips
    groups = chips.group_numbers
    keep = np.flatnonzero(~np.isin(groups, groups[chips.training_images(training_images)]))
    skipped = len(chips) - len(keep)
    if not len(keep):
        raise DataError(
            f"all {counted(skipped, 'picture')} are training images of the weights; score others"
        )
    if skipped:
        reporter.warn(
            f"{skipped} of the {counted(len(chips), 'picture')} are training images of the "
            f"weights, or duplicates of them, and were skipped; {len(keep)} are scored"
        )
    return replace(labelled, chips=chips.take(keep), skipped_seen=skipped)


def guard_leakage(
    faces: LabelledChips,
    training_images: NDArray[np.int32],
    selection: FaceSelection,
    reporter: Reporter,
    name: str = "these weights",
) -> int:
    """Refuse faces that the weights were trained on, unless ``selection`` allows them.

    Args:
        faces: Faces to be scored.
        training_images: Fingerprints of the training images, (n,).
        selection: Origin of the faces.
        reporter: Receives a warning.
        name: Name of the weights in messages.

    Returns:
        The number of such faces.

    Raises:
        DataError: there are more than chance explains, and ``selection`` does not allow them.
    """
    found = faces.training_images(training_images)
    count = int(found.sum())
    if not count:
        return 0
    message = f"{count} of the {counted(len(faces), 'picture')} are training images of {name}"
    # A small source must not hide among the faces of a large one.
    shares = [found[faces.of_source(source)].mean() for source in faces.source_names]
    if max(shares) > LEAKAGE_TOLERANCE and not selection.allow_seen:
        named = ", ".join(map(str, selection.all_data))
        raise DataError(
            f"{named}: {message}, so the metrics would look better than on new faces; "
            "score other pictures, leave these out with `skip_seen=True`, or use `allow_seen=True`"
        )
    reporter.warn(f"{message}: the metrics look better than on new faces")
    return count
