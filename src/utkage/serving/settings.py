"""Limits of a server, so that no client can take its memory or its time."""

from __future__ import annotations

from dataclasses import dataclass

from utkage.core.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class ServeSettings:
    """What a server accepts.

    Attributes:
        token: Requests need the header ``Authorization: Bearer <token>``; None: anybody may ask.
        max_bytes: Largest body of a request, bytes.
        max_pictures: Largest number of pictures in a request.
        max_waiting: Largest number of pictures that wait in the queue or are predicted; requests
            beyond it are refused with 429.
        seconds: Longest time of a request in the queue and in prediction, seconds.
    """

    token: str | None = None
    max_bytes: int = 64 * 1024**2
    max_pictures: int = 64
    max_waiting: int = 256
    seconds: float = 60.0

    def __post_init__(self) -> None:
        for name in ("max_bytes", "max_pictures", "max_waiting"):
            if getattr(self, name) < 1:
                raise ConfigError(f"`{name}` {getattr(self, name)}: use 1 or more")
        if not self.seconds > 0:
            raise ConfigError(f"`seconds` {self.seconds}: use more than 0")
        if self.token is not None and not (self.token.isascii() and self.token.isprintable()):
            raise ConfigError("`token`: use letters, digits and signs of ASCII, without line ends")
        if self.token is not None and (not self.token or " " in self.token):
            raise ConfigError("`token`: is empty or holds a space")
