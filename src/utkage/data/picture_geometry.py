"""``PictureGeometry``: where the faces are in the pictures that chips come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from utkage.data.records import Record


@dataclass(frozen=True, kw_only=True)
class PictureGeometry:
    """The pictures of n faces, as columns.

    Attributes:
        sizes: Width and height, pixels, int32 (n, 2).
        aligned: Whether each picture came as an aligned chip, (n,).
        landmarks: The five landmarks in pixels of the picture, float32 (n, 5, 2); NaN for chips,
            and for photographs of former versions. None if no face has any.
    """

    sizes: NDArray[np.int32]
    aligned: NDArray[np.bool_]
    landmarks: NDArray[np.float32] | None = None

    @classmethod
    def of(cls, records: Sequence[Record]) -> PictureGeometry:
        """The pictures of these records."""
        landmarks = None
        if any(record.landmarks for record in records):
            landmarks = np.full((len(records), 5, 2), np.nan, dtype=np.float32)
            for places, record in zip(landmarks, records, strict=True):
                if record.landmarks:
                    places[:] = record.landmarks
        sizes = [(record.width, record.height) for record in records]
        return cls(
            sizes=np.array(sizes, dtype=np.int32).reshape(-1, 2),
            aligned=np.array([record.aligned for record in records], dtype=np.bool_),
            landmarks=landmarks,
        )

    def take(self, rows: NDArray[np.int64]) -> PictureGeometry:
        """Those of the faces with these indices, in this order."""
        return PictureGeometry(
            sizes=self.sizes[rows],
            aligned=self.aligned[rows],
            landmarks=None if self.landmarks is None else self.landmarks[rows],
        )

    @property
    def has_landmarks(self) -> NDArray[np.bool_]:
        """Whether the landmarks of each face are known, (n,)."""
        if self.landmarks is None:
            return np.zeros(len(self.aligned), dtype=np.bool_)
        return ~np.isnan(self.landmarks[:, 0, 0])
