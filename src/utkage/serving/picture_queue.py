"""The queue of a server: pictures of all requests go through one predictor, in batches.

A predictor reads pictures from an iterator and returns photos in the same order. Here that
iterator is a queue, so faces of different requests share a batch, and decoding, detection and
prediction overlap. While nothing waits, no picture is held back to fill a batch (``ready`` of
``Predictor.photos``).
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass

from utkage.images.picture_input import PictureInput
from utkage.prediction.photos import Photo
from utkage.serving.capacity import Capacity

MOST_FAILURES = 3
"""Errors of a predictor in a row, without a photo between them, after which it is given up."""

_CANCELLED = PictureInput("cancelled", b"", problem="cancelled")


class PredictorFailedError(Exception):
    """The predictor has ended with an error."""


@dataclass(eq=False)
class _Item:
    """A picture that waits, and where its photo goes; ``picture`` is None once that is settled."""

    picture: PictureInput | None
    future: Future[Photo]


class PictureQueue:
    """Predicts pictures of any number of threads on a thread of its own, until it is closed.

    An error of the predictor fails the pictures that it has begun, and the others go through a
    fresh stream of photos.

    Args:
        photos: As ``Predictor.photos``; used by that thread alone.
        places: Counts the pictures that wait or are predicted.
        on_failure: Called with every error that the predictor ends with.
    """

    def __init__(
        self,
        photos: Callable[..., Generator[Photo, None, None]],
        places: Capacity,
        on_failure: Callable[[BaseException], None] = lambda _: None,
    ) -> None:
        self._photos, self._places, self._on_failure = photos, places, on_failure
        self._waiting: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._started: deque[_Item | None] = deque()
        self._lock = threading.Lock()
        self._is_closing = False
        self._failures = 0
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="utkage-predict", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether pictures are still predicted."""
        return self._thread.is_alive() and self._failure is None

    def submit(self, pictures: Sequence[PictureInput]) -> list[Future[Photo]]:
        """Queue pictures, all or none; a future that is cancelled in time costs nothing more.

        Raises:
            CapacityError: there are too few places.
            PredictorFailedError: the predictor was given up after several errors.
        """
        items = [_Item(picture, Future()) for picture in pictures]
        with self._lock:
            if self._failure is not None:
                raise PredictorFailedError from self._failure
            self._places.take(len(items))
            for item in items:
                item.future.add_done_callback(lambda _, item=item: self._settle(item))  # type: ignore[misc]
                self._waiting.put(item)
        return [item.future for item in items]

    def close(self) -> None:
        """Predict what waits, and end the thread."""
        self._waiting.put(None)
        self._thread.join()

    def _settle(self, item: _Item) -> None:
        # A cancelled item waits for its turn, but its picture must not take memory until then.
        item.picture = None
        self._places.leave(1)

    def _pictures(self) -> Iterator[PictureInput]:
        while (item := self._waiting.get()) is not None:
            is_wanted = item.future.set_running_or_notify_cancel()
            self._started.append(item if is_wanted else None)
            # A cancelled one takes its place without work: waiting for the next picture instead
            # would hold back the photos before it.
            yield item.picture if is_wanted and item.picture is not None else _CANCELLED
        self._is_closing = True

    def _run(self) -> None:
        while not self._is_closing and self._failure is None:
            try:
                self._predict()
            # Whoever waits must learn of it; the server reports when it is not ready any more.
            except BaseException as error:
                self._fail(error)

    def _predict(self) -> None:
        ready = lambda: not self._waiting.empty()  # noqa: E731
        with closing(self._photos(self._pictures(), ready=ready)) as photos:
            for photo in photos:
                item = self._started.popleft()
                if item is not None:
                    self._failures = 0
                    item.future.set_result(photo)

    def _fail(self, error: BaseException) -> None:
        self._failures += 1
        given_up = self._failures >= MOST_FAILURES
        with self._lock:
            if given_up:
                self._failure = error
        self._on_failure(error)
        failed = [item for item in self._started if item is not None]
        self._started.clear()
        while given_up and not self._waiting.empty():
            item = self._waiting.get()
            if item is not None and item.future.set_running_or_notify_cancel():
                failed.append(item)
        for item in failed:
            problem = PredictorFailedError("the predictor has failed")
            problem.__cause__ = error
            item.future.set_exception(problem)
