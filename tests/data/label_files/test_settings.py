from __future__ import annotations

import pytest

from utkage.core.errors import ConfigError
from utkage.data.label_files.settings import parse_pairs


def test_pairs_keep_their_order_and_lose_their_spaces() -> None:
    pairs = parse_pairs(" path = file ,age=years,gender=a=b", "columns")
    assert list(pairs.items()) == [("path", "file"), ("age", "years"), ("gender", "a=b")]


@pytest.mark.parametrize("text", ["", "path", "path=", "=file", "path=a,", "path=a,path=b"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=f"`columns` {text}: give pairs such as a=b,c=d"):
        parse_pairs(text, "columns")
