"""Pictures from the web, only ever on request."""

from __future__ import annotations

import re

from utkage.core.errors import ImageError

MAX_BYTES = 50_000_000
TIMEOUT_SECONDS = 20.0
_URL = re.compile(r"^https?://", re.IGNORECASE)


def is_url(text: str) -> bool:
    """Whether ``text`` is an address that ``fetch`` understands."""
    return _URL.match(text) is not None


def fetch(url: str, *, max_bytes: int = MAX_BYTES, timeout: float = TIMEOUT_SECONDS) -> bytes:
    """The content behind an address.

    Args:
        url: ``http://`` or ``https://``; redirections to other kinds of addresses are refused.
        max_bytes: Longer answers are refused.
        timeout: Seconds of silence after which to give up.

    Raises:
        ImageError: not reachable, refused by the server, or too long.
    """
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    if not is_url(url):
        raise ImageError(f"{url}: only http:// and https:// addresses can be fetched")
    # Some servers refuse callers without a name.
    request = Request(url, headers={"User-Agent": "utkage"})
    try:
        with urlopen(request, timeout=timeout) as answer:
            content: bytes = answer.read(max_bytes + 1)
    except HTTPError as error:
        raise ImageError(f"{url}: the server answered {error.code} {error.reason}") from error
    except (OSError, ValueError, HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise ImageError(f"{url}: cannot be reached ({reason}); check the address") from error
    if len(content) > max_bytes:
        raise ImageError(f"{url}: longer than {max_bytes} bytes; download it and name the file")
    return content
