"""From a source to labelled chips: decode the picture, bring it to chip size."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import ImageError
from utkage.data.labels import FaceLabel
from utkage.data.sources import Entry, Source
from utkage.images.decode import load_image
from utkage.images.resize import resize_square

MIN_SIDE = 32


@dataclass(frozen=True)
class Chip:
    """One labelled, decoded chip.

    Attributes:
        name: File name in its source.
        label: What the source says.
        pixel_hash: SHA-256 (hex) of the decoded picture at its original size, so that copies
            saved with other metadata are still recognised.
        pixels: uint8 RGB, (size, size, 3).
    """

    name: str
    label: FaceLabel
    pixel_hash: str
    pixels: NDArray[np.uint8]


@dataclass(frozen=True)
class Dropped:
    """A picture that is left out, and why."""

    name: str
    reason: str


def ingest(
    source: Source,
    size: int,
    workers: int,
    on_position: Callable[[int], None] = lambda position: None,
) -> Iterator[Chip | Dropped]:
    """Yield every picture of ``source`` as a chip of ``size`` pixels, or as dropped.

    Pictures are decoded on ``workers`` threads (decoders release the interpreter lock) and come
    out in the order of the source. ``on_position`` hears how many bytes have been consumed.
    """
    waiting: deque[tuple[int, Future[Chip | Dropped]]] = deque()
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for entry in source.entries():
            waiting.append((entry.position, pool.submit(_to_chip, entry, size)))
            # A bounded window keeps memory constant however large the source is.
            while len(waiting) > 8 * workers:
                position, future = waiting.popleft()
                yield future.result()
                on_position(position)
        while waiting:
            position, future = waiting.popleft()
            yield future.result()
            on_position(position)


def pixel_hash(rgb: NDArray[np.uint8]) -> str:
    """SHA-256 (hex) of a picture's shape and RGB values."""
    digest = hashlib.sha256(repr(rgb.shape).encode())
    digest.update(np.ascontiguousarray(rgb).data)
    return digest.hexdigest()


def _to_chip(entry: Entry, size: int) -> Chip | Dropped:
    if entry.problem is not None or entry.label is None:
        return Dropped(entry.name, entry.problem or "no label")
    try:
        rgb = load_image(entry.content)
    except ImageError as error:
        return Dropped(entry.name, str(error))
    height, width = rgb.shape[:2]
    if min(height, width) < MIN_SIDE:
        return Dropped(entry.name, f"{width}x{height} pixels is too small (under {MIN_SIDE})")
    if height != width:
        return Dropped(
            entry.name, f"{width}x{height} pixels is not square, so it is not an aligned chip"
        )
    return Chip(entry.name, entry.label, pixel_hash(rgb), resize_square(rgb, size))
