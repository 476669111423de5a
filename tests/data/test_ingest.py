import io
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from utkage.data.ingest import Chip, Dropped, ingest, pixel_hash
from utkage.data.labels import FaceLabel
from utkage.data.sources import Entry, open_source

Picture = Callable[..., bytes]
Folder = Callable[[Path, Mapping[str, bytes]], Path]


LABEL = FaceLabel(33, 1, 3)


class ListSource:
    def __init__(self, entries: list[Entry]) -> None:
        self.name = "list"
        self.total_bytes = sum(len(entry.content) for entry in entries)
        self._entries = entries
        self.taken = 0

    def fingerprint(self) -> str:
        return "0"

    def entries(self) -> Iterator[Entry]:
        for entry in self._entries:
            self.taken += 1
            yield entry


def one(name: str, content: bytes, problem: str | None = None) -> Chip | Dropped:
    label = LABEL if problem is None else None
    entry = Entry(name, content, 0, label, aligned=True, problem=problem)
    (item,) = ingest(ListSource([entry]), 32, 1)
    return item


@pytest.mark.parametrize("workers", [1, 4])
def test_order_is_that_of_the_source(picture: Picture, workers: int) -> None:
    # Large and small pictures in turn, so that threads finish out of order.
    entries = [
        Entry(
            f"{age}_0_0_{age}.jpg",
            picture(age, 300 if age % 3 == 0 else 32),
            age + 1,
            FaceLabel(age, 0, 0),
            aligned=True,
        )
        for age in range(45)
    ]
    positions: list[int] = []
    items = list(ingest(ListSource(entries), 32, workers, positions.append))
    assert [item.name for item in items] == [entry.name for entry in entries]
    assert [item.label.age for item in items if isinstance(item, Chip)] == list(range(45))
    assert positions == list(range(1, 46))


def test_the_window_is_bounded(picture: Picture) -> None:
    source = ListSource(
        [Entry("1_0_0_1.jpg", picture(0), index, LABEL, True) for index in range(60)]
    )
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
    ],
)
def test_unusable_pictures_are_dropped_with_the_reason(
    picture: Picture, name: str, shape: tuple[int, int], reason: str
) -> None:
    item = one(name, picture(0, *shape))
    assert isinstance(item, Dropped)
    assert item.name == name
    assert reason in item.reason


def header_of_png(width: int, height: int) -> bytes:
    """A picture of a few bytes that claims to be huge."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    packed = zlib.compress(bytes(1000))
    chunks = chunk(b"IHDR", size) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


@pytest.mark.parametrize(
    ("side", "reason"),
    [(60_000, "too many pixels"), (12_000, "12000 x 12000 is over the limit of 100000000 pixels")],
)
def test_a_picture_that_claims_to_be_huge_is_refused_by_its_header(side: int, reason: str) -> None:
    item = one("1_0_0_1.jpg", header_of_png(side, side))
    assert isinstance(item, Dropped)
    assert reason in item.reason


def test_undecodable_pictures_are_dropped(picture: Picture) -> None:
    bomb = header_of_png(60_000, 60_000)
    for content in (b"", b"no picture", picture(0, 200)[:2000], bomb):
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
    chip, dropped = ingest(open_source(tmp_path), 32, 2)
    assert isinstance(chip, Chip)
    assert isinstance(dropped, Dropped)
