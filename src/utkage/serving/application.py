"""The application of FastAPI: ``POST /v1/predict`` and what operators need.

Nothing is stored, and no name of a picture is logged. The pages of FastAPI that load scripts from a
foreign server are off; ``/openapi.json`` describes the interface.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import escape
from pathlib import Path
from typing import Any

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.security import HTTPBearer
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException as StarletteError

from utkage.core.versions import versions
from utkage.serving.access import Bearer, RefuseForeignPages
from utkage.serving.interface import PREDICT, problems
from utkage.serving.metrics import CONTENT_TYPE
from utkage.serving.service import Service

_HOME = """<!doctype html><html lang="en"><meta charset="utf-8"><title>utkage</title>
<h1>utkage</h1><p>Send pictures to <code>POST v1/predict</code>:</p>
<pre>curl -F picture=@photo.jpg {base}v1/predict</pre>
<p><a href="openapi.json">Interface</a>, <a href="v1/info">weights</a>.</p></html>"""


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
    settings = service.settings
    if settings.token is None:
        app.add_middleware(RefuseForeignPages, names=settings.server_names)
    app.add_exception_handler(StarletteError, _refusal)
    app.add_exception_handler(Exception, _fault)
    bearer = Bearer(settings.token)
    # Only describes the token; `bearer.check` checks it.
    described = [] if settings.token is None else [Depends(HTTPBearer(auto_error=False))]

    @app.post("/v1/predict", dependencies=described, **PREDICT)
    async def predict(request: Request) -> JSONResponse:
        """Predict every face; the same rows as `utkage predict --json`.

        Options in the query, in the form or in the JSON: interval, threshold, uncertain_below,
        max_faces, rotate (auto or none). `name` in the query is the name of a picture that is the
        body itself.
        """
        with service.metrics.request():
            bearer.check(request)
            try:
                return JSONResponse(await service.predict(request))
            # Its time after a stop signal is over.
            except asyncio.CancelledError as error:
                raise HTTPException(
                    503, "the server stops; try again later", {"Retry-After": "5"}
                ) from error

    _add_pages_for_operators(app, service, [*described, Depends(bearer.check)])
    if page is not None:
        app.mount("/", StaticFiles(directory=page, html=True))
    else:
        _get(app, "/", _home)
    return app


def _add_pages_for_operators(app: FastAPI, service: Service, allowed: list[Any]) -> None:
    async def info() -> JSONResponse:
        """Show the card of the weights."""
        return JSONResponse(service.card)

    async def metrics() -> Response:
        """Numbers in the format of Prometheus."""
        return Response(service.metrics.text(), media_type=CONTENT_TYPE)

    async def healthz() -> JSONResponse:
        """Whether the server runs."""
        return JSONResponse({"status": "ok"})

    async def readyz() -> JSONResponse:
        """Whether pictures can be predicted."""
        return JSONResponse({"ready": service.is_ready}, 200 if service.is_ready else 503)

    refused = problems(401, 403)
    _get(app, "/v1/info", info, dependencies=allowed, responses=refused)
    text: dict[int | str, dict[str, Any]] = {200: {"content": {CONTENT_TYPE: {}}}}
    _get(app, "/metrics", metrics, dependencies=allowed, responses={**text, **refused})
    _get(app, "/healthz", healthz, responses=problems(403))
    _get(app, "/readyz", readyz, responses=problems(403, 503))


def _get(app: FastAPI, path: str, show: Any, **options: Any) -> None:
    """Add a page; load balancers ask for its head alone."""
    app.get(path, include_in_schema=show is not _home, **options)(show)
    app.head(path, include_in_schema=False, **options)(show)


async def _home(request: Request) -> HTMLResponse:
    return HTMLResponse(_HOME.format(base=escape(str(request.base_url))))


async def _refusal(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, StarletteError)
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


async def _fault(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"error": f"unexpected {type(error).__name__}; report it"}, 500)
