"""Labelled faces for a workflow: a split of a prepared set, or pictures of a folder or archive."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import DataError
from utkage.core.reporter import Reporter
from utkage.data.chips import LEAKAGE_TOLERANCE, LabelledChips, labelled_chips
from utkage.data.records import Dropped
from utkage.data.sources.options import SourceOptions
from utkage.data.sources.registry import open_source
from utkage.data.store import DEFAULT_FOLDER, ChipStore, is_prepared
from utkage.faces.contract import CropContract
from utkage.preparation.ingest import NO_FACE, Ingested, Ingestion
from utkage.preparation.workers import ingest


@dataclass(frozen=True)
class FaceSelection:
    """Which labelled faces a workflow takes.

    Attributes:
        data: A prepared set, or a folder or archive of labelled pictures.
        split: Which split of a prepared set; ignored for other data.
        source: Only the faces of this source of a prepared set; None: all.
        allow_seen: Take pictures that the weights learned from, instead of refusing.
        options: How a plain folder or archive is read: labels, alignment, limits.
        allow_crop: Take chips that are cut otherwise than those of the weights.
    """

    data: Path = DEFAULT_FOLDER
    split: str = "test"
    source: str | None = None
    allow_seen: bool = False
    options: SourceOptions = field(default_factory=SourceOptions)
    allow_crop: bool = False

    @property
    def is_split(self) -> bool:
        """Whether this is a prepared set; the default one is, even before it is there."""
        return is_prepared(self.data) or (self.data == DEFAULT_FOLDER and not self.data.exists())


@dataclass(frozen=True)
class LabelledFaces:
    """Labelled faces, and where they came from.

    Attributes:
        chips: The faces.
        split: The split, or None for a plain folder.
        dropped: Pictures that could not be used.
        split_hash: Identifies the pictures of a prepared set and how they are divided.
    """

    chips: LabelledChips
    split: str | None
    dropped: tuple[Dropped, ...] = ()
    split_hash: str | None = None

    @property
    def misses(self) -> int:
        """Photographs in which no face was found."""
        return sum(item.reason == NO_FACE for item in self.dropped)


def labelled_faces(
    choice: FaceSelection, contract: CropContract, reporter: Reporter
) -> LabelledFaces:
    """Open a split, or read, check and crop every labelled picture of a folder or archive.

    Args:
        choice: Which faces.
        contract: The crop of the weights; chips of a plain source are cut by it.
        reporter: Hears of progress and of pictures that are left out.

    Raises:
        UsageError: no data, no such split or source.
        DataError: no usable labelled face, or chips that are cut otherwise.
    """
    if choice.is_split:
        store = ChipStore.open(choice.data)
        _guard_geometry(store, contract, choice, reporter)
        chips = store.split(choice.split, choice.source)
        return LabelledFaces(chips, choice.split, split_hash=store.split_hash)
    source = open_source(choice.data, choice.options)
    ingestion = Ingestion(
        contract=contract,
        workers=os.cpu_count() or 1,
        max_pixels=choice.options.limits.max_pixels,
    )
    found: list[Ingested] = []
    dropped: list[Dropped] = []
    for item in ingest(source, source.name, ingestion, reporter):
        if isinstance(item, Ingested):
            found.append(item)
        else:
            dropped.append(item)
    if not found:
        detail = f" (first: {dropped[0].name}: {dropped[0].reason})" if dropped else ""
        raise DataError(
            f"{choice.data}: no usable labelled face{detail}; names must read "
            "<age>_<gender>_<race>_<date>.jpg, or labels must come in a manifest"
        )
    if dropped:
        reporter.warn(
            f"{len(dropped)} pictures left out (first: {dropped[0].name}: {dropped[0].reason})"
        )
    _warn_of_copies(found, reporter)
    chips = labelled_chips(
        np.stack([item.chip for item in found]),
        range(len(found)),
        [item.record for item in found],
        contract,
    )
    return LabelledFaces(chips, None, tuple(dropped))


def _guard_geometry(
    store: ChipStore, contract: CropContract, choice: FaceSelection, reporter: Reporter
) -> None:
    """Refuse chips that are cut otherwise than those the weights learned from, unless told."""
    if contract.fits(store.contract):
        return
    apart = contract.distance(store.contract) * contract.size
    words = (
        f"{store.folder}: its chips are cut otherwise than those of the weights (landmarks up to "
        f"{apart:.1f} pixels apart)"
    )
    if not choice.allow_crop:
        raise DataError(f"{words}; prepare it with this version, or use `allow_crop=True`")
    reporter.warn(f"{words}: the figures are those of faces of the wrong size or place")


def _warn_of_copies(found: list[Ingested], reporter: Reporter) -> None:
    copies = len(found) - len({item.record.pixel_hash for item in found})
    if copies:
        reporter.warn(
            f"{copies} pictures are copies of others here and count again; "
            "a prepared set has each once"
        )


def guard_leakage(
    faces: LabelledChips,
    learned: NDArray[np.int32],
    choice: FaceSelection,
    reporter: Reporter,
    name: str = "these weights",
) -> int:
    """Refuse faces that the weights learned from, or say how many there are.

    Args:
        faces: That are to be scored.
        learned: Fingerprints of those that were learned from.
        choice: Where the faces came from, and whether seen ones are allowed.
        reporter: Hears the warning.
        name: What the weights are called in it.

    Returns:
        Their number.

    Raises:
        DataError: there are more than chance explains, and ``choice`` does not allow them.
    """
    seen = faces.count_training_images(learned)
    if not seen:
        return 0
    words = f"{name} learned from {seen} of the {len(faces)} pictures"
    if seen > LEAKAGE_TOLERANCE * len(faces) and not choice.allow_seen:
        raise DataError(
            f"{choice.data}: {words}, so the figures would flatter them; score others, "
            "or use `allow_seen=True`"
        )
    reporter.warn(f"{words}: the figures flatter them")
    return seen
