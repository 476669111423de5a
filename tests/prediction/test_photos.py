from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import ImageError
from utkage.images.decode import DecodedImage
from utkage.images.objects import as_input
from utkage.images.picture_input import PictureInput
from utkage.prediction.cropping import FoundFace
from utkage.prediction.photos import DEVICE_BATCH, THREAD_BATCH, Photo, predict_photos
from utkage.prediction.predictions import Predictions

FACE = FoundFace((0.0, 0.0, 8.0, 8.0), (), 0.9)


class FakeCropper:
    """Finds as many faces as the red of the first pixel says; 255 and 254 are broken pictures."""

    def cut_decoded(self, decoded: DecodedImage) -> tuple[tuple[FoundFace, ...], tuple[Any, ...]]:
        rgb = decoded.pixels
        count = int(rgb[0, 0, 0])
        if count == 255:
            raise ImageError("a bad picture")
        if count == 254:
            raise RuntimeError("a bug\nin a network")
        return (FACE,) * count, tuple(
            np.full((8, 8, 3), rgb[0, 0, 1], np.uint8) for _ in range(count)
        )


class FakePredictor:
    """Predicts the value of a chip as its age, and notes the sizes of its batches."""

    card = SimpleNamespace()
    engine = "onnx"

    def __init__(self) -> None:
        self.batches: list[int] = []

    def predict_chips(self, chips: NDArray[np.uint8]) -> Predictions:
        self.batches.append(len(chips))
        age = chips[:, 0, 0, 0].astype(np.float64)
        distribution = np.eye(117)[age.astype(int)]
        return Predictions(age, distribution, np.full((len(age), 9), 1 / 9), np.full(len(age), 0.5))


def picture(faces: int, value: int) -> PictureInput:
    rgb = np.zeros((8, 8, 3), np.uint8)
    rgb[..., 0], rgb[..., 1] = faces, value
    return as_input(rgb)


def photos_of(pictures: Any, predictor: FakePredictor, **options: Any) -> Iterator[Photo]:
    return predict_photos(pictures, predictor, FakeCropper(), workers=2, **options)  # type: ignore[arg-type]


def test_every_face_gets_its_own_prediction_in_order() -> None:
    predictor = FakePredictor()
    counts = [1, 0, 3, 2, 7, 0, 1]
    photos = list(photos_of([picture(n, at) for at, n in enumerate(counts)], predictor))
    assert [len(photo.faces) for photo in photos] == counts
    assert [photo.status for photo in photos] == ["ok" if n else "no_face" for n in counts]
    for at, photo in enumerate(photos):
        assert photo.predictions.age.tolist() == [at] * counts[at]
        assert photo.image is None
    assert max(predictor.batches) <= THREAD_BATCH
    assert sum(predictor.batches) == sum(counts)
    assert len(predictor.batches) < sum(counts)


def test_a_bad_picture_does_not_stop_the_run() -> None:
    photos = list(photos_of([picture(255, 0), picture(254, 0), picture(1, 30)], FakePredictor()))
    assert [photo.status for photo in photos] == ["failed", "failed", "ok"]
    assert photos[0].reason == "array: a bad picture"
    assert photos[1].reason == "array: RuntimeError: a bug in a network"
    assert len(photos[0].predictions) == 0


def test_images_are_kept_on_request() -> None:
    (photo,) = photos_of([picture(1, 20)], FakePredictor(), keep_images=True)
    assert photo.image is not None
    assert photo.image.shape == (8, 8, 3)


def test_nothing_waits_for_an_input_that_is_not_there_yet() -> None:
    """While the next input is not ready, everything before it comes out."""
    given = 0

    def pictures() -> Iterator[PictureInput]:
        nonlocal given
        for value in range(3):
            given += 1
            yield picture(1, value)

    stream = photos_of(pictures(), FakePredictor(), ready=lambda: False)
    for value in range(3):
        assert next(stream).predictions.age.tolist() == [value]
        assert given == value + 1


def test_pictures_are_found_while_a_device_predicts() -> None:
    stage, active, both = threading.Lock(), {"detect": 0, "predict": 0}, []

    @contextmanager
    def running(name: str, seconds: float) -> Iterator[None]:
        with stage:
            active[name] += 1
            both.append(active["detect"] > 0 and active["predict"] > 0)
        # Like decoding, and like waiting for a GPU, this lets other threads run.
        time.sleep(seconds)
        yield
        with stage:
            active[name] -= 1

    class SlowCropper(FakeCropper):
        def cut_decoded(self, decoded: DecodedImage) -> Any:
            with running("detect", 0.004):
                return super().cut_decoded(decoded)

    class SlowDevice(FakePredictor):
        engine = "torch"

        def predict_chips(self, chips: NDArray[np.uint8]) -> Predictions:
            with running("predict", 0.06):
                return super().predict_chips(chips)

    pictures = [picture(1, number % 100) for number in range(8 * DEVICE_BATCH)]
    found = list(predict_photos(pictures, SlowDevice(), SlowCropper(), workers=2))  # type: ignore[arg-type]
    assert {photo.reason for photo in found} == {None}
    assert [int(photo.predictions.age[0]) for photo in found] == [n % 100 for n in range(256)]
    assert sum(both) > 8, "the stages ran one after the other"
