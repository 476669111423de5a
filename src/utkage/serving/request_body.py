"""The body of a request: read as a whole, within limits of size, time and memory."""

from __future__ import annotations

import asyncio

from fastapi import HTTPException, Request
from starlette.requests import ClientDisconnect

from utkage.serving.capacity import Capacity, CapacityError
from utkage.serving.settings import ServeSettings

# As nginx calls it in its log; nobody receives it.
CLIENT_GONE = 499


def too_busy(what: str) -> HTTPException:
    """The refusal of a request that may be sent again later."""
    return HTTPException(429, f"{what}; try again later", {"Retry-After": "1"})


async def read_body(request: Request, settings: ServeSettings, held: Capacity) -> bytes:
    """Read the body of a request.

    Args:
        request: The request.
        settings: Its limits.
        held: Counts the bytes of all bodies. Those of the body that is returned are in it.

    Raises:
        HTTPException: 408 if it arrives too slowly, 413 if it is too long, 415 if it is compressed,
            429 if too much is held, 499 if the client has gone.
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise HTTPException(415, "compressed bodies are not read; send it without Content-Encoding")
    body = _Body(settings.max_bytes, held)
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal():
        body.require(int(announced))
    try:
        await asyncio.wait_for(body.read(request), settings.seconds)
        return bytes(body.content)
    except asyncio.TimeoutError as error:
        body.give_back()
        raise HTTPException(
            408, f"the body did not arrive within {settings.seconds:g} s; send fewer pictures"
        ) from error
    except BaseException:
        body.give_back()
        raise


class _Body:
    """A body that arrives in parts."""

    def __init__(self, most: int, held: Capacity) -> None:
        self.content = bytearray()
        self._most, self._held = most, held

    def require(self, length: int) -> None:
        """Refuse a body of that length if it is over the limit."""
        if length > self._most:
            raise HTTPException(
                413, f"the body is longer than {self._most:,} bytes; send fewer or smaller pictures"
            )

    async def read(self, request: Request) -> None:
        """Read all parts."""
        try:
            async for part in request.stream():
                self.require(len(self.content) + len(part))
                self._held.take(len(part))
                self.content += part
        except CapacityError as error:
            raise too_busy("the server holds too many bytes of other requests") from error
        except ClientDisconnect as error:
            raise HTTPException(CLIENT_GONE, "the client has gone") from error

    def give_back(self) -> None:
        """Forget what was read."""
        self._held.leave(len(self.content))
        self.content.clear()
