"""From photographs to faces with predictions, in parallel and batched over photographs.

Decoding, detection, cropping and prediction are jobs of one thread pool, which release the
interpreter lock most of the time. Chips of several photographs form one batch, which is predicted
while later photographs are decoded. Memory does not grow with the number of photographs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, Future
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import ImageError, WeightsError
from utkage.core.memory_errors import explaining_memory_errors, is_memory_error
from utkage.core.pools import thread_pool
from utkage.faces.colour_order import BGR, looks_bgr
from utkage.faces.face_appearance import COVERED
from utkage.faces.quality import TRUNCATED
from utkage.images.inputs import always
from utkage.images.picture_input import PictureInput
from utkage.images.reduction import MAX_PIXELS
from utkage.images.several import later_pictures
from utkage.prediction.chip_predictor import ChipPredictor
from utkage.prediction.cropping import Cropper, FoundFace
from utkage.prediction.predictions import Predictions

# Chips per batch. One CPU thread is no faster with more, and a large last batch would keep one core
# busy while the others are idle; GPUs need more.
THREAD_BATCH = 4
DEVICE_BATCH = 32
# Batches that may wait for their predictions while further photographs are decoded.
_BATCHES_WAITING = 2
LESS_MEMORY = "predict fewer pictures at once (`workers`), or make them smaller"
"""What to do when there is too little memory for a picture."""
# Photographs of a batch whose decoded pictures are kept; one of a telephone has 36 MB.
_KEPT_PICTURES = 8


@dataclass(frozen=True, kw_only=True)
class Photo:
    """One input with its faces and their predictions.

    Attributes:
        name: Name in rows: the path as given.
        reason: Why the input failed, or None.
        image: uint8 RGB (H, W, 3) if images are kept, else None.
        scale: As in ``DecodedImage``: coordinates of faces are those of the picture, which is
            ``scale`` times as wide and high as ``image``.
        faces: Faces, the largest first.
        chips: Chip of each face, uint8 RGB (size, size, 3).
        predictions: Predictions in the order of ``faces``.
        frame: Number, from 1, of the picture with these faces in a file that has several; None in
            a file with one picture, or without a face.
    """

    name: str
    reason: str | None = None
    image: NDArray[np.uint8] | None = None
    faces: tuple[FoundFace, ...] = ()
    chips: tuple[NDArray[np.uint8], ...] = ()
    predictions: Predictions = field(default_factory=lambda: Predictions.concatenate([]))
    frame: int | None = None
    scale: int = 1

    @property
    def status(self) -> str:
        """``"ok"``, ``"no_face"`` or ``"failed"``."""
        if self.reason:
            return "failed"
        return "ok" if self.faces else "no_face"


def predict_photos(
    pictures: Iterable[PictureInput],
    predictor: ChipPredictor,
    cropper: Cropper,
    *,
    workers: int,
    keep_images: bool = False,
    ready: Callable[[], bool] = always,
    max_pixels: int = MAX_PIXELS,
) -> Generator[Photo, None, None]:
    """Find every face in every picture and predict its age and gender, on ``workers`` threads.

    Further arguments: as ``Predictor.photos``. A picture that cannot be read gives a ``Photo``
    with a reason.
    """
    waiting: deque[tuple[list[Photo], Future[Predictions]]] = deque()
    batch = THREAD_BATCH if predictor.engine == "onnx" else DEVICE_BATCH
    longest = _KEPT_PICTURES if keep_images else 4 * batch
    # The other threads need photographs while a batch is predicted.
    ahead = 2 * workers + (min(_KEPT_PICTURES, batch) if keep_images else batch)
    detect = partial(_detect, cropper=cropper, max_pixels=max_pixels, keep_image=keep_images)
    with (
        explaining_memory_errors(LESS_MEMORY),
        thread_pool(workers) as pool,
        closing(_detected(pool, pictures, ready, detect, ahead)) as stream,
    ):
        for group in _grouped(stream, batch, longest):
            if group:
                chips = [chip for photo in group for chip in photo.chips]
                waiting.append((group, pool.submit(_predict, predictor, chips, batch)))
            while len(waiting) > (_BATCHES_WAITING if group else 0):
                yield from _with_predictions(*waiting.popleft())


def _detected(
    pool: Executor,
    pictures: Iterable[PictureInput],
    ready: Callable[[], bool],
    detect: Callable[[PictureInput], Photo],
    ahead: int,
) -> Generator[Photo | None, None, None]:
    """Photos without predictions; None before waiting for the next input, and at the end."""
    remaining = iter(pictures)
    waiting: deque[Future[Photo]] = deque()
    while True:
        if not waiting and not ready():
            yield None
        while len(waiting) < ahead and (ready() or not waiting):
            picture = next(remaining, None)
            if picture is None:
                break
            waiting.append(pool.submit(detect, picture))
        if not waiting:
            yield None
            return
        yield waiting.popleft().result()


def _detect(picture: PictureInput, *, cropper: Cropper, max_pixels: int, keep_image: bool) -> Photo:
    try:
        decoded = picture.decode(max_pixels)
        frame = None
        faces, chips = cropper.cut_decoded(decoded)
        if decoded.several is not None:
            frame = 1 if faces else None
            later = later_pictures(decoded.several, max_pixels=max_pixels)
            for number, other in () if faces else later:
                faces, chips = cropper.cut_decoded(other)
                if faces:
                    decoded, frame = other, number
                    break
        if isinstance(picture.source, np.ndarray):
            faces = tuple(
                replace(face, flags=(*face.flags, BGR))
                if COVERED not in face.flags and looks_bgr(chip)
                else face
                for face, chip in zip(faces, chips, strict=True)
            )
        if decoded.truncated:
            faces = tuple(replace(face, flags=(*face.flags, TRUNCATED)) for face in faces)
    # A picture may fail in unexpected ways; the others must still be predicted.
    except Exception as error:
        reason = str(error)
        if is_memory_error(error):
            reason = f"out of memory; {LESS_MEMORY}"
        elif not isinstance(error, ImageError):
            reason = f"{type(error).__name__}: {' '.join(reason.split())}"
        named = reason if reason.startswith(picture.name) else f"{picture.name}: {reason}"
        return Photo(name=picture.name, reason=named)
    kept = decoded.pixels if keep_image else None
    return Photo(
        name=picture.name, image=kept, faces=faces, chips=chips, frame=frame, scale=decoded.scale
    )


def _predict(predictor: ChipPredictor, chips: list[NDArray[np.uint8]], batch: int) -> Predictions:
    starts = range(0, len(chips), batch)
    return Predictions.concatenate(
        [predictor.predict_chips(np.stack(chips[start : start + batch])) for start in starts]
    )


def _with_predictions(group: list[Photo], predicted: Future[Predictions]) -> Iterator[Photo]:
    first = 0
    for photo in group:
        last = first + len(photo.chips)
        yield _predicted(photo, predicted.result()[first:last])
        first = last


def _predicted(photo: Photo, predictions: Predictions) -> Photo:
    """The photo with its predictions; one that failed if they are not possible."""
    try:
        predictions.require_possible()
    except WeightsError as error:
        return Photo(name=photo.name, reason=f"{photo.name}: {error}")
    return replace(photo, predictions=predictions)


def _grouped(stream: Iterable[Photo | None], batch: int, longest: int) -> Iterator[list[Photo]]:
    """Photos whose chips fill a batch. None ends a group early, and an empty group follows it."""
    group: list[Photo] = []
    chips = 0
    for photo in stream:
        if photo is not None:
            group.append(photo)
            chips += len(photo.chips)
        if group and (photo is None or chips >= batch or len(group) >= longest):
            yield group
            group, chips = [], 0
        if photo is None:
            yield []
