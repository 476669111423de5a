"""Flags for faces whose predictions are weak.

The thresholds lie where ``evaluate --stress`` shows that errors begin to grow, and flag few faces
of the validation splits (``docs/evaluation.md``, ``docs/predict.md``). Those of ``covered`` and
``unusual`` are in the file of their classifier (``faces.face_appearance``).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from utkage.faces.colour_order import BGR
from utkage.faces.contract import UTKFACE_CHIP_SIZE, CropContract, Point, utkface_contract
from utkage.faces.face_appearance import APPEARANCES, FaceAppearance
from utkage.faces.recrop import recrop

TRUNCATED = "truncated"
# The faces themselves show that the picture has to be rotated.
ROTATED = "rotated"
FLAGS = ("small", "blurred", "turned", "cut_off", *APPEARANCES, ROTATED, TRUNCATED, BGR)

# Size of the chip in pixels of the picture.
SMALL_BELOW = 40.0
# Energy of the Laplacian over that of the picture. Sharp chips have 0.02 to 0.5, chips blurred by
# 2 % of their size, which costs a year of MAE, 0.003 to 0.02.
BLURRED_BELOW = 0.015
SHARPNESS_SIZE = 96
# Distance of the nose from the middle of eyes and mouth, in units of the distance of the eyes.
TURNED_FROM = 0.25
# Share of the inner part of the chip, which shows the face, that lies beyond the picture.
CUT_OFF_FROM = 0.05
INNER_PART = (0.2, 0.8)
GRID = 24


def weaknesses(
    chip: NDArray[np.uint8],
    contract: CropContract,
    landmarks: Sequence[Point] = (),
    to_chip: NDArray[np.float64] | None = None,
    picture: tuple[int, int] | None = None,
    appearance: FaceAppearance | None = None,
) -> tuple[str, ...]:
    """Reasons why the prediction for this face is weak, in the order of ``FLAGS``.

    Whoever finds the faces adds ``ROTATED``, and whoever reads the file ``TRUNCATED``: its end is
    missing.

    * ``small``: the chip has been enlarged from fewer than 40 pixels.
    * ``blurred``: the chip has no fine detail.
    * ``turned``: the picture shows more of one half of the face than of the other.
    * ``cut_off``: part of the face lies beyond the edge of the picture.
    * ``covered``: a mask, sunglasses, a scarf, a hand, a bar or an object hides part of the face.
    * ``unusual``: a negative, false colours, a drawing, or a picture that was made similar to one.

    Args:
        chip: uint8 RGB, (size, size, 3).
        contract: Crop contract of the chip; its margin is ignored.
        landmarks: The five landmarks of ``Face``; ``turned`` needs them.
        to_chip: (2, 3) matrix from the picture to the chip; ``small`` and ``cut_off`` need it.
        picture: Width and height of the picture; ``cut_off`` needs it.
        appearance: Classifier; ``covered`` and ``unusual`` need it, and chips that are aligned
            like UTKFace's.
    """
    found = []
    standard = contract.without_margin()
    inner = recrop(chip[None], contract, standard)[0]
    if to_chip is not None:
        scale = float(np.sqrt(abs(np.linalg.det(to_chip[:, :2]))))
        if standard.size / max(scale, 1e-9) < SMALL_BELOW:
            found.append("small")
    # Enlarged chips are never sharp; one reason is enough.
    if not found and sharpness(inner) < BLURRED_BELOW:
        found.append("blurred")
    if len(landmarks) == 5 and asymmetry(landmarks) >= TURNED_FROM:
        found.append("turned")
    if (
        to_chip is not None
        and picture is not None
        and _share_beyond(to_chip, contract, picture) >= CUT_OFF_FROM
    ):
        found.append("cut_off")
    if appearance is not None and standard.fits(utkface_contract(UTKFACE_CHIP_SIZE)):
        found.extend(appearance.flags(inner))
    return tuple(found)


def sharpness(chip: NDArray[np.uint8]) -> float:
    """Variance of the Laplacian of the face over that of the face, at a fixed size; 0 if flat.

    Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", ICPR 2000; the division
    by the contrast makes dark and pale pictures comparable.
    """
    import cv2

    whole = cv2.cvtColor(chip, cv2.COLOR_RGB2GRAY).astype(np.float32)
    size = SHARPNESS_SIZE
    grey = cv2.resize(whole, (size, size), interpolation=cv2.INTER_AREA)
    inner = slice(size // 6, size - size // 6)
    face = grey[inner, inner]
    variance = float(face.var())
    if variance < 1:
        return 0.0
    return float(cv2.Laplacian(face, cv2.CV_32F)[1:-1, 1:-1].var()) / variance


def asymmetry(landmarks: Sequence[Point]) -> float:
    """Distance of the nose from the middle, in distances of the eyes: 0 for a frontal face."""
    left_eye, right_eye, nose, left_mouth, right_mouth = np.asarray(landmarks, dtype=np.float64)
    across = right_eye - left_eye
    middle = (left_eye + right_eye + left_mouth + right_mouth) / 4
    return float(abs((nose - middle) @ across) / max(float(across @ across), 1e-9))


def _share_beyond(
    to_chip: NDArray[np.float64], contract: CropContract, picture: tuple[int, int]
) -> float:
    inner = contract.without_margin().size
    steps = (contract.size - inner) / 2 + np.linspace(*INNER_PART, GRID) * inner
    points = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    inverse = np.linalg.inv(to_chip[:, :2])
    places = (points - to_chip[:, 2]) @ inverse.T
    outside = (places < 0) | (places > np.asarray(picture, dtype=np.float64))
    return float(outside.any(axis=1).mean())
