"""HTTP connections that a download opens, and that end when its time is over."""

from __future__ import annotations

import base64
import functools
import socket
import threading
import time
from contextlib import suppress
from http.client import HTTPConnection, HTTPSConnection
from types import TracebackType
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit
from urllib.request import getproxies, proxy_bypass

from utkage.core.errors import ImageError
from utkage.images.public_addresses import connect, require_public

_PORTS = {"http": 80, "https": 443}
# Characters of a path or query that stay as they are; others are escaped.
_SAFE = "%/:=&?~+!$,;'@()*[]|"
# Some servers refuse requests without a user agent.
_HEADERS = {"User-Agent": "utkage", "Accept-Encoding": "identity", "Connection": "close"}


class Connections:
    """The connections of one download, which are cut when its time is over.

    A server that sends a byte from time to time never lets a read time out.

    Args:
        timeout: Longest time without any data, seconds.
        total_seconds: Longest time of the whole download, seconds.
    """

    def __init__(self, timeout: float, total_seconds: float) -> None:
        self._timeout = timeout
        self._ends = time.monotonic() + total_seconds
        self._opened: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(total_seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> Connections:
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        with self._lock:
            for opened in self._opened:
                opened.close()
            self._opened.clear()

    @property
    def time_is_over(self) -> bool:
        """Whether the time of the download is over."""
        return time.monotonic() >= self._ends

    def require_time(self) -> None:
        """Raise a ``TimeoutError`` if the time of the download is over."""
        if self.time_is_over:
            raise TimeoutError("timed out")

    def request(self, url: str, *, only_public: bool, direct: bool = False) -> HTTPConnection:
        """Connect to the server of an address, or to its proxy, and send a GET request.

        With ``direct``, proxies of the environment are not used.

        Raises:
            ImageError: the address has no host, or a user name.
            PrivateAddressError: ``only_public``, and the host has no public address.
            OSError, ValueError, HTTPException: the server cannot be reached.
        """
        parts = _parts(url)
        proxy = None if direct else _proxy_of(parts)
        path = urlunsplit(("", "", quote(parts.path or "/", _SAFE), quote(parts.query, _SAFE), ""))
        headers = dict(_HEADERS)
        if proxy is None:
            connection = self._connection(parts, parts, only_public=only_public)
        else:
            if only_public:
                require_public(_host(parts), _port(parts))
            # The user's own proxy may be anywhere.
            connection = self._connection(parts, proxy, only_public=False)
            if parts.scheme == "https":
                connection.set_tunnel(_host(parts), _port(parts), _credentials(proxy))
            else:
                # A proxy takes the whole address instead of its path.
                path = f"http://{parts.netloc}{path}"
                headers |= {"Host": parts.netloc, **_credentials(proxy)}
        connection.request("GET", path, headers=headers)
        return connection

    def _connection(
        self, parts: SplitResult, server: SplitResult, *, only_public: bool
    ) -> HTTPConnection:
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = kind(_host(server), _port(server))
        # http.client has no public way to replace how it connects; urllib3 and others do the same.
        open_socket = functools.partial(self._open, only_public=only_public)
        connection._create_connection = open_socket  # type: ignore[attr-defined]
        return connection

    def _open(
        self,
        address: tuple[str, int],
        timeout: object = None,
        source: object = None,
        *,
        only_public: bool,
    ) -> socket.socket:
        """Connect to a host and port; called like ``socket.create_connection``."""
        self.require_time()
        host, port = address
        seconds = min(self._timeout, max(0.1, self._ends - time.monotonic()))
        opened = connect(host, port, timeout=seconds, only_public=only_public)
        opened.settimeout(self._timeout)
        with self._lock:
            # TLS takes the socket over, so that only a copy can still cut the connection.
            self._opened.append(opened.dup())
        if self.time_is_over:
            self._cut()
        return opened

    def _cut(self) -> None:
        with self._lock:
            for opened in self._opened:
                with suppress(OSError):
                    opened.shutdown(socket.SHUT_RDWR)


def _parts(url: str) -> SplitResult:
    parts = urlsplit(url)
    if not parts.hostname:
        raise ImageError("the address has no host; check it")
    if "@" in parts.netloc:
        raise ImageError("user names in addresses are not supported; download it and name the file")
    return parts


def _proxy_of(parts: SplitResult) -> SplitResult | None:
    """The proxy that the environment or the system sets for an address; None if there is none."""
    found = getproxies().get(parts.scheme)
    if not found or proxy_bypass(_host(parts)):
        return None
    proxy = urlsplit(found if "://" in found else f"http://{found}")
    return proxy if proxy.hostname else None


def _host(parts: SplitResult) -> str:
    return str(parts.hostname)


def _port(parts: SplitResult) -> int:
    return parts.port or _PORTS.get(parts.scheme, _PORTS["http"])


def _credentials(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    user = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {base64.b64encode(user.encode()).decode()}"}
