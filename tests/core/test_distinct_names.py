from __future__ import annotations

import pytest

from utkage.core.distinct_names import distinct_ends


@pytest.mark.parametrize(
    ("paths", "ends"),
    [
        ([("a", "b"), ("a", "c")], ["b", "c"]),
        ([("a", "x", "b"), ("a", "y", "b")], ["x/b", "y/b"]),
        ([("b",), ("x", "b")], ["b", "x/b"]),
        ([("a", "b"), ("a", "b")], ["b", "b"]),
    ],
)
def test_the_shortest_distinct_ends(paths: list[tuple[str, ...]], ends: list[str]) -> None:
    assert distinct_ends(paths) == ends
