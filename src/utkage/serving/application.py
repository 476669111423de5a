"""The application of FastAPI: ``POST /v1/predict`` and what operators need.

Nothing is stored, and no name of a picture is logged. The pages of FastAPI that load scripts from a
foreign server are off; ``/openapi.json`` describes the interface.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException as StarletteError

from utkage.core.errors import ConfigError
from utkage.core.versions import versions
from utkage.models.describe import describe
from utkage.prediction.photos import Photo
from utkage.prediction.predictor import Predictor
from utkage.serving.metrics import CONTENT_TYPE, ServerMetrics
from utkage.serving.picture_queue import PictureQueue, PredictorFailedError, QueueFullError
from utkage.serving.request_body import CLIENT_GONE, Body, read_body
from utkage.serving.request_options import RequestOptions
from utkage.serving.settings import ServeSettings

# How often a waiting request looks whether its client is still there.
_CLIENT_SECONDS = 0.25
# Options of requests that choose a predictor, and not what its rows contain.
_ROTATE = "rotate"
_HOME = """<!doctype html><html lang="en"><meta charset="utf-8"><title>utkage</title>
<h1>utkage</h1><p>Send pictures to <code>POST /v1/predict</code>:</p>
<pre>curl -F picture=@photo.jpg http://HOST:PORT/v1/predict</pre>
<p><a href="openapi.json">Interface</a>, <a href="v1/info">weights</a>.</p></html>"""
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "additionalProperties": {"type": "string", "format": "binary"},
                }
            },
            "image/*": {"schema": {"type": "string", "format": "binary"}},
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["pictures"],
                    "properties": {
                        "pictures": {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "required": ["data"],
                                "properties": {
                                    "name": {"type": "string"},
                                    "data": {"type": "string", "format": "byte"},
                                },
                            },
                        },
                        "threshold": {"type": "integer"},
                        "interval": {"type": "number"},
                        "uncertain_below": {"type": "number"},
                        "max_faces": {"type": "integer"},
                        "rotate": {"enum": ["auto", "none"]},
                    },
                }
            },
        },
    },
}


class Service:
    """Predictors and their queues, one for each way of treating rotated pictures."""

    def __init__(
        self, open_predictor: Callable[[str], Predictor], rotate: str, settings: ServeSettings
    ) -> None:
        self.settings, self.rotate = settings, rotate
        self._open = open_predictor
        self.predictor = open_predictor(rotate)
        self._queues = {rotate: PictureQueue(self.predictor, settings.max_waiting)}
        self._opening = asyncio.Lock()
        self.metrics = ServerMetrics(lambda: self.waiting)
        row = self.predictor.settings
        self.defaults = RequestOptions(
            interval=row.interval,
            threshold=row.threshold,
            uncertain_below=row.uncertain_below,
            max_faces=row.max_faces,
        )

    @property
    def waiting(self) -> int:
        """Number of pictures that wait or are predicted."""
        return sum(queue.count for queue in self._queues.values())

    @property
    def is_ready(self) -> bool:
        """Whether pictures can be predicted."""
        return all(queue.is_alive for queue in self._queues.values())

    async def queue(self, rotate: str) -> PictureQueue:
        """The queue of a predictor, which is loaded when it is first asked for."""
        if rotate not in ("auto", "none"):
            raise ConfigError("`rotate`: choose auto or none")
        async with self._opening:
            if rotate not in self._queues:
                predictor = await asyncio.to_thread(self._open, rotate)
                self._queues[rotate] = PictureQueue(predictor, self.settings.max_waiting)
        return self._queues[rotate]

    def close(self) -> None:
        """Predict what waits, and end."""
        for queue in self._queues.values():
            queue.close()

    async def predict(self, request: Request, body: Body) -> list[dict[str, Any]]:
        """Rows of the pictures of a request, as ``predict --json`` prints them.

        Raises:
            HTTPException: 429 if too many pictures wait, 503 if it takes too long or the predictor
                has failed, 499 if the client is gone.
        """
        given = {**request.query_params, **body.options}
        given.pop("name", None)
        rotate = str(given.pop(_ROTATE, self.rotate))
        try:
            options = RequestOptions.of(given, self.defaults)
            queue = await self.queue(rotate)
            if self.waiting + len(body.pictures) > self.settings.max_waiting:
                raise QueueFullError
            futures = queue.submit(body.pictures)
        except ConfigError as error:
            raise HTTPException(400, str(error).replace("`", "")) from error
        except QueueFullError as error:
            raise HTTPException(
                429, "too many pictures wait; try again later", {"Retry-After": "1"}
            ) from error
        except PredictorFailedError as error:
            raise _failed() from error
        photos = await self._photos(request, futures)
        rows = await asyncio.to_thread(
            lambda: [row for photo in photos for row in options.rows(photo)]
        )
        for photo in photos:
            self.metrics.pictures.labels(photo.status).inc()
            self.metrics.faces.inc(len(photo.faces))
        return [row.to_dict() for row in rows]

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
                    raise HTTPException(503, "it took too long", {"Retry-After": "5"})
        except HTTPException:
            raise
        except Exception as error:
            raise _failed() from error
        finally:
            # Pictures that have not been started make room for others.
            for future in futures:
                future.cancel()


def _failed() -> HTTPException:
    return HTTPException(503, "the predictor has failed; start the server again")


def create_application(service: Service, page: Path | None = None) -> FastAPI:
    """The application: routes, errors as JSON, and the end of the service with the server.

    Args:
        service: Predicts; closed when the application ends.
        page: Folder with the page of ``export --format web``, to serve at ``/``; or None.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(service.close)

    app = FastAPI(
        title="utkage",
        version=versions().get("utkage", ""),
        description="Age and gender of the faces in pictures.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    allowed = [Depends(_bearer(service.settings.token))]

    @app.exception_handler(StarletteError)
    async def refuse(_: Request, error: StarletteError) -> JSONResponse:
        return JSONResponse({"error": error.detail}, error.status_code, error.headers)

    @app.post("/v1/predict", dependencies=allowed, openapi_extra=_BODY)
    async def predict(request: Request) -> JSONResponse:
        """Predict every face; the same rows as `utkage predict --json`.

        Options in the query, in the form or in the JSON: threshold, interval, uncertain_below,
        max_faces, rotate (auto or none).
        """
        with service.metrics.request():
            body = await read_body(request, service.settings)
            return JSONResponse(await service.predict(request, body))

    _add_pages_for_operators(app, service, allowed)
    if page is not None:
        app.mount("/", StaticFiles(directory=page, html=True))
    else:
        app.get("/", include_in_schema=False)(_home)
    return app


def _add_pages_for_operators(app: FastAPI, service: Service, allowed: list[Any]) -> None:
    @app.get("/v1/info", dependencies=allowed)
    async def info() -> JSONResponse:
        """Show the card of the weights."""
        found = await asyncio.to_thread(describe, str(service.predictor.weights.path))
        # Folders of the server are nobody's business.
        return JSONResponse({name: value for name, value in found.items() if name != "path"})

    @app.get("/metrics", dependencies=allowed)
    async def metrics() -> Response:
        """Numbers in the format of Prometheus."""
        return Response(service.metrics.text(), media_type=CONTENT_TYPE)

    @app.get("/healthz")
    async def health() -> JSONResponse:
        """Whether the server runs."""
        return JSONResponse({"status": "ok"})

    @app.get("/readyz")
    async def ready() -> JSONResponse:
        """Whether pictures can be predicted."""
        return JSONResponse({"ready": service.is_ready}, 200 if service.is_ready else 503)


async def _home() -> HTMLResponse:
    return HTMLResponse(_HOME)


def _bearer(token: str | None) -> Callable[[Request], None]:
    def check(request: Request) -> None:
        given = request.headers.get("authorization", "")
        if token is not None and not hmac.compare_digest(
            given.encode(), f"Bearer {token}".encode()
        ):
            raise HTTPException(401, "a token is needed", {"WWW-Authenticate": "Bearer"})

    return check
