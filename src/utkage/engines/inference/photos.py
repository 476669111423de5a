"""From photographs to faces with answers, batched over photographs.

Decoding, detection and cropping run on threads (all three release the interpreter lock); chips of
several photographs are then answered in one batch. Results come out in the order of the inputs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import ImageError
from utkage.engines.inference.predictions import Predictions
from utkage.engines.inference.predictor import ChipPredictor
from utkage.faces.alignment import extract_chip
from utkage.faces.contract import MIN_SIDE, CropContract, Point
from utkage.faces.detector import Detector
from utkage.images.decode import load_image
from utkage.images.resize import resize_square

OK = "ok"
NO_FACE = "no_face"
FAILED = "failed"

# Enough for the CPU's matrix units; more only delays the first answer.
CHIP_BATCH = 32


@dataclass(frozen=True)
class FoundFace:
    """Where a face is in its photograph, pixels.

    Attributes:
        box: x0, y0, x1, y1.
        landmarks: Left eye, right eye, nose, left and right mouth corner; empty if not known.
        score: Confidence of the detector, 0..1; None where no detector was asked.
    """

    box: tuple[float, float, float, float]
    landmarks: tuple[Point, ...]
    score: float | None


@dataclass(frozen=True)
class Photo:
    """One input with its faces and their answers.

    Attributes:
        file: The path as given.
        status: ``"ok"``, ``"no_face"`` or ``"failed"``.
        reason: Why it failed, or None.
        image: uint8 RGB (H, W, 3) if images were to be kept, else None.
        faces: Largest first.
        predictions: Answers in the order of ``faces``.
    """

    file: Path
    status: str
    reason: str | None
    image: NDArray[np.uint8] | None
    faces: tuple[FoundFace, ...]
    predictions: Predictions


@dataclass(frozen=True)
class _Seen:
    file: Path
    reason: str | None
    image: NDArray[np.uint8] | None
    faces: tuple[FoundFace, ...]
    chips: tuple[NDArray[np.uint8], ...]


def predict_photos(
    files: Sequence[Path],
    predictor: ChipPredictor,
    detector: Detector | None,
    *,
    workers: int,
    max_faces: int | None = None,
    keep_images: bool = False,
) -> Iterator[Photo]:
    """Find and answer for every face in every file; a bad file never stops the run.

    Args:
        files: Picture files.
        predictor: Answers for chips.
        detector: Finds faces; None: each picture is a chip already.
        workers: Threads for decoding, detection and cropping.
        max_faces: Keep only this many faces of a photograph, the largest.
        keep_images: Carry the decoded pictures along in the results.
    """
    contract = predictor.card.contract

    def look(file: Path) -> _Seen:
        try:
            image = load_image(file)
            faces, chips = _cut(image, detector, contract, max_faces)
        except ImageError as error:
            return _Seen(file, str(error), None, (), ())
        except OSError as error:
            return _Seen(file, f"{file}: {error.strerror or error}", None, (), ())
        return _Seen(file, None, image if keep_images else None, faces, chips)

    for group in _grouped(_mapped(look, files, workers)):
        chips = [chip for seen in group for chip in seen.chips]
        parts = [
            predictor.predict_chips(np.stack(chips[start : start + CHIP_BATCH]))
            for start in range(0, len(chips), CHIP_BATCH)
        ]
        answers = Predictions.concatenate(parts)
        first = 0
        for seen in group:
            own = answers.select(first, first + len(seen.chips))
            first += len(seen.chips)
            status = FAILED if seen.reason else OK if seen.faces else NO_FACE
            yield Photo(seen.file, status, seen.reason, seen.image, seen.faces, own)


def _cut(
    image: NDArray[np.uint8],
    detector: Detector | None,
    contract: CropContract,
    max_faces: int | None,
) -> tuple[tuple[FoundFace, ...], tuple[NDArray[np.uint8], ...]]:
    if detector is None:
        height, width = image.shape[:2]
        if min(height, width) < MIN_SIDE:
            raise ImageError(f"{width}x{height} pixels is too small (under {MIN_SIDE})")
        if height != width:
            raise ImageError(
                f"{width}x{height} pixels is not square, so it is not a chip; use --crop auto"
            )
        whole = FoundFace((0.0, 0.0, float(width), float(height)), (), None)
        return (whole,), (resize_square(image, contract.size),)
    found = detector.detect(image)[:max_faces]
    faces = tuple(FoundFace(face.box, face.landmarks, face.score) for face in found)
    return faces, tuple(extract_chip(image, face.landmarks, contract) for face in found)


def _mapped(look: Callable[[Path], _Seen], files: Sequence[Path], workers: int) -> Iterator[_Seen]:
    waiting: deque[Future[_Seen]] = deque()
    remaining = iter(files)
    with ThreadPoolExecutor(max_workers=workers) as pool:
        # A bounded window: memory does not grow with the number of files.
        waiting.extend(pool.submit(look, file) for file in islice(remaining, 4 * workers))
        while waiting:
            seen = waiting.popleft().result()
            waiting.extend(pool.submit(look, file) for file in islice(remaining, 1))
            yield seen


def _grouped(stream: Iterator[_Seen]) -> Iterator[list[_Seen]]:
    group: list[_Seen] = []
    chips = 0
    for seen in stream:
        group.append(seen)
        chips += len(seen.chips)
        if chips >= CHIP_BATCH or len(group) >= 4 * CHIP_BATCH:
            yield group
            group, chips = [], 0
    if group:
        yield group
