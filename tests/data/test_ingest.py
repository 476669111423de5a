import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from utkage.data.ingest import Chip, Dropped, ingest, pixel_hash
from utkage.data.labels import FaceLabel
from utkage.data.sources import Entry, FolderSource

Picture = Callable[..., bytes]
Folder = Callable[[Path, Mapping[str, bytes]], Path]


class ListSource:
    def __init__(self, entries: list[Entry]) -> None:
        self.name = "list"
        self.total_bytes = sum(len(entry.content) for entry in entries)
        self._entries = entries
        self.taken = 0

    def entries(self) -> Iterator[Entry]:
        for entry in self._entries:
            self.taken += 1
            yield entry


def one(name: str, content: bytes, problem: str | None = None) -> Chip | Dropped:
    (item,) = ingest(ListSource([Entry(name, content, 0, problem)]), 32, 1)
    return item


@pytest.mark.parametrize("workers", [1, 4])
def test_order_is_that_of_the_source(picture: Picture, workers: int) -> None:
    # Large and small pictures in turn, so that threads finish out of order.
    entries = [
        Entry(f"{age}_0_0_{age}.jpg", picture(age, 300 if age % 3 == 0 else 32), age + 1)
        for age in range(45)
    ]
    positions: list[int] = []
    items = list(ingest(ListSource(entries), 32, workers, positions.append))
    assert [item.name for item in items] == [entry.name for entry in entries]
    assert [item.label.age for item in items if isinstance(item, Chip)] == list(range(45))
    assert positions == list(range(1, 46))


def test_the_window_is_bounded(picture: Picture) -> None:
    source = ListSource([Entry("1_0_0_1.jpg", picture(0), index) for index in range(60)])
    stream = ingest(source, 32, 2)
    next(stream)
    assert source.taken <= 8 * 2 + 1
    assert len(list(stream)) == 59


def test_a_good_picture(picture: Picture) -> None:
    item = one("33_1_3_5.jpg", picture(3, 64))
    assert isinstance(item, Chip)
    assert item.label == FaceLabel(33, 1, 3)
    assert item.pixels.shape == (32, 32, 3)
    assert item.pixels.dtype == np.uint8
    original = np.asarray(Image.open(io.BytesIO(picture(3, 64))))
    assert item.pixel_hash == pixel_hash(original), "the hash is of the original size"


@pytest.mark.parametrize(
    ("name", "shape", "reason"),
    [
        ("1_0_0_1.jpg", (40, 64), "40x64 pixels is not square"),
        ("1_0_0_1.jpg", (64, 40), "64x40 pixels is not square"),
        ("1_0_0_1.jpg", (31, 31), "31x31 pixels is too small"),
        ("1_0_0_1.jpg", (1, 1), "too small"),
        ("1_0_1.jpg", (32, 32), "3 fields instead of 4"),
        ("200_0_0_1.jpg", (32, 32), "age 200"),
    ],
)
def test_unusable_pictures_are_dropped_with_the_reason(
    picture: Picture, name: str, shape: tuple[int, int], reason: str
) -> None:
    item = one(name, picture(0, *shape))
    assert isinstance(item, Dropped)
    assert item.name == name
    assert reason in item.reason


def test_undecodable_pictures_are_dropped(picture: Picture) -> None:
    for content in (b"", b"no picture", picture(0, 200)[:2000]):
        item = one("1_0_0_1.jpg", content)
        assert isinstance(item, Dropped)
        assert item.reason
        assert "\n" not in item.reason


def test_a_problem_of_the_source_is_passed_on(picture: Picture) -> None:
    assert one("1_0_0_1.jpg", b"", "a link") == Dropped("1_0_0_1.jpg", "a link")


def test_the_hash_sees_pixels_only(picture: Picture) -> None:
    plain, remarked = picture(1), picture(1, comment="saved again")
    assert plain != remarked
    first, second, third = (
        one("1_0_0_1.jpg", content) for content in (plain, remarked, picture(2))
    )
    assert isinstance(first, Chip)
    assert isinstance(second, Chip)
    assert isinstance(third, Chip)
    assert first.pixel_hash == second.pixel_hash
    assert first.pixel_hash != third.pixel_hash
    assert len(first.pixel_hash) == 64


def test_the_hash_depends_on_shape_order_and_single_values() -> None:
    rgb = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    changed = rgb.copy()
    changed[3, 5, 2] ^= 1
    others = [rgb.reshape(6, 4, 3), changed, rgb[:, :, ::-1], rgb[::-1]]
    hashes = {pixel_hash(other) for other in others} | {pixel_hash(rgb)}
    assert len(hashes) == 5
    assert pixel_hash(np.asfortranarray(rgb)) == pixel_hash(rgb)


def test_from_a_folder(tmp_path: Path, picture: Picture, write_folder: Folder) -> None:
    write_folder(tmp_path, {"1_0_0_1.jpg": picture(1), "bad.jpg": picture(2)})
    chip, dropped = ingest(FolderSource(tmp_path), 32, 2)
    assert isinstance(chip, Chip)
    assert isinstance(dropped, Dropped)
