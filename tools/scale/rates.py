"""Core-seconds of each stage of ``predict`` for a picture, by size and number of threads."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np

from tools.bench.timing import interleaved
from utkage.faces.retinaface import RetinaFaceDetector
from utkage.images.decode import load_image
from utkage.images.save import save_image
from utkage.prediction.cropping import Cropper
from utkage.prediction.loading import load_predictor
from utkage.prediction.photos import THREAD_BATCH

STAGES = ("decode", "detect", "crop", "network")
THREADS = (1, 2)


@dataclass(frozen=True)
class StageTimes:
    """One size of pictures on one number of threads.

    Attributes:
        long_side: Longer side of the pictures, pixels.
        threads: Number of pictures in work at once.
        picture_bytes: Mean size of the JPEG files.
        faces: Mean number of faces in a picture.
        seconds: Processor time of each of ``STAGES`` for a picture; that of other programs, which
            the clock would count on a busy machine, is not in it.
    """

    long_side: int
    threads: int
    picture_bytes: float
    faces: float
    seconds: dict[str, float]

    @property
    def total(self) -> float:
        """Processor time of all stages for a picture."""
        return sum(self.seconds.values())


def measure(photos: Sequence[Path], sides: Sequence[int], rounds: int) -> list[StageTimes]:
    """Measure all stages on the photographs, scaled to each long side, in interleaved rounds."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for side in sides:
            files = [_scaled(path, side, Path(folder)) for path in photos]
            found += _measure_files(files, side, rounds)
    return found


def _measure_files(files: list[Path], side: int, rounds: int) -> list[StageTimes]:
    predictor = load_predictor("shipped", threads=1)
    detector = RetinaFaceDetector()
    images = [load_image(path) for path in files]
    faces = [detector.detect(image) for image in images]
    croppers = [Cropper(predictor.card.contract, _Known(found)) for found in faces]
    pairs = list(zip(croppers, images, strict=True))
    chips = np.stack([chip for cropper, image in pairs for chip in cropper.cut(image)[1]])
    batches = np.split(chips, range(THREAD_BATCH, len(chips), THREAD_BATCH))
    work: dict[str, tuple[Callable[[Any], object], Sequence[Any]]] = {
        "decode": (load_image, files),
        "detect": (detector.detect, images),
        "crop": (lambda pair: pair[0].cut(pair[1]), pairs),
        "network": (predictor.predict_chips, batches),
    }
    runs = {
        f"{stage} {threads}": partial(_on_threads, threads, *work[stage])
        for stage in STAGES
        for threads in THREADS
    }
    times = interleaved(runs, rounds)
    size = sum(path.stat().st_size for path in files) / len(files)
    return [
        StageTimes(
            side,
            threads,
            size,
            len(chips) / len(files),
            {
                stage: median(own.cpu for own in times[f"{stage} {threads}"]) / len(files)
                for stage in STAGES
            },
        )
        for threads in THREADS
    ]


class _Known:
    """A detector that returns faces found before."""

    def __init__(self, faces: list[Any]) -> None:
        self._faces = faces

    def detect(self, rgb: Any) -> list[Any]:
        return self._faces


def _on_threads(threads: int, work: Callable[[Any], object], items: Sequence[Any]) -> None:
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, items))


def _scaled(path: Path, side: int, folder: Path) -> Path:
    rgb = load_image(path)
    scale = side / max(rgb.shape[:2])
    made = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    target = folder / f"{side}-{path.stem}.jpg"
    save_image(target, made.astype(np.uint8))
    return target
