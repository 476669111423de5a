"""From photographs to faces with answers, overlapped and batched over photographs.

Decoding, detection, cropping and answering are jobs of one pool with a thread a core; each job
runs on its thread alone and releases the interpreter lock for nearly all of its time. Chips of
several photographs are answered in one batch, while later photographs are decoded. Results come
out in the order of the inputs, and memory does not grow with their number.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import ImageError
from utkage.images.inputs import PictureInput, always
from utkage.prediction.chip_predictor import ChipPredictor
from utkage.prediction.cropping import Cropper, FoundFace
from utkage.prediction.predictions import Predictions

OK = "ok"
NO_FACE = "no_face"
FAILED = "failed"

# Chips that are answered in one batch. One thread of a processor is no faster with more, and what
# comes last would keep one core busy while the others are idle; GPUs want more.
THREAD_BATCH = 4
DEVICE_BATCH = 32
# Batches that wait for their answers while further photographs are looked at.
_BATCHES_WAITING = 2
# Photographs of a batch whose decoded pictures are carried along; a telephone's has 36 MB.
_KEPT_PICTURES = 8


@dataclass(frozen=True)
class Photo:
    """One input with its faces and their answers.

    Attributes:
        name: What it is called in rows: the path as given.
        status: ``"ok"``, ``"no_face"`` or ``"failed"``.
        reason: Why it failed, or None.
        image: uint8 RGB (H, W, 3) if images were to be kept, else None.
        faces: Largest first.
        chips: uint8 RGB (size, size, 3) of each face.
        predictions: Answers in the order of ``faces``.
    """

    name: str
    status: str
    reason: str | None
    image: NDArray[np.uint8] | None
    faces: tuple[FoundFace, ...]
    chips: tuple[NDArray[np.uint8], ...]
    predictions: Predictions


@dataclass(frozen=True)
class _Seen:
    name: str
    reason: str | None
    image: NDArray[np.uint8] | None
    faces: tuple[FoundFace, ...]
    chips: tuple[NDArray[np.uint8], ...]


def predict_photos(
    pictures: Iterable[PictureInput],
    predictor: ChipPredictor,
    cropper: Cropper,
    *,
    workers: int,
    keep_images: bool = False,
    ready: Callable[[], bool] = always,
) -> Generator[Photo, None, None]:
    """Find and answer for every face in every picture; a bad one never stops the run.

    Args:
        pictures: What to look at, read as it is needed.
        predictor: Answers for chips.
        cropper: Finds faces and cuts them out.
        workers: Threads.
        keep_images: Carry the decoded pictures along in the results.
        ready: Whether the next picture can be had without waiting; while it cannot, all that came
            before are answered and come out.
    """
    pool = ThreadPoolExecutor(max_workers=workers)
    waiting: deque[tuple[list[_Seen], Future[Predictions]]] = deque()
    batch = THREAD_BATCH if predictor.engine == "onnx" else DEVICE_BATCH
    longest = _KEPT_PICTURES if keep_images else 4 * batch
    # While a batch is answered, the other threads must not run out of photographs.
    ahead = 2 * workers + (min(_KEPT_PICTURES, batch) if keep_images else batch)
    try:
        with closing(_looked_at(pool, pictures, ready, cropper, ahead, keep_images)) as stream:
            for group in _grouped(stream, batch, longest):
                if group:
                    chips = [chip for seen in group for chip in seen.chips]
                    waiting.append((group, pool.submit(_answers, predictor, chips, batch)))
                while len(waiting) > (_BATCHES_WAITING if group else 0):
                    yield from _photos(*waiting.popleft())
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _looked_at(
    pool: Executor,
    pictures: Iterable[PictureInput],
    ready: Callable[[], bool],
    cropper: Cropper,
    ahead: int,
    keep_images: bool,
) -> Generator[_Seen | None, None, None]:
    """Each picture; None before waiting for one that has not been named yet, and at the end."""
    remaining = iter(pictures)
    waiting: deque[Future[_Seen]] = deque()
    while True:
        if not waiting and not ready():
            yield None
        while len(waiting) < ahead and (ready() or not waiting):
            picture = next(remaining, None)
            if picture is None:
                break
            waiting.append(pool.submit(_look, picture, cropper, keep_images))
        if not waiting:
            yield None
            return
        yield waiting.popleft().result()


def _look(picture: PictureInput, cropper: Cropper, keep_image: bool) -> _Seen:
    try:
        image = picture.load()
        faces, chips = cropper.cut(image)
    except ImageError as error:
        return _Seen(picture.name, _about(picture.name, str(error)), None, (), ())
    # Whatever a picture does to a decoder or a network, the others have to be answered.
    except Exception as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        return _Seen(picture.name, _about(picture.name, reason), None, (), ())
    return _Seen(picture.name, None, image if keep_image else None, faces, chips)


def _about(name: str, reason: str) -> str:
    return reason if reason.startswith(name) else f"{name}: {reason}"


def _answers(predictor: ChipPredictor, chips: list[NDArray[np.uint8]], batch: int) -> Predictions:
    return Predictions.concatenate(
        [
            predictor.predict_chips(np.stack(chips[start : start + batch]))
            for start in range(0, len(chips), batch)
        ]
    )


def _photos(group: list[_Seen], answered: Future[Predictions]) -> Iterator[Photo]:
    answers = answered.result()
    first = 0
    for seen in group:
        own = answers.select(first, first + len(seen.chips))
        first += len(seen.chips)
        status = FAILED if seen.reason else OK if seen.faces else NO_FACE
        yield Photo(seen.name, status, seen.reason, seen.image, seen.faces, seen.chips, own)


def _grouped(stream: Iterable[_Seen | None], batch: int, longest: int) -> Iterator[list[_Seen]]:
    """Pictures whose chips fill a batch; for None what there is, then an empty group."""
    group: list[_Seen] = []
    chips = 0
    for seen in stream:
        if seen is not None:
            group.append(seen)
            chips += len(seen.chips)
        if group and (seen is None or chips >= batch or len(group) >= longest):
            yield group
            group, chips = [], 0
        if seen is None:
            yield []
