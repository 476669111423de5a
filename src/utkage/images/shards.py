"""Shards of inputs: which of several processes predicts which file, without talking to each other.

A hash of the path decides, so that files that are added move none of the others.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from unicodedata import normalize

from utkage.core.errors import ConfigError

_SHARD = re.compile(r"([0-9]{1,9})/([0-9]{1,9})")
_HASH_BYTES = 8


@dataclass(frozen=True)
class Shard:
    """One of ``count`` shards, ``index`` from 0.

    >>> shard = Shard.parse("2/8")
    >>> shard, shard.holds("a/1.jpg"), shard.holds("a/2.jpg")
    (Shard(index=2, count=8), False, True)

    Raises:
        ConfigError: there is no such shard.
    """

    index: int
    count: int

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ConfigError(f"`shard` {self}: the number of shards is 1 or more")
        if not 0 <= self.index < self.count:
            raise ConfigError(
                f"`shard` {self}: shards are numbered from 0, so the last of {self.count} is "
                f"{self.count - 1}/{self.count}"
            )

    @classmethod
    def parse(cls, text: str) -> Shard:
        """The shard that a text such as ``0/8`` stands for.

        Raises:
            ConfigError: the text does not have this form, or there is no such shard.
        """
        found = _SHARD.fullmatch(text)
        if found is None:
            raise ConfigError(
                f"`shard` {text!r}: write the number of the shard, from 0, and how many there are, "
                "such as 0/8 (an unset variable?)"
            )
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    def holds(self, path: str) -> bool:
        """Whether a file belongs to the shard, by its path with ``/`` relative to its input.

        Two systems may compose the letter é differently; the shard is the same.
        """
        content = normalize("NFC", path).encode(errors="surrogatepass")
        digest = hashlib.blake2b(content, digest_size=_HASH_BYTES).digest()
        return int.from_bytes(digest, "big") % self.count == self.index
