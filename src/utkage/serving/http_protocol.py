"""Connections of a server: how many there are, and how slow a client may be.

uvicorn waits for ever for the end of a request's headers, and for a client to take its response.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from utkage.core.errors import UsageError

if sys.platform != "win32":
    import resource

MOST_CONNECTIONS = 1000
HEADER_SECONDS = 20.0
"""Longest time from the start of a connection, or from a response, to the next whole header."""
RESPONSE_SECONDS = 30.0
"""Longest time in which a client takes nothing of a response."""

BACKLOG = 128
"""Connections that wait until they are accepted, all at once."""

# asyncio accepts them four times before the first refused ones are closed. 64 more are for
# weights, pages and what the system opens.
_OTHER_FILES = 4 * BACKLOG + 64
_LEAST_FILES = _OTHER_FILES + 64
_TOO_MANY = b'{"error":"too many connections; try again later"}'
_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\n"
    b"Connection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(_TOO_MANY), _TOO_MANY)
)


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 of uvicorn, with a bound for connections and for the time of slow clients."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._header_timer: asyncio.TimerHandle | None = None
        self._response_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request, or refuse the connection."""
        super().connection_made(transport)
        if len(self.connections) > most_connections():
            transport.write(_BUSY)
            transport.close()
        else:
            self._watch()

    def handle_events(self) -> None:
        """Act on what has arrived."""
        super().handle_events()
        self._watch()

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        super().on_response_complete()
        self._watch()

    def pause_writing(self) -> None:
        """Wait for the client, which takes the response too slowly."""
        super().pause_writing()
        self._response_timer = self.loop.call_later(RESPONSE_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Send more of the response."""
        super().resume_writing()
        self._response_timer = _cancelled(self._response_timer)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._header_timer = _cancelled(self._header_timer)
        self._response_timer = _cancelled(self._response_timer)
        super().connection_lost(exc)

    def _watch(self) -> None:
        is_answering = self.cycle is not None and not self.cycle.response_complete
        if is_answering or self.transport.is_closing():
            self._header_timer = _cancelled(self._header_timer)
        elif self._header_timer is None:
            self._header_timer = self.loop.call_later(HEADER_SECONDS, self.transport.abort)


def raise_file_limit() -> None:
    """Let this process open the files of ``MOST_CONNECTIONS``, as far as the system allows it.

    Raises:
        UsageError: the system allows too few files for a server.
    """
    if sys.platform == "win32":
        return
    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + _OTHER_FILES
    if files < wanted:
        # macOS calls more than it allows unlimited, and refuses to raise the limit.
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, most), most))
    if most_connections() < _LEAST_FILES - _OTHER_FILES:
        raise UsageError(f"only {files} open files are allowed; set ulimit -n {_LEAST_FILES}")


def most_connections() -> int:
    """Largest number of connections: what the limit of open files leaves."""
    if sys.platform == "win32":
        return MOST_CONNECTIONS
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return min(MOST_CONNECTIONS, files - _OTHER_FILES)


def _cancelled(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    if timer is not None:
        timer.cancel()
    return None
