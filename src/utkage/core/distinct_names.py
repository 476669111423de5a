"""Short names that tell things apart whose full names end alike."""

from __future__ import annotations

from collections.abc import Sequence


def distinct_ends(paths: Sequence[tuple[str, ...]]) -> list[str]:
    """The shortest end of each path that no other path has, its parts joined by ``/``.

    >>> distinct_ends([("home", "a", "faces"), ("home", "b", "faces"), ("tmp", "photos")])
    ['a/faces', 'b/faces', 'photos']
    """
    found = []
    for path in paths:
        others = [other for other in paths if other != path]
        length = next(
            (
                length
                for length in range(1, len(path))
                if not any(other[-length:] == path[-length:] for other in others)
            ),
            len(path),
        )
        found.append("/".join(path[-length:]))
    return found
