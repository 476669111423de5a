"""``LabelledChips``: labelled faces as training and evaluation receive them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from utkage.data.labels import FaceLabel, range_index
from utkage.data.picture_geometry import PictureGeometry
from utkage.data.records import Record
from utkage.faces.contract import CropContract
from utkage.faces.recrop import recrop

# In the columns of labels, for faces whose label is unknown.
UNKNOWN = -1
# A larger share of common fingerprints is leakage; below it, four bytes of hash just collide.
LEAKAGE_TOLERANCE = 0.002


@dataclass(frozen=True, kw_only=True)
class LabelledChips:
    """Chips with labels, as n faces in columns.

    Attributes:
        pixels: uint8 RGB, (rows, size, size, 3); may be memory-mapped and contain further chips.
        rows: Row of ``pixels`` for each face, int64 (n,).
        sources: Name of each face's source, (n,).
        names: File names, (n,).
        ages: Whole years, or -1 if unknown or known only as a range, int64 (n,).
        genders: 0 male, 1 female, or -1 if unknown, int64 (n,).
        races: Index into ``labels.RACES``, or -1 if unknown, int64 (n,).
        pixel_hashes: SHA-256 (hex) of each original picture, (n,).
        contract: Crop contract of the chips.
        groups: Id of each face's duplicate group, (n,); if empty, identical pictures are groups.
        age_ranges: First and last year that each label allows, both -1 if unknown, int64 (n, 2);
            None if every face has an age in whole years.
        attributes: Values of further columns of the label file, (n,) each, by name; empty where
            unknown.
        geometry: Where the faces are in their pictures; None if that is unknown.
    """

    pixels: NDArray[np.uint8]
    rows: NDArray[np.int64]
    sources: tuple[str, ...]
    names: tuple[str, ...]
    ages: NDArray[np.int64]
    genders: NDArray[np.int64]
    races: NDArray[np.int64]
    pixel_hashes: tuple[str, ...]
    contract: CropContract
    groups: tuple[str, ...] = ()
    age_ranges: NDArray[np.int64] | None = None
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    geometry: PictureGeometry | None = None

    def __len__(self) -> int:
        return len(self.names)

    @property
    def allowed_ages(self) -> NDArray[np.int64]:
        """First and last year that each label allows, both -1 if unknown, int64 (n, 2)."""
        if self.age_ranges is not None:
            return self.age_ranges
        return np.stack([self.ages, self.ages], axis=1)

    @property
    def fully_labelled(self) -> NDArray[np.bool_]:
        """Mask of the faces with an age in whole years and a gender, (n,)."""
        return np.asarray((self.ages != UNKNOWN) & (self.genders != UNKNOWN))

    def take(self, rows: NDArray[np.int64]) -> LabelledChips:
        """The faces with these indices, in this order; the pixels are shared."""
        return replace(
            self,
            rows=self.rows[rows],
            sources=tuple(self.sources[row] for row in rows),
            names=tuple(self.names[row] for row in rows),
            ages=self.ages[rows],
            genders=self.genders[rows],
            races=self.races[rows],
            pixel_hashes=tuple(self.pixel_hashes[row] for row in rows),
            groups=tuple(self.groups[row] for row in rows) if self.groups else (),
            age_ranges=None if self.age_ranges is None else self.age_ranges[rows],
            attributes={
                name: tuple(values[row] for row in rows) for name, values in self.attributes.items()
            },
            geometry=None if self.geometry is None else self.geometry.take(rows),
        )

    @property
    def ranges(self) -> NDArray[np.int64]:
        """Index of each face's age range, (n,); every face needs an age in whole years."""
        return np.array([range_index(int(age)) for age in self.ages], dtype=np.int64)

    @property
    def source_names(self) -> tuple[str, ...]:
        """Names of all sources, sorted."""
        return tuple(sorted(set(self.sources)))

    def of_source(self, name: str) -> NDArray[np.bool_]:
        """Mask of the faces from the source ``name``, (n,)."""
        return np.array([source == name for source in self.sources], dtype=np.bool_)

    @property
    def group_numbers(self) -> NDArray[np.int64]:
        """Number of each face's duplicate group, int64 (n,), from 0 without gaps."""
        names = self.groups or self.pixel_hashes
        return np.unique(np.array(names), return_inverse=True)[1].astype(np.int64)

    def fingerprints(self) -> NDArray[np.int32]:
        """The first four bytes of each pixel hash, sorted, which suffice to find overlaps."""
        return fingerprints(self.pixel_hashes)

    def count_training_images(self, training: NDArray[np.int32]) -> int:
        """Number of faces whose fingerprint is among those of the ``training`` images."""
        return int(self.training_images(training).sum())

    def training_images(self, training: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Mask of the faces whose fingerprint is among those of the ``training`` images, (n,)."""
        return np.isin(_fingerprints(self.pixel_hashes), training)

    def batches(self, batch_size: int, contract: CropContract) -> Iterator[NDArray[np.uint8]]:
        """Yield the chips in order, cropped by ``contract``, uint8 (batch, size, size, 3)."""
        for start in range(0, len(self), batch_size):
            batch = self.pixels[self.rows[start : start + batch_size]]
            yield recrop(batch, self.contract, contract)


def labelled_chips(
    pixels: NDArray[np.uint8],
    rows: Sequence[int],
    records: Sequence[Record],
    contract: CropContract,
    groups: Sequence[str] = (),
) -> LabelledChips:
    """Turn records and the rows of their chips into columns."""
    labels = [record.label for record in records]
    return LabelledChips(
        pixels=pixels,
        rows=np.array(rows, dtype=np.int64),
        sources=tuple(record.source for record in records),
        names=tuple(record.name for record in records),
        ages=_column(label.age for label in labels),
        genders=_column(label.gender for label in labels),
        races=_column(label.race for label in labels),
        pixel_hashes=tuple(record.pixel_hash for record in records),
        contract=contract,
        groups=tuple(groups),
        age_ranges=_age_ranges(labels),
        attributes={
            name: tuple(record.attributes.get(name, "") for record in records)
            for name in dict.fromkeys(name for record in records for name in record.attributes)
        },
        geometry=PictureGeometry.of(records),
    )


def _column(values: Iterable[int | None]) -> NDArray[np.int64]:
    return np.array([UNKNOWN if value is None else value for value in values], dtype=np.int64)


def _age_ranges(labels: Sequence[FaceLabel]) -> NDArray[np.int64] | None:
    if all(label.age is not None for label in labels):
        return None
    ends = [
        (UNKNOWN, UNKNOWN) if (y := label.years) is None else (y.first, y.last) for label in labels
    ]
    return np.array(ends, dtype=np.int64).reshape(-1, 2)


def fingerprints(pixel_hashes: tuple[str, ...]) -> NDArray[np.int32]:
    """The first four bytes of each hash as sorted int32, (n,)."""
    return np.sort(_fingerprints(pixel_hashes))


def _fingerprints(pixel_hashes: tuple[str, ...]) -> NDArray[np.int32]:
    """The first four bytes of each hash as int32, (n,), in the order of the hashes."""
    raw = b"".join(bytes.fromhex(value[:8]) for value in pixel_hashes)
    return np.frombuffer(raw, dtype=">i4").astype(np.int32)
