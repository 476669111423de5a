"""Size and quality of faces as axes of groups: the distance of the eyes, and the flags of predict.

The distance of the eyes in pixels of the original picture is how NIST FATE and ISO/IEC 39794-5
measure the size of a face.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from utkage.data.chips import LabelledChips
from utkage.data.picture_geometry import PictureGeometry
from utkage.evaluation.groups.axes import CROSSING
from utkage.evaluation.metrics.bootstrap import Floats
from utkage.faces.alignment import landmarks_to_chip
from utkage.faces.contract import CropContract, Point
from utkage.faces.face_appearance import shipped_face_appearance
from utkage.faces.quality import weaknesses

EYE_DISTANCE, FLAGS = "eye_distance", "flags"
# Those of ``faces.quality`` that landmarks and a chip show; chips have no landmarks.
_OF_PHOTOGRAPHS = ("turned", "cut_off")
FLAG_NAMES = ("small", "blurred", *_OF_PHOTOGRAPHS, "covered", "unusual")
# Lower ends of the classes of the distance of the eyes, pixels.
_CLASSES = (0, 16, 32, 64, 128, 256)


def spelled_out(choices: Iterable[str], chips: LabelledChips) -> tuple[str, ...]:
    """Choices of axes in which ``flags`` is replaced by each flag that is known, also in crossings.

    ``chips`` are those of ``with_quality``.
    """
    known = [flag for flag in FLAG_NAMES if any(chips.attributes.get(flag, ()))]
    found = []
    for choice in choices:
        parts = [part.strip().lower() for part in choice.split(CROSSING)]
        if FLAGS not in parts or FLAGS in chips.attributes:
            found.append(choice)
            continue
        found += [
            CROSSING.join(flag if part == FLAGS else part for part in parts) for flag in known
        ]
    return tuple(found)


def with_quality(chips: LabelledChips, choices: Sequence[str]) -> LabelledChips:
    """The faces with those axes of size and quality that ``choices`` name, as further columns.

    A column of the label file of the same name stays. ``eye_distance`` is a class in pixels, each
    flag ``yes`` or ``no``. What is unknown is empty: ``turned`` and ``cut_off`` of chips, and all
    of photographs that a former version prepared.
    """
    parts = (part.strip().lower() for choice in choices for part in choice.split(CROSSING))
    wanted = {part.replace(" ", "_") for part in parts} - set(chips.attributes)
    if FLAGS in wanted:
        wanted |= set(FLAG_NAMES) - set(chips.attributes)
    columns: dict[str, tuple[str, ...]] = {}
    if (geometry := chips.geometry) is None:
        return chips
    if EYE_DISTANCE in wanted:
        columns[EYE_DISTANCE] = tuple(map(_class, eye_distances(geometry, chips.contract)))
    if flags := [flag for flag in FLAG_NAMES if flag in wanted]:
        found = list(_flags(chips, geometry))
        columns |= {
            flag: tuple("" if own is None else own.get(flag, "") for own in found) for flag in flags
        }
    return replace(chips, attributes={**chips.attributes, **columns})


def eye_distances(geometry: PictureGeometry, contract: CropContract) -> Floats:
    """Distance of the eyes in pixels of the original picture, (n,); NaN if it is unknown.

    That of a chip follows from the crop contract, by which chips are aligned.
    """
    standard = contract.without_margin()
    share = math.dist(*standard.template[:2]) / standard.size
    found = np.where(geometry.aligned, share * geometry.sizes[:, 0], np.nan)
    if geometry.landmarks is not None:
        left, right = geometry.landmarks[:, 0], geometry.landmarks[:, 1]
        measured = np.linalg.norm(right - left, axis=1)
        found = np.where(geometry.has_landmarks, measured, found)
    return found


def _class(pixels: float) -> str:
    if math.isnan(pixels):
        return ""
    number = int(np.searchsorted(_CLASSES, pixels, side="right")) - 1
    if number == len(_CLASSES) - 1:
        return f"{_CLASSES[-1]} pixels and more"
    return f"{_CLASSES[number]}-{_CLASSES[number + 1] - 1} pixels"


def _flags(chips: LabelledChips, geometry: PictureGeometry) -> Iterator[dict[str, str] | None]:
    """The known flags of each face, ``yes`` or ``no``; None for photographs without landmarks."""
    appearance = shipped_face_appearance()
    contract = chips.contract
    has_landmarks = geometry.has_landmarks
    for face, row in enumerate(chips.rows):
        width, height = (int(length) for length in geometry.sizes[face])
        landmarks: list[Point] = []
        picture = None
        if geometry.landmarks is not None and has_landmarks[face]:
            landmarks = [(float(x), float(y)) for x, y in geometry.landmarks[face]]
            to_chip = landmarks_to_chip(landmarks, contract)
            picture = (width, height)
        elif geometry.aligned[face]:
            # Only its scale counts, for chips have no landmarks and end nowhere.
            to_chip = contract.without_margin().size / width * np.eye(2, 3)
        else:
            yield None
            continue
        chip = np.asarray(chips.pixels[row])
        own = weaknesses(chip, contract, landmarks, to_chip, picture, appearance)
        yield {
            flag: "yes" if flag in own else "no"
            for flag in FLAG_NAMES
            if landmarks or flag not in _OF_PHOTOGRAPHS
        }
