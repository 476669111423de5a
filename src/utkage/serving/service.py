"""What a server does with a request for predictions, from its body to its rows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any

from fastapi import HTTPException, Request

from utkage.core.errors import ConfigError
from utkage.core.reporter import Reporter, SilentReporter
from utkage.images.picture_input import PictureInput
from utkage.models.describe import describe_weights
from utkage.prediction.photos import Photo
from utkage.prediction.predictor import ROTATIONS, Predictor
from utkage.serving.body_formats import pictures_in_body
from utkage.serving.capacity import Capacity, CapacityError, Share
from utkage.serving.downloads import Downloads
from utkage.serving.metrics import ServerMetrics
from utkage.serving.picture_queue import PictureQueue, PredictorFailedError
from utkage.serving.request_body import CLIENT_GONE, read_body, too_busy
from utkage.serving.request_options import RequestOptions
from utkage.serving.settings import ServeSettings

# How often a waiting request looks whether its client is still there.
_CLIENT_SECONDS = 0.25
_NAME = "name"


class Service:
    """A predictor with a queue for each way of treating rotated pictures, and its limits.

    Args:
        predictor: Predicts; its settings are the defaults of requests.
        settings: Limits.
        reporter: Receives errors of the predictor.

    Attributes:
        settings: The same.
        card: The card of the weights, without their place.
        metrics: Counts of requests, pictures and faces.
    """

    def __init__(
        self, predictor: Predictor, settings: ServeSettings, reporter: Reporter | None = None
    ) -> None:
        self.settings = settings
        self._reporter = reporter or SilentReporter()
        self._places = Capacity(settings.max_waiting)
        self._held = Capacity(settings.max_held_bytes)
        self.metrics = ServerMetrics(lambda: self._places.count, lambda: self._held.count)
        self._downloads = Downloads(settings)
        self._defaults = RequestOptions.of_settings(predictor.settings)
        # Folders of the server are nobody's business.
        card = describe_weights(predictor.weights)
        self.card = {name: value for name, value in card.items() if name != "path"}
        self._queues = {
            rotate: PictureQueue(
                partial(predictor.photos, rotate=rotate), self._places, self._has_failed
            )
            for rotate in ROTATIONS
        }

    @property
    def waiting(self) -> int:
        """Number of pictures that wait or are predicted."""
        return self._places.count

    @property
    def held_bytes(self) -> int:
        """Number of bytes of the bodies that are held."""
        return self._held.count

    @property
    def is_ready(self) -> bool:
        """Whether pictures can be predicted."""
        return all(queue.is_alive for queue in self._queues.values())

    def close(self) -> None:
        """Predict what waits, and end."""
        self._downloads.close()
        for queue in self._queues.values():
            queue.close()

    async def predict(self, request: Request) -> list[dict[str, Any]]:
        """Rows of the pictures of a request, as ``predict --json`` prints them.

        Raises:
            HTTPException: what is wrong with the request, 429 if too many pictures wait, 503 if it
                takes too long or the predictor has failed, 499 if the client is gone.
        """
        # Known before the body is read, so that no client sends it in vain.
        if self._places.is_full:
            raise too_busy("too many pictures wait")
        with Share(self._held) as held:
            content = await read_body(request, self.settings, held)
            pictures, options = await asyncio.to_thread(self._understood, request, content)
            del content
            pictures = await self._downloads.contents(pictures, held)
            photos = await self._photos(request, self._submit(pictures, options))
            rows = await asyncio.to_thread(
                lambda: [row.to_dict() for photo in photos for row in options.rows(photo)]
            )
        self.metrics.count(photos)
        return rows

    def _understood(
        self, request: Request, content: bytes
    ) -> tuple[Sequence[PictureInput], RequestOptions]:
        """The pictures and the options of a request."""
        query = list(request.query_params.multi_items())
        name = next((value for key, value in query if key == _NAME), None)
        kind = request.headers.get("content-type", "")
        body = pictures_in_body(kind, content, name, self.settings)
        given = [*(pair for pair in query if pair[0] != _NAME), *body.options]
        try:
            return body.pictures, self._defaults.changed(given)
        except ConfigError as error:
            raise HTTPException(400, str(error).replace("`", "")) from error

    def _submit(
        self, pictures: Sequence[PictureInput], options: RequestOptions
    ) -> list[Future[Photo]]:
        try:
            return self._queues[options.rotate].submit(pictures)
        except CapacityError as error:
            raise too_busy("too many pictures wait") from error
        except PredictorFailedError as error:
            raise _failed() from error

    async def _photos(self, request: Request, futures: list[Future[Photo]]) -> list[Photo]:
        ends = time.monotonic() + self.settings.seconds
        waiting = [asyncio.wrap_future(future) for future in futures]
        try:
            while True:
                left = ends - time.monotonic()
                _, unfinished = await asyncio.wait(waiting, timeout=min(left, _CLIENT_SECONDS))
                if not unfinished:
                    return [one.result() for one in waiting]
                if await request.is_disconnected():
                    raise HTTPException(CLIENT_GONE, "the client has gone")
                if left <= 0:
                    raise HTTPException(
                        503,
                        f"prediction took longer than {self.settings.seconds:g} s; send fewer "
                        "pictures, or try again later",
                        {"Retry-After": "5"},
                    )
        except PredictorFailedError as error:
            raise _failed() from error
        finally:
            # Pictures that have not been started make room for others.
            for future in futures:
                future.cancel()

    def _has_failed(self, error: BaseException) -> None:
        self.metrics.failures.inc()
        first_line = str(error).partition("\n")[0]
        self._reporter.warn(f"the predictor has failed: {type(error).__name__}: {first_line}")


def _failed() -> HTTPException:
    return HTTPException(
        503,
        "the predictor has failed; see the messages of the server, and start it again if it "
        "is not ready",
        {"Retry-After": "5"},
    )
