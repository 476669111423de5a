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
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing

from utkage.images.inputs import PictureInput
from utkage.prediction.photos import Photo
from utkage.prediction.predictor import Predictor

_CANCELLED = PictureInput("cancelled", b"", problem="cancelled")


class QueueFullError(Exception):
    """More pictures would wait than the server holds."""


class PredictorFailedError(Exception):
    """The predictor has ended with an error, so nothing can be predicted any more."""


class PictureQueue:
    """Predicts pictures of any number of threads on a thread of its own, until it is closed.

    Args:
        predictor: Used by that thread alone.
        most: Largest number of pictures that wait or are predicted.
    """

    def __init__(self, predictor: Predictor, most: int) -> None:
        self._predictor, self._most = predictor, most
        self._waiting: queue.SimpleQueue[tuple[PictureInput, Future[Photo]] | None]
        self._waiting = queue.SimpleQueue()
        self._started: deque[Future[Photo] | None] = deque()
        self._lock = threading.Lock()
        self._count = 0
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="utkage-predict", daemon=True)
        self._thread.start()

    @property
    def count(self) -> int:
        """Number of pictures that wait or are predicted."""
        return self._count

    @property
    def is_alive(self) -> bool:
        """Whether pictures are still predicted."""
        return self._thread.is_alive() and self._failure is None

    def submit(self, pictures: Sequence[PictureInput]) -> list[Future[Photo]]:
        """Queue pictures, all or none; a future that is cancelled in time costs nothing more.

        Raises:
            QueueFullError: more than ``most`` would wait.
            PredictorFailedError: the predictor has ended with an error.
        """
        futures: list[Future[Photo]] = [Future() for _ in pictures]
        with self._lock:
            if self._failure is not None:
                raise PredictorFailedError from self._failure
            if self._count + len(pictures) > self._most:
                raise QueueFullError
            self._count += len(pictures)
            for picture, future in zip(pictures, futures, strict=True):
                future.add_done_callback(self._leave)
                self._waiting.put((picture, future))
        return futures

    def close(self) -> None:
        """Predict what waits, and end the thread."""
        self._waiting.put(None)
        self._thread.join()

    def _leave(self, _: Future[Photo]) -> None:
        with self._lock:
            self._count -= 1

    def _pictures(self) -> Iterator[PictureInput]:
        while (item := self._waiting.get()) is not None:
            picture, future = item
            is_wanted = future.set_running_or_notify_cancel()
            self._started.append(future if is_wanted else None)
            # A cancelled one takes its place without work: waiting for the next picture instead
            # would hold back the photos before it.
            yield picture if is_wanted else _CANCELLED

    def _run(self) -> None:
        try:
            ready = lambda: not self._waiting.empty()  # noqa: E731
            with closing(self._predictor.photos(self._pictures(), ready=ready)) as photos:
                for photo in photos:
                    future = self._started.popleft()
                    if future is not None:
                        future.set_result(photo)
        # Whoever waits must learn of it; the server reports that it is not ready any more.
        except BaseException as error:
            with self._lock:
                self._failure = error
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        for future in filter(None, self._started):
            future.set_exception(error)
        while not self._waiting.empty():
            item = self._waiting.get()
            if item is not None and item[1].set_running_or_notify_cancel():
                item[1].set_exception(error)
