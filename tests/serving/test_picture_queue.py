"""The queue of a server: errors of the predictor, and the memory of pictures that were given up."""

from __future__ import annotations

import gc
import time
from concurrent.futures import Future
from typing import Any

import pytest
from held_predictor import HeldPredictor

from utkage.images.picture_input import PictureInput
from utkage.prediction.photos import Photo
from utkage.serving.capacity import Capacity, CapacityError
from utkage.serving.picture_queue import MOST_FAILURES, PictureQueue, PredictorFailedError

PREDICT = "/v1/predict"


def _pictures(*names: str) -> list[PictureInput]:
    return [PictureInput(name, b"") for name in names]


def _names(futures: list[Future[Photo]]) -> list[str]:
    return [future.result(10).name for future in futures]


def test_an_error_fails_its_pictures_and_no_others(held: HeldPredictor) -> None:
    places, errors = Capacity(9), []
    queue = PictureQueue(held.photos, places, errors.append)
    before = queue.submit(_pictures("a"))
    failing = queue.submit(_pictures("fault"))
    after = queue.submit(_pictures("b", "c"))
    held.released.set()
    assert _names(before) == ["a"]
    with pytest.raises(PredictorFailedError):
        failing[0].result(10)
    assert _names(after) == ["b", "c"]
    assert [str(error) for error in errors] == ["a driver has crashed"]
    assert queue.is_alive
    queue.close()
    assert places.count == 0


def test_a_predictor_that_always_fails_is_given_up(quick: HeldPredictor) -> None:
    places = Capacity(9)
    queue = PictureQueue(quick.photos, places)
    for _ in range(MOST_FAILURES):
        assert queue.is_alive
        with pytest.raises(PredictorFailedError):
            queue.submit(_pictures("fault"))[0].result(10)
    with pytest.raises(PredictorFailedError):
        queue.submit(_pictures("a"))
    assert not queue.is_alive
    assert places.count == 0
    queue.close()


def test_what_waits_when_a_predictor_is_given_up_fails(held: HeldPredictor) -> None:
    queue = PictureQueue(held.photos, Capacity(9))
    first = queue.submit(_pictures("a"))
    waiting = queue.submit(_pictures(*["fault"] * MOST_FAILURES, "b"))
    held.released.set()
    assert _names(first) == ["a"]
    for future in waiting:
        with pytest.raises(PredictorFailedError):
            future.result(10)
    queue.close()


def test_a_cancelled_picture_takes_no_memory_while_it_waits(held: HeldPredictor) -> None:
    queue = PictureQueue(held.photos, Capacity(9))
    started = queue.submit(_pictures("a"))
    while not held.seen:
        time.sleep(0.01)

    class Content(bytes):
        pass

    content = Content(b"large")
    (waiting,) = queue.submit([PictureInput("b", content)])
    assert waiting.cancel()
    del waiting
    assert len(gc.get_referrers(content)) <= 1, "only this frame"
    held.released.set()
    assert _names(started) == ["a"]
    assert _names(queue.submit(_pictures("c"))) == ["c"]
    queue.close()


def test_a_predictor_that_has_failed(make_client, quick: HeldPredictor) -> None:
    warnings: list[str] = []

    class Reporter:
        def warn(self, message: str) -> None:
            warnings.append(message)

    client = make_client(predictor=quick, reporter=Reporter())

    def post(name: str) -> Any:
        return client.post(f"{PREDICT}?name={name}", content=b"x")

    assert post("fault").status_code == 503
    assert post("a").status_code == 200
    assert client.get("/readyz").status_code == 200
    for _ in range(MOST_FAILURES):
        response = post("fault")
        assert response.status_code == 503
        assert "the predictor has failed" in response.json()["error"]
    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200
    assert post("a").status_code == 503
    assert warnings[0] == "the predictor has failed: RuntimeError: a driver has crashed"
    assert "utkage_predictor_failures_total 4.0" in client.get("/metrics").text


def test_a_capacity_is_taken_whole_or_not_at_all() -> None:
    capacity = Capacity(3)
    capacity.take(2)
    with pytest.raises(CapacityError):
        capacity.take(2)
    assert (capacity.count, capacity.is_full) == (2, False)
    capacity.take(1)
    assert capacity.is_full
    capacity.leave(3)
    assert capacity.count == 0
