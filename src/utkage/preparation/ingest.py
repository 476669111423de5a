"""From a source to labelled chips: decode the picture, find the face if need be, cut the chip."""

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
from utkage.images.decode import load_image
from utkage.images.formats import extension_fits
from utkage.images.resize import resize_square
from utkage.preparation.audit.perceptual import perceptual_hash

# Why a photograph gives no chip though it could be read: what is counted as a miss.
NO_FACE = "no face was found"
# Below this spread of values (0..255) a picture shows nothing.
MIN_CONTRAST = 1.0


@dataclass(frozen=True)
class Ingested:
    """One labelled, decoded picture.

    Attributes:
        record: What is known of it.
        aligned: It came as a chip; otherwise its largest face was found and aligned.
        split: Predefined by its source, or None.
        chip: uint8 RGB, (size, size, 3).
    """

    record: Record
    aligned: bool
    split: str | None
    chip: NDArray[np.uint8]


# What an earlier run made of a file: its record and chip, by (hash of the bytes, aligned).
Known = Mapping[tuple[str, bool], tuple[Record, NDArray[np.uint8]]]


@dataclass(frozen=True, kw_only=True)
class Ingestion:
    """How pictures become chips.

    Attributes:
        contract: Size and geometry of the chips.
        detector: Face detector for photographs, as ``faces.choice.open_detector`` names it. It is
            loaded when the first photograph comes.
        workers: Number of pictures that are processed at the same time.
        max_pixels: Limit of width x height; a larger picture is refused by its header.
        known: Records and chips of an earlier run, which need no decoding.
    """

    contract: CropContract
    detector: str = DEFAULT_DETECTOR
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
    """Turn one entry of a source into a chip, or say why it cannot be used.

    Args:
        entry: The picture with its label.
        source: What its record calls the source.
        ingestion: How pictures become chips.
        detector: Called for photographs only.
    """
    if entry.problem is not None or entry.label is None:
        return Dropped(source, entry.name, entry.problem or "no label")
    byte_hash = hashlib.sha256(entry.content).hexdigest()
    fits = extension_fits(entry.name, entry.content)
    if (byte_hash, entry.aligned) in ingestion.known:
        record, chip = ingestion.known[byte_hash, entry.aligned]
        record = replace(
            record, source=source, name=entry.name, label=entry.label, wrong_extension=not fits
        )
        return Ingested(record, entry.aligned, entry.split, chip)
    try:
        rgb = load_image(entry.content, max_pixels=ingestion.max_pixels)
        chip = _cut(rgb, entry.aligned, ingestion.contract, detector)
    except ImageError as error:
        return Dropped(source, entry.name, str(error))
    height, width = rgb.shape[:2]
    record = Record(
        source=source,
        name=entry.name,
        label=entry.label,
        byte_hash=byte_hash,
        pixel_hash=pixel_hash(rgb),
        perceptual=perceptual_hash(chip),
        width=width,
        height=height,
        wrong_extension=not fits,
        constant=_is_constant(chip),
    )
    return Ingested(record, entry.aligned, entry.split, chip)


def _is_constant(chip: NDArray[np.uint8]) -> bool:
    import cv2

    # By channel: a picture that is red all over shows nothing either.
    _, spread = cv2.meanStdDev(chip)
    return float(spread.max()) < MIN_CONTRAST


def _cut(
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
    return resize_square(rgb, contract.size)
