"""Chips of several data sets as one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from utkage.data.chips import LabelledChips
from utkage.data.picture_geometry import PictureGeometry
from utkage.faces.contract import CropContract
from utkage.preparation.audit.linked import components

# Chips that are cropped at once.
_BATCH = 256


def joined_chips(parts: Sequence[LabelledChips], contract: CropContract) -> LabelledChips:
    """Join faces of several data sets, in this order.

    Copies of a picture in two of them are one duplicate group. Chips are cropped by ``contract`` if
    their own contracts differ.
    """
    own = parts[0].contract
    if any(part.contract != own for part in parts):
        own = contract
    count = sum(map(len, parts))
    pixels = np.empty((count, own.size, own.size, 3), dtype=np.uint8)
    done = 0
    for part in parts:
        for batch in part.batches(_BATCH, own):
            pixels[done : done + len(batch)] = batch
            done += len(batch)
    columns = dict.fromkeys(name for part in parts for name in part.attributes)
    in_years = all(part.age_ranges is None for part in parts)
    return LabelledChips(
        pixels=pixels,
        rows=np.arange(count, dtype=np.int64),
        sources=tuple(name for part in parts for name in part.sources),
        names=tuple(name for part in parts for name in part.names),
        ages=np.concatenate([part.ages for part in parts]),
        genders=np.concatenate([part.genders for part in parts]),
        races=np.concatenate([part.races for part in parts]),
        pixel_hashes=tuple(value for part in parts for value in part.pixel_hashes),
        contract=own,
        groups=_joined_groups(parts),
        age_ranges=None if in_years else np.concatenate([part.allowed_ages for part in parts]),
        attributes={
            name: tuple(
                value for part in parts for value in part.attributes.get(name, ("",) * len(part))
            )
            for name in columns
        },
        geometry=_joined_geometry(parts),
    )


def _joined_groups(parts: Sequence[LabelledChips]) -> tuple[str, ...]:
    """Ids of the duplicate groups: those of each part, joined where they share a picture."""
    groups: list[NDArray[np.int64]] = []
    first = 0
    for part in parts:
        own = part.group_numbers + first
        groups.append(own)
        first = int(own.max()) + 1
    hashes = np.array([value for part in parts for value in part.pixel_hashes])
    pictures = np.unique(hashes, return_inverse=True)[1]
    links = np.stack([np.concatenate(groups), first + pictures], axis=1)
    numbers = components(first + int(pictures.max()) + 1, links)
    # Numbers of equal length are sorted as texts as they are as numbers.
    return tuple(f"{numbers[group]:09}" for group in links[:, 0])


def _joined_geometry(parts: Sequence[LabelledChips]) -> PictureGeometry | None:
    """Where the faces are in their pictures; None if a part does not know it."""
    known = [part.geometry for part in parts if part.geometry is not None]
    if len(known) < len(parts):
        return None
    landmarks = None
    if any(each.landmarks is not None for each in known):
        landmarks = np.concatenate(
            [
                np.full((len(each.sizes), 5, 2), np.nan, dtype=np.float32)
                if each.landmarks is None
                else each.landmarks
                for each in known
            ]
        )
    return PictureGeometry(
        sizes=np.concatenate([each.sizes for each in known]),
        aligned=np.concatenate([each.aligned for each in known]),
        landmarks=landmarks,
    )
