"""From one entry of a source to a labelled chip: decode, find the face in photographs, crop."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import ImageError
from utkage.core.text import counted
from utkage.data.records import Dropped, Record
from utkage.data.sources.base import Entry
from utkage.faces.alignment import extract_chip
from utkage.faces.choice import DEFAULT_DETECTOR
from utkage.faces.contract import MIN_SIZE, CropContract, Point
from utkage.faces.detector import Detector, for_reduced
from utkage.faces.recrop import recrop, recrop_aligned
from utkage.images.decode import DecodedImage, decode_image
from utkage.images.formats import extension_fits
from utkage.images.reduction import MAX_PIXELS
from utkage.images.several import later_pictures
from utkage.preparation.audit.perceptual import perceptual_hash

# The reason of photographs that could be read but in which the detector found no face.
NO_FACE = "no face was found"
# A chip, and the landmarks that it was cropped by.
_Cropped = tuple[NDArray[np.uint8], tuple[Point, ...]]
# A chip whose values (0..255) have a smaller standard deviation shows no face.
MIN_CONTRAST = 1.0


@dataclass(frozen=True)
class Ingested:
    """A picture, the split that its source gives it, and its chip, uint8 RGB (size, size, 3).

    ``frame`` is the number, from 1, of the picture with the face in a file that has several; None
    for other files, and for those of an earlier run.
    """

    record: Record
    split: str | None
    chip: NDArray[np.uint8]
    frame: int | None = None


# Records and chips of an earlier run, by (byte hash of the file, aligned).
Known = Mapping[tuple[str, bool], tuple[Record, NDArray[np.uint8]]]


@dataclass(frozen=True, kw_only=True)
class Ingestion:
    """How pictures become chips.

    Attributes:
        contract: Size and geometry of the chips.
        detector: As in ``faces.choice.open_detector``; loaded for the first photograph.
        min_face: As in ``open_detector``.
        workers: Number of pictures that are processed at the same time.
        max_pixels: Limit of width x height, as in ``images.decode.load_image``.
        known: Records and chips of an earlier run, which need no decoding.
    """

    contract: CropContract
    detector: str = DEFAULT_DETECTOR
    min_face: float | None = None
    workers: int = 1
    max_pixels: int = MAX_PIXELS
    known: Known = field(default_factory=dict)


def pixel_hash(rgb: NDArray[np.uint8]) -> str:
    """SHA-256 (hex) of a picture's shape and RGB values."""
    digest = hashlib.sha256(repr(rgb.shape).encode())
    digest.update(np.ascontiguousarray(rgb).data)
    return digest.hexdigest()


def to_chip(
    entry: Entry, source: str, ingestion: Ingestion, detector: Callable[[], Detector]
) -> Ingested | Dropped:
    """Turn one entry of a source into a chip; drop it with the reason if that is impossible.

    ``source`` is the name in the record; ``detector`` is called for photographs only.
    """
    if entry.problem is not None or entry.label is None:
        return Dropped(source, entry.name, entry.problem or "no label")
    byte_hash = hashlib.sha256(entry.content).hexdigest()
    wrong_extension = not extension_fits(entry.name, entry.content)
    if (byte_hash, entry.aligned) in ingestion.known:
        record, chip = ingestion.known[byte_hash, entry.aligned]
        labelled = replace(
            record,
            source=source,
            name=entry.name,
            label=entry.label,
            attributes=entry.attributes,
        )
        return Ingested(replace(labelled, wrong_extension=wrong_extension), entry.split, chip)
    try:
        decoded, (chip, landmarks), frame = _first_chip(entry, ingestion, detector)
    except ImageError as error:
        return Dropped(source, entry.name, str(error))
    width, height = decoded.size
    # The margin of photographs would make copies of a chip and its photograph look different, and
    # the black margin of a chip would hide that it has one colour.
    face = recrop(chip[None], ingestion.contract, ingestion.contract.without_margin())[0]
    record = Record(
        source=source,
        name=entry.name,
        label=entry.label,
        byte_hash=byte_hash,
        pixel_hash=pixel_hash(decoded.pixels),
        perceptual=perceptual_hash(face),
        width=width,
        height=height,
        aligned=entry.aligned,
        wrong_extension=wrong_extension,
        constant=_is_constant(face),
        attributes=entry.attributes,
        landmarks=landmarks,
    )
    return Ingested(record, entry.split, chip, frame)


def frames_note(frames: Mapping[str, int | None]) -> str | None:
    """A note on the files whose first picture was not the one used; None if there are none.

    ``frames`` are those of ``Ingested``, by the name of the file.
    """
    later = [f"{name} (picture {number})" for name, number in frames.items() if (number or 1) > 1]
    if not later:
        return None
    return (
        f"{counted(len(later), 'file')} with several pictures: the first picture with a face is "
        f"used, such as {', '.join(later[:3])}"
    )


def _first_chip(
    entry: Entry, ingestion: Ingestion, detector: Callable[[], Detector]
) -> tuple[DecodedImage, _Cropped, int | None]:
    """The first picture of a file in which a face is found, its chip, and its number if several."""
    contract, limit = ingestion.contract, ingestion.max_pixels
    decoded = decode_image(entry.content, max_pixels=limit)
    if decoded.several is None or entry.aligned:
        return decoded, _crop(decoded, entry.aligned, contract, detector), None
    try:
        return decoded, _crop(decoded, False, contract, detector), 1
    except ImageError as error:
        reason = error
    for number, other in later_pictures(decoded.several, max_pixels=limit):
        with contextlib.suppress(ImageError):
            return other, _crop(other, False, contract, detector), number
    raise reason


def _is_constant(chip: NDArray[np.uint8]) -> bool:
    import cv2

    # Each channel on its own: the channels of an all-red picture differ from each other.
    _, deviations = cv2.meanStdDev(chip)
    return float(deviations.max()) < MIN_CONTRAST


def _crop(
    decoded: DecodedImage,
    aligned: bool,
    contract: CropContract,
    detector: Callable[[], Detector],
) -> _Cropped:
    """The chip, and the landmarks in pixels of the picture as given; none for chips."""
    rgb = decoded.pixels
    height, width = rgb.shape[:2]
    if min(height, width) < MIN_SIZE:
        raise ImageError(f"{width}x{height} pixels is too small (under {MIN_SIZE})")
    if not aligned:
        suited = for_reduced(detector(), decoded.scale)
        faces = suited.detect(rgb)
        if not faces:
            raise ImageError(NO_FACE)
        landmarks = faces[0].landmarks
        # Rounded as in the manifest, so that a later run, which reads it, finds the same.
        places = tuple(
            (round(float(x) * decoded.scale, 1), round(float(y) * decoded.scale, 1))
            for x, y in landmarks
        )
        return extract_chip(rgb, landmarks, contract), places
    if height != width:
        raise ImageError(
            f"{width}x{height} pixels is not square, so it is not an aligned chip; "
            "use `aligned=no` for photographs"
        )
    return recrop_aligned(rgb, contract), ()
