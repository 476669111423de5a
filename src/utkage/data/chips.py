"""``LabelledChips``: the one form in which labelled faces reach training and evaluation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from utkage.data.ingest import Chip
from utkage.data.labels import range_index
from utkage.faces.contract import CropContract
from utkage.images.resize import resize_square

NO_RACE = -1


@dataclass(frozen=True)
class LabelledChips:
    """Chips with labels, as columns of equal length n.

    Attributes:
        pixels: uint8 RGB, (rows, size, size, 3); may be memory-mapped and hold further rows.
        rows: int64 (n,): which row of ``pixels`` each face is.
        names: File names, (n,).
        ages: int64 (n,), whole years.
        genders: int64 (n,), 0 male, 1 female.
        races: int64 (n,), index into ``labels.RACES``, or -1 where unknown.
        pixel_hashes: SHA-256 of each original picture, (n,) of hex strings.
        contract: The crop contract that the chips follow.
    """

    pixels: NDArray[np.uint8]
    rows: NDArray[np.int64]
    names: tuple[str, ...]
    ages: NDArray[np.int64]
    genders: NDArray[np.int64]
    races: NDArray[np.int64]
    pixel_hashes: tuple[str, ...]
    contract: CropContract

    def __len__(self) -> int:
        return len(self.names)

    @property
    def ranges(self) -> NDArray[np.int64]:
        """Index of each face's age range, (n,)."""
        return np.array([range_index(int(age)) for age in self.ages], dtype=np.int64)

    def fingerprints(self) -> NDArray[np.int32]:
        """The first four bytes of each pixel hash, sorted: enough to notice overlaps."""
        return fingerprints(self.pixel_hashes)

    def batches(self, batch_size: int, size: int) -> Iterator[NDArray[np.uint8]]:
        """Yield the chips in order, at ``size`` pixels, as arrays (batch, size, size, 3)."""
        for start in range(0, len(self), batch_size):
            batch = self.pixels[self.rows[start : start + batch_size]]
            if size != batch.shape[1]:
                batch = np.stack([resize_square(chip, size) for chip in batch])
            yield batch


def fingerprints(pixel_hashes: tuple[str, ...]) -> NDArray[np.int32]:
    """The first four bytes of each hash as sorted int32, (n,)."""
    raw = b"".join(bytes.fromhex(value[:8]) for value in pixel_hashes)
    return np.sort(np.frombuffer(raw, dtype=">i4").astype(np.int32))


def stack_chips(chips: list[Chip], contract: CropContract) -> LabelledChips:
    """Hold ingested chips in memory as columns."""
    return LabelledChips(
        pixels=np.stack([chip.pixels for chip in chips]),
        rows=np.arange(len(chips), dtype=np.int64),
        names=tuple(chip.name for chip in chips),
        ages=np.array([chip.label.age for chip in chips], dtype=np.int64),
        genders=np.array([chip.label.gender for chip in chips], dtype=np.int64),
        races=np.array(
            [NO_RACE if chip.label.race is None else chip.label.race for chip in chips],
            dtype=np.int64,
        ),
        pixel_hashes=tuple(chip.pixel_hash for chip in chips),
        contract=contract,
    )
