"""From a decoded picture to faces and their chips: aligned, cropped by box, or taken whole."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import ConfigError, ImageError
from utkage.core.json_text import parse_json
from utkage.faces.alignment import box_to_chip, cut_chip, landmarks_to_chip
from utkage.faces.contract import MIN_SIZE, CropContract, Point
from utkage.faces.detector import Box, Detector, Face, for_reduced
from utkage.faces.face_appearance import FaceAppearance
from utkage.faces.quality import ROTATED, weaknesses
from utkage.faces.recrop import recrop, recrop_aligned
from utkage.images.decode import DecodedImage

# Longest description of the crop of a saved chip, characters.
_LONGEST_CROP = 10_000


@dataclass(frozen=True)
class FoundFace:
    """A face in its photograph, in pixels.

    Attributes:
        box: x0, y0, x1, y1.
        landmarks: Left eye, right eye, nose, left and right mouth corner; empty if not known.
        score: Confidence of the detector, 0..1; None without a detector.
        flags: Reasons why the prediction is weak, among ``faces.quality.FLAGS``.
        rotated: As in ``Face``.
    """

    box: Box
    landmarks: tuple[Point, ...]
    score: float | None
    flags: tuple[str, ...] = ()
    rotated: int = 0

    def of_original(self, decoded: DecodedImage) -> FoundFace:
        """The face in the coordinates of a picture that was reduced while it was read."""
        width, height = decoded.size
        x0, y0, x1, y1 = (decoded.scale * value for value in self.box)
        # The last pixels of a reduced picture may stand for fewer of the original.
        box = (min(x0, width), min(y0, height), min(x1, width), min(y1, height))
        landmarks = tuple((decoded.scale * x, decoded.scale * y) for x, y in self.landmarks)
        return replace(self, box=box, landmarks=landmarks)


@dataclass(frozen=True)
class Cropper:
    """Finds faces and crops them to chips.

    Attributes:
        contract: Crop contract of the chips.
        detector: Face detector; None takes each picture as a chip.
        by_box: Whether to crop around the box without rotation instead of aligning landmarks.
        max_faces: Largest number of faces per picture, the largest faces first; None for all.
        appearance: Classifier of the flags ``covered`` and ``unusual``; None omits them.
    """

    contract: CropContract
    detector: Detector | None
    by_box: bool = False
    max_faces: int | None = None
    appearance: FaceAppearance | None = None

    def cut_decoded(
        self, decoded: DecodedImage
    ) -> tuple[tuple[FoundFace, ...], tuple[NDArray[np.uint8], ...]]:
        """Faces and chips as ``cut`` gives them; coordinates are those of the original picture."""
        if decoded.scale == 1:
            return self.cut(decoded.pixels, decoded.crop)
        cropper = self
        if self.detector is not None:
            cropper = replace(self, detector=for_reduced(self.detector, decoded.scale))
        faces, chips = cropper.cut(decoded.pixels, decoded.crop)
        return tuple(face.of_original(decoded) for face in faces), chips

    def cut(
        self, rgb: NDArray[np.uint8], crop: str | None = None
    ) -> tuple[tuple[FoundFace, ...], tuple[NDArray[np.uint8], ...]]:
        """Faces of a picture, the largest first, and their chips, uint8 RGB (size, size, 3).

        ``crop`` is the JSON form of the crop contract of a picture that is a saved chip. Other
        pictures that are taken as chips have no margin, as UTKFace's.

        Raises:
            ImageError: there is no detector and the picture is not a chip.
        """
        if self.detector is None:
            face, chip = self._whole(rgb, _saved_contract(crop, rgb))
            return (face,), (chip,)
        pairs = [self._cut(rgb, face) for face in self.detector.detect(rgb)[: self.max_faces]]
        return tuple(face for face, _ in pairs), tuple(chip for _, chip in pairs)

    def _cut(self, rgb: NDArray[np.uint8], face: Face) -> tuple[FoundFace, NDArray[np.uint8]]:
        if self.by_box:
            to_chip = box_to_chip(face.box, self.contract, face.rotated)
        else:
            to_chip = landmarks_to_chip(face.landmarks, self.contract)
        chip = cut_chip(rgb, to_chip, self.contract)
        height, width = rgb.shape[:2]
        flags = weaknesses(
            chip, self.contract, face.landmarks, to_chip, (width, height), self.appearance
        )
        if face.rotated:
            flags = (*flags, ROTATED)
        return FoundFace(face.box, face.landmarks, face.score, flags, face.rotated), chip

    def _whole(
        self, rgb: NDArray[np.uint8], saved: CropContract | None
    ) -> tuple[FoundFace, NDArray[np.uint8]]:
        height, width = rgb.shape[:2]
        if min(height, width) < MIN_SIZE:
            raise ImageError(
                f"{width}x{height} pixels is too small for a chip; use {MIN_SIZE} or more"
            )
        if height != width:
            raise ImageError(
                f"{width}x{height} pixels is not square, so it is not a chip; use `crop=auto`"
            )
        inner = self.contract.without_margin().size
        if saved is None:
            chip, own = recrop_aligned(rgb, self.contract), width
        else:
            chip, own = recrop(rgb[None], saved, self.contract)[0], saved.without_margin().size
        to_chip = inner / own * np.eye(2, 3)
        to_chip[:, 2] = self.contract.size / 2 - inner / own * width / 2
        flags = weaknesses(chip, self.contract, to_chip=to_chip, appearance=self.appearance)
        return FoundFace((0.0, 0.0, float(width), float(height)), (), None, flags), chip


def _saved_contract(crop: str | None, rgb: NDArray[np.uint8]) -> CropContract | None:
    """The crop contract that a saved chip describes; None if none fits the picture."""
    try:
        described = None if crop is None else parse_json(crop, longest=_LONGEST_CROP)
        contract = None if described is None else CropContract.from_json(described)
    except (ValueError, ConfigError):
        return None
    return contract if contract and rgb.shape[:2] == (contract.size, contract.size) else None
