import unicodedata

import pytest

from utkage.core.errors import ConfigError
from utkage.images.shards import Shard

PATHS = [f"photos/{index // 100}/{index}.jpg" for index in range(4000)]


@pytest.mark.parametrize("text", ["0/1", "0/8", "7/8", "007/8", "999999/1000000"])
def test_shards_that_exist(text: str) -> None:
    index, count = map(int, text.split("/"))
    assert Shard.parse(text) == Shard(index, count)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("8/8", "the last of 8 is 7/8"),
        ("9/8", "numbered from 0"),
        ("0/0", "1 or more"),
        ("-1/8", "such as 0/8"),
        ("1", "such as 0/8"),
        ("/8", "an unset variable"),
        ("1/", "an unset variable"),
        ("/", "an unset variable"),
        ("", "an unset variable"),
        ("1/2/3", "such as 0/8"),
        ("1.0/8", "such as 0/8"),
        ("1 / 8", "such as 0/8"),
        (" 1/8", "such as 0/8"),
        ("1/8\n", "such as 0/8"),
        ("٣/8", "such as 0/8"),
        ("1/" + "9" * 5000, "such as 0/8"),
    ],
)
def test_shards_that_do_not(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=r"^`shard` ") as caught:
        Shard.parse(text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_each_path_is_in_one_shard_of_about_the_same_size() -> None:
    shards = [Shard(index, 7) for index in range(7)]
    sizes = [sum(map(shard.holds, PATHS)) for shard in shards]
    assert sum(sizes) == len(PATHS)
    assert all(sum(shard.holds(path) for shard in shards) == 1 for path in PATHS[:200])
    assert max(sizes) < 1.2 * min(sizes)


def test_the_hash_is_the_same_on_every_machine_and_in_every_version() -> None:
    assert [Shard(0, 4).holds(f"{name}.jpg") for name in "abcdefgh"] == [
        *(False, False, False, False, False, False, True, False)
    ]


def test_the_composition_of_letters_does_not_matter() -> None:
    composed, decomposed = (unicodedata.normalize(form, "é.jpg") for form in ("NFC", "NFD"))
    assert composed != decomposed
    shards = [Shard(index, 5) for index in range(5)]
    assert [s.holds(composed) for s in shards] == [s.holds(decomposed) for s in shards]
    assert sum(shard.holds("caf\udce9.jpg") for shard in shards) == 1
