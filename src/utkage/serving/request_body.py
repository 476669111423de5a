"""The body of a request: read as a whole, within limits of size, time and memory."""

from __future__ import annotations

import asyncio

from fastapi import HTTPException, Request
from starlette.requests import ClientDisconnect

from utkage.serving.capacity import CapacityError, Share
from utkage.serving.settings import ServeSettings

# As nginx calls it in its log; nobody receives it.
CLIENT_GONE = 499


def too_busy(what: str) -> HTTPException:
    """The refusal of a request that may be sent again later."""
    return HTTPException(429, f"{what}; try again later", {"Retry-After": "1"})


async def read_body(request: Request, settings: ServeSettings, held: Share) -> bytes:
    """Read the body of a request.

    Args:
        request: The request.
        settings: Its limits.
        held: Takes the bytes of the body.

    Raises:
        HTTPException: 408 if it arrives too slowly, 413 if it is too long, 415 if it is compressed,
            429 if too much is held, 499 if the client has gone.
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise HTTPException(415, "compressed bodies are not read; send it without Content-Encoding")
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal():
        _require_length(int(announced), settings)
    try:
        return await asyncio.wait_for(_all_parts(request, settings, held), settings.seconds)
    except asyncio.TimeoutError as error:
        raise HTTPException(
            408, f"the body did not arrive within {settings.seconds:g} s; send fewer pictures"
        ) from error
    except CapacityError as error:
        raise too_busy("the server holds too many bytes of other requests") from error
    except ClientDisconnect as error:
        raise HTTPException(CLIENT_GONE, "the client has gone") from error


async def _all_parts(request: Request, settings: ServeSettings, held: Share) -> bytes:
    content = bytearray()
    async for part in request.stream():
        _require_length(len(content) + len(part), settings)
        held.take(len(part))
        content += part
    return bytes(content)


def _require_length(length: int, settings: ServeSettings) -> None:
    if length > settings.max_bytes:
        longest = f"{settings.max_bytes:,} bytes"
        raise HTTPException(
            413, f"the body is longer than {longest}; send fewer or smaller pictures"
        )
