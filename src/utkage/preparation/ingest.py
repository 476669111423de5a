"""From one entry of a source to a labelled chip: decode, find the face in photographs, crop."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import ImageError
from utkage.data.records import Dropped, Record
from utkage.data.sources.base import Entry
from utkage.faces.alignment import extract_chip
from utkage.faces.choice import DEFAULT_DETECTOR
from utkage.faces.contract import MIN_SIZE, CropContract
from utkage.faces.detector import Detector
from utkage.faces.recrop import recrop, recrop_aligned
from utkage.images.decode import load_image
from utkage.images.formats import extension_fits
from utkage.preparation.audit.perceptual import perceptual_hash

# The reason of photographs that could be read but in which the detector found no face.
NO_FACE = "no face was found"
# A chip whose values (0..255) have a smaller standard deviation shows no face.
MIN_CONTRAST = 1.0


@dataclass(frozen=True)
class Ingested:
    """A picture, the split that its source gives it, and its chip, uint8 RGB (size, size, 3)."""

    record: Record
    split: str | None
    chip: NDArray[np.uint8]


# Records and chips of an earlier run, by (byte hash of the file, aligned).
Known = Mapping[tuple[str, bool], tuple[Record, NDArray[np.uint8]]]


@dataclass(frozen=True, kw_only=True)
class Ingestion:
    """How pictures become chips.

    Attributes:
        contract: Size and geometry of the chips.
        detector: As in ``faces.choice.open_detector``; loaded when the first photograph comes.
        min_face: As in ``open_detector``.
        workers: Number of pictures that are processed at the same time.
        max_pixels: Limit of width x height; a larger picture is refused by its header.
        known: Records and chips of an earlier run, which need no decoding.
    """

    contract: CropContract
    detector: str = DEFAULT_DETECTOR
    min_face: float | None = None
    workers: int = 1
    max_pixels: int = 100_000_000
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
        labelled = replace(record, source=source, name=entry.name, label=entry.label)
        return Ingested(replace(labelled, wrong_extension=wrong_extension), entry.split, chip)
    try:
        rgb = load_image(entry.content, max_pixels=ingestion.max_pixels)
        chip = _crop(rgb, entry.aligned, ingestion.contract, detector)
    except ImageError as error:
        return Dropped(source, entry.name, str(error))
    height, width = rgb.shape[:2]
    # The margin of photographs would make copies of a chip and its photograph look different, and
    # the black margin of a chip would hide that it has one colour.
    face = recrop(chip[None], ingestion.contract, ingestion.contract.without_margin())[0]
    record = Record(
        source=source,
        name=entry.name,
        label=entry.label,
        byte_hash=byte_hash,
        pixel_hash=pixel_hash(rgb),
        perceptual=perceptual_hash(face),
        width=width,
        height=height,
        aligned=entry.aligned,
        wrong_extension=wrong_extension,
        constant=_is_constant(face),
    )
    return Ingested(record, entry.split, chip)


def _is_constant(chip: NDArray[np.uint8]) -> bool:
    import cv2

    # Each channel on its own: the channels of an all-red picture differ from each other.
    _, deviations = cv2.meanStdDev(chip)
    return float(deviations.max()) < MIN_CONTRAST


def _crop(
    rgb: NDArray[np.uint8],
    aligned: bool,
    contract: CropContract,
    detector: Callable[[], Detector],
) -> NDArray[np.uint8]:
    height, width = rgb.shape[:2]
    if min(height, width) < MIN_SIZE:
        raise ImageError(f"{width}x{height} pixels is too small (under {MIN_SIZE})")
    if not aligned:
        faces = detector().detect(rgb)
        if not faces:
            raise ImageError(NO_FACE)
        return extract_chip(rgb, faces[0].landmarks, contract)
    if height != width:
        raise ImageError(
            f"{width}x{height} pixels is not square, so it is not an aligned chip; "
            "use `aligned=no` for photographs"
        )
    return recrop_aligned(rgb, contract)
