"""Pictures that a request names by their addresses, if the server reads those.

Whoever may use the server would otherwise see through it into its network (server-side request
forgery). Only public addresses are connected to, redirects included; ``images.download`` says how.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from fastapi import HTTPException

from utkage.core.errors import ImageError
from utkage.images.download import MAX_BYTES, fetch
from utkage.images.picture_input import PictureInput
from utkage.serving.capacity import Capacity, CapacityError, Share
from utkage.serving.request_body import too_busy
from utkage.serving.settings import ServeSettings

# Each holds a picture that is not counted yet.
_AT_ONCE = 4


class Downloads:
    """Fetches the pictures of all requests, a few at once.

    Args:
        settings: Limits of a request: its time, and the sum of its bytes.
    """

    def __init__(self, settings: ServeSettings) -> None:
        self._settings = settings
        self._threads = ThreadPoolExecutor(_AT_ONCE, "utkage-fetch")

    async def contents(
        self, pictures: Sequence[PictureInput], held: Share
    ) -> Sequence[PictureInput]:
        """The pictures with their contents; those that cannot be fetched have a problem.

        Raises:
            HTTPException: 413 if all together are too long, 429 if too much is held, 503 if it
                takes too long.
        """
        if not any(map(_has_address, pictures)):
            return pictures
        own = Capacity(self._settings.max_bytes)
        tasks = [asyncio.ensure_future(self._content(each, own, held)) for each in pictures]
        try:
            return await asyncio.wait_for(asyncio.gather(*tasks), self._settings.seconds)
        except asyncio.TimeoutError as error:
            raise HTTPException(
                503, f"the addresses took longer than {self._settings.seconds:g} s; name fewer"
            ) from error
        finally:
            for task in tasks:
                task.cancel()

    async def _content(self, picture: PictureInput, own: Capacity, held: Share) -> PictureInput:
        if not _has_address(picture):
            return picture
        loop = asyncio.get_running_loop()
        picture = await loop.run_in_executor(self._threads, self._fetched, picture)
        assert isinstance(picture.source, bytes)
        try:
            own.take(len(picture.source))
        except CapacityError as error:
            longest = f"{self._settings.max_bytes:,} bytes"
            raise HTTPException(
                413, f"the pictures at the addresses are longer than {longest}; name fewer"
            ) from error
        try:
            held.take(len(picture.source))
        except CapacityError as error:
            raise too_busy("the server holds too many bytes of other requests") from error
        return picture

    def _fetched(self, picture: PictureInput) -> PictureInput:
        try:
            content = fetch(
                str(picture.source),
                trusted=False,
                max_bytes=min(MAX_BYTES, self._settings.max_bytes),
                # One slow address leaves time for the others.
                total_seconds=self._settings.seconds / 2,
            )
        except ImageError as error:
            return replace(picture, source=b"", problem=str(error))
        return replace(picture, source=content)

    def close(self) -> None:
        """Begin no more downloads."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _has_address(picture: PictureInput) -> bool:
    return isinstance(picture.source, str)
