"""Limits of a server, so that no client can take its memory or its time."""

from __future__ import annotations

import math
from dataclasses import dataclass

from utkage.core.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class ServeSettings:
    """What a server accepts.

    Attributes:
        token: Requests need the header ``Authorization: Bearer <token>``; None: anybody may ask.
        server_names: Names under which clients reach a server without a token, besides IP
            addresses and names without a dot (``serving.access``).
        allow_addresses: Whether requests may name pictures by their public ``http(s)`` addresses.
        max_bytes: Largest body of a request, bytes.
        max_held_bytes: Largest sum of the bodies that are held at once, bytes; requests beyond it
            are refused with 429.
        max_pictures: Largest number of pictures in a request; never more than ``max_waiting``.
        max_waiting: Largest number of pictures that wait in the queue or are predicted; requests
            beyond it are refused with 429.
        seconds: Longest time in which a body arrives, and in which its pictures are predicted,
            seconds.
    """

    token: str | None = None
    server_names: tuple[str, ...] = ()
    allow_addresses: bool = False
    max_bytes: int = 64 * 1024**2
    max_held_bytes: int = 512 * 1024**2
    max_pictures: int = 64
    max_waiting: int = 256
    seconds: float = 60.0

    def __post_init__(self) -> None:
        for name in ("max_bytes", "max_pictures", "max_waiting"):
            if getattr(self, name) < 1:
                raise ConfigError(f"`{name}` {getattr(self, name)}: use 1 or more")
        if self.max_held_bytes < self.max_bytes:
            least = f"use at least `max_bytes`, {self.max_bytes}"
            raise ConfigError(f"`max_held_bytes` {self.max_held_bytes}: {least}")
        if not (self.seconds > 0 and math.isfinite(self.seconds)):
            raise ConfigError(f"`seconds` {self.seconds}: use more than 0")
        if self.token is not None:
            check_token(self.token)

    @property
    def most_pictures(self) -> int:
        """Largest number of pictures in a request: no more than find a place at once."""
        return min(self.max_pictures, self.max_waiting)


def check_token(token: str) -> None:
    """Refuse a token that no header can hold.

    Raises:
        ConfigError: it is empty, or holds something other than visible characters of ASCII.
    """
    if not token:
        raise ConfigError("`token`: is empty; write a long random text there")
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise ConfigError("`token`: use one line of letters, digits and signs of ASCII, no spaces")
