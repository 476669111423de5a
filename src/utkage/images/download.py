"""Downloads of pictures, only on request, and within limits of size, time and place."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from utkage.core.errors import ImageError
from utkage.core.text import cut_to_bytes, printable

if TYPE_CHECKING:
    from http.client import HTTPResponse

    from utkage.images.connections import Connections

MAX_BYTES = 50_000_000
TIMEOUT_SECONDS = 20.0
"""Longest time without any data."""
TOTAL_SECONDS = 60.0
"""Longest time of a download with all its redirects."""
MOST_REDIRECTS = 5

_REDIRECTS = (301, 302, 303, 307, 308)
_PART_BYTES = 65_536
# Bytes of what a server says that a message repeats.
_REPEATED = 200


def is_url(text: str) -> bool:
    """Whether ``text`` is an address that ``fetch`` accepts."""
    return text.lower().startswith(("http://", "https://"))


def fetch(
    url: str,
    *,
    allow_private: bool = False,
    trusted: bool = True,
    max_bytes: int = MAX_BYTES,
    timeout: float = TIMEOUT_SECONDS,
    total_seconds: float = TOTAL_SECONDS,
) -> bytes:
    """Download the content of an address, following at most ``MOST_REDIRECTS`` redirects.

    Args:
        url: An ``http://`` or ``https://`` address. It may be one of a private network, because
            the user chose it.
        allow_private: Whether redirects may lead to addresses that are not public, such as those
            of this machine or of the local network.
        trusted: Whether the user of this process chose the address. Any other must be public, as
            its redirects, and is reached without a proxy, whose network may be another.
        max_bytes: Largest size.
        timeout: Longest time without any data, seconds.
        total_seconds: Longest time of the whole download, seconds.

    Raises:
        ImageError: not reachable, refused by the server, too long or too slow, or a redirect to a
            place that is not allowed.
    """
    from http.client import HTTPException

    from utkage.images.connections import Connections
    from utkage.images.public_addresses import PrivateAddressError

    if not is_url(url):
        raise ImageError(f"{url}: only http:// and https:// addresses can be fetched")
    with Connections(timeout, total_seconds) as connections:
        try:
            return _content(
                url, connections, max_bytes, allow_private=allow_private, trusted=trusted
            )
        except ImageError as error:
            problem = str(error)
        except PrivateAddressError as error:
            problem = f"leads to a place that is not public ({_repeated(error)})"
            if trusted:
                problem = problem.replace("leads", "redirects")
                problem += "; if you trust it, use `allow_private=True`"
        except (OSError, ValueError, HTTPException) as error:
            problem = f"cannot be reached ({_repeated(error)}); check the address"
        if connections.time_is_over:
            problem = f"takes longer than {total_seconds:g} s; download it and name the file"
    raise ImageError(f"{url}: {problem}")


def _content(
    url: str, connections: Connections, max_bytes: int, *, allow_private: bool, trusted: bool
) -> bytes:
    for redirects in range(MOST_REDIRECTS + 1):
        only_public = not trusted or (redirects > 0 and not allow_private)
        with closing(
            connections.request(url, only_public=only_public, direct=not trusted)
        ) as connection:
            response = connection.getresponse()
            target = response.headers.get("Location")
            if response.status not in _REDIRECTS or target is None:
                return _body(response, connections, max_bytes)
        url = urljoin(url, target)
        if not is_url(url):
            raise ImageError(f"redirects to {_repeated(url)}, which is not an http(s) address")
    raise ImageError(f"redirects more than {MOST_REDIRECTS} times; download it and name the file")


def _body(response: HTTPResponse, connections: Connections, max_bytes: int) -> bytes:
    if not 200 <= response.status < 300:
        status = f"{response.status} {_repeated(response.reason)}".strip()
        raise ImageError(f"the server responded with {status}")
    content = bytearray()
    is_too_long = response.length is not None and response.length > max_bytes
    while not is_too_long and (part := response.read1(_PART_BYTES)):
        content += part
        is_too_long = len(content) > max_bytes
        connections.require_time()
    if is_too_long:
        raise ImageError(f"longer than {max_bytes} bytes; download it and name the file")
    connections.require_time()
    if response.length:
        raise ImageError(f"ends {response.length} bytes early; try again")
    return bytes(content)


def _repeated(text: object) -> str:
    """Text of a server or the system, made fit for a message."""
    return cut_to_bytes(printable(" ".join(str(text).split())), _REPEATED)
