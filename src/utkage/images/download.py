"""Downloads of pictures, only on request."""

from __future__ import annotations

from utkage.core.errors import ImageError

MAX_BYTES = 50_000_000
TIMEOUT_SECONDS = 20.0


def is_url(text: str) -> bool:
    """Whether ``text`` is an address that ``fetch`` accepts."""
    return text.lower().startswith(("http://", "https://"))


def fetch(url: str, *, max_bytes: int = MAX_BYTES, timeout: float = TIMEOUT_SECONDS) -> bytes:
    """Download at most ``max_bytes`` from an address; redirections to other schemes are refused.

    The download fails after ``timeout`` seconds without data.

    Raises:
        ImageError: not reachable, refused by the server, or too long.
    """
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    if not is_url(url):
        raise ImageError(f"{url}: only http:// and https:// addresses can be fetched")
    # Some servers refuse requests without a user agent.
    request = Request(url, headers={"User-Agent": "utkage"})
    try:
        with urlopen(request, timeout=timeout) as response:
            content: bytes = response.read(max_bytes + 1)
    except HTTPError as error:
        raise ImageError(f"{url}: the server responded with {error.code} {error.reason}") from error
    except (OSError, ValueError, HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise ImageError(f"{url}: cannot be reached ({reason}); check the address") from error
    if len(content) > max_bytes:
        raise ImageError(f"{url}: longer than {max_bytes} bytes; download it and name the file")
    return content
