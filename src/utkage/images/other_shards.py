"""Which names in rows are those of other shards, as after a change of the number of shards."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from unicodedata import normalize

from utkage.core.text import encodable
from utkage.images.discover import FoundFile
from utkage.images.shards import Shard


class OtherShards:
    """Tells whether a picture or video belongs to other shards only, by its name in rows.

    Args:
        shard: The shard of this run.
        files: The files of all shards.
    """

    def __init__(self, shard: Shard, files: Iterable[FoundFile]) -> None:
        self._shard, self._files = shard, files

    def hold(self, name: str) -> bool:
        """True for a file, or a picture in an archive, that is not of this shard.

        False for names that are not among the files.
        """
        keys = list(self._keys(normalize("NFC", name)))
        return bool(keys) and not any(map(self._shard.holds, keys))

    def _keys(self, name: str) -> Iterable[str]:
        yield from self._keys_of_files.get(name, ())
        folder, slash, inner = name.rpartition("/")
        while slash:
            for key in self._keys_of_files.get(folder, ()):
                yield f"{key}/{inner}"
            folder, slash, part = folder.rpartition("/")
            inner = f"{part}/{inner}"

    @cached_property
    def _keys_of_files(self) -> dict[str, set[str]]:
        keys = defaultdict(set)
        for file in self._files:
            keys[normalize("NFC", encodable(str(file.path)))].add(file.key)
        return keys
