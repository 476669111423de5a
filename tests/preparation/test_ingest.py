import io
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from progress_recorder import ProgressRecorder

from utkage.core.reporter import Reporter, SilentReporter
from utkage.data.labels import FaceLabel
from utkage.data.records import Dropped
from utkage.data.sources.base import Entry, Source
from utkage.data.sources.registry import open_source
from utkage.faces.contract import utkface_contract
from utkage.faces.detector import Detector, Face
from utkage.preparation import workers as workers_module
from utkage.preparation.ingest import Ingested, Ingestion, pixel_hash
from utkage.preparation.workers import ingest

Picture = Callable[..., bytes]
Folder = Callable[[Path, Mapping[str, bytes]], Path]


LABEL = FaceLabel(33, 1, 3)


def entry_of(
    name: str,
    content: bytes,
    position: int = 0,
    *,
    label: FaceLabel | None = LABEL,
    aligned: bool = True,
    problem: str | None = None,
) -> Entry:
    return Entry(
        name=name,
        content=content,
        position=position,
        label=label,
        aligned=aligned,
        problem=problem,
    )


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


class Seeing:
    """Finds one face, at the landmarks of the template, in every picture but black ones."""

    def detect(self, rgb: np.ndarray) -> list[Face]:
        if rgb.max() == 0:
            return []
        size = float(min(rgb.shape[:2]))
        left, right, nose, low_left, low_right = utkface_contract(32).at_size(64).template
        landmarks = (left, right, nose, low_left, low_right)
        return [Face((0.0, 0.0, size, size), 0.9, landmarks)]


@pytest.fixture(autouse=True)
def no_detector(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(choice: str) -> Detector:
        raise AssertionError("chips need no detector")

    monkeypatch.setattr(workers_module, "open_detector", refuse)


def reading(
    source: Source,
    workers: int = 1,
    reporter: Reporter | None = None,
    **settings: object,
) -> Iterator[Ingested | Dropped]:
    ingestion = Ingestion(
        contract=utkface_contract(32),
        workers=workers,
        **settings,  # type: ignore[arg-type]
    )
    return ingest(source, "list", ingestion, reporter or SilentReporter())


def one(name: str, content: bytes, problem: str | None = None) -> Ingested | Dropped:
    label = LABEL if problem is None else None
    entry = entry_of(name, content, label=label, problem=problem)
    (item,) = reading(ListSource([entry]))
    return item


def test_a_photograph_goes_through_the_detector(
    picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def open_seeing(choice: str, min_face: float | None = None) -> Detector:
        opened.append(choice)
        return Seeing()

    monkeypatch.setattr(workers_module, "open_detector", open_seeing)
    black = io.BytesIO()
    Image.new("RGB", (64, 80)).save(black, "PNG")
    entries = [
        entry_of("a.jpg", picture(1, 64, 80), 1, aligned=False),
        entry_of("b.jpg", black.getvalue(), 2, aligned=False),
    ]
    ingestion = Ingestion(contract=utkface_contract(32), detector="yunet:other.onnx")
    found, faceless = ingest(ListSource(entries), "photographs", ingestion, SilentReporter())
    assert opened == ["yunet:other.onnx"]
    assert isinstance(found, Ingested)
    assert not found.record.aligned
    assert found.chip.shape == (32, 32, 3)
    assert (found.record.width, found.record.height) == (64, 80)
    assert len(found.record.landmarks) == 5
    assert faceless == Dropped("photographs", "b.jpg", "no face was found")


def test_known_files_are_not_decoded_again(picture: Picture) -> None:
    entry = entry_of("33_1_3_5.png", picture(3, 64))
    (first,) = reading(ListSource([entry]))
    assert isinstance(first, Ingested)
    marked = np.full((32, 32, 3), 7, dtype=np.uint8)
    known = {(first.record.byte_hash, True): (first.record, marked)}
    renamed = entry_of("40_0_1_9.jpg", picture(3, 64), label=FaceLabel(40, 0, 1))
    (again,) = reading(ListSource([renamed]), known=known)
    assert isinstance(again, Ingested)
    assert again.chip is marked
    assert (again.record.name, again.record.label.age) == ("40_0_1_9.jpg", 40)
    assert again.record.wrong_extension
    assert again.record.pixel_hash == first.record.pixel_hash


def test_one_colour_and_a_wrong_ending_are_noted() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), (200, 9, 90)).save(buffer, "PNG")
    item = one("33_1_3_5.jpg", buffer.getvalue())
    assert isinstance(item, Ingested)
    assert item.record.constant
    assert item.record.wrong_extension


def test_one_colour_is_noted_within_a_black_margin(picture: Picture) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), (200, 9, 90)).save(buffer, "PNG")
    entries = [entry_of("33_1_3_5.png", buffer.getvalue()), entry_of("33_1_3_6.jpg", picture(3))]
    ingestion = Ingestion(contract=utkface_contract(64, margin=0.25))
    items = list(ingest(ListSource(entries), "list", ingestion, SilentReporter()))
    assert [item.record.constant for item in items if isinstance(item, Ingested)] == [True, False]


@pytest.mark.parametrize("workers", [1, 4])
def test_order_is_that_of_the_source(picture: Picture, workers: int) -> None:
    # Large and small pictures in turn, so that threads finish out of order.
    entries = [
        entry_of(
            f"{age}_0_0_{age}.jpg",
            picture(age, 300 if age % 3 == 0 else 32),
            age + 1,
            label=FaceLabel(age, 0, 0),
        )
        for age in range(45)
    ]
    reporter = ProgressRecorder()
    items = list(reading(ListSource(entries), workers, reporter))
    taken = [item.record for item in items if isinstance(item, Ingested)]
    assert [record.name for record in taken] == [entry.name for entry in entries]
    assert [record.label.age for record in taken] == list(range(45))
    assert reporter.positions == list(range(1, 46))


def test_the_window_is_bounded(picture: Picture) -> None:
    source = ListSource([entry_of("1_0_0_1.jpg", picture(0), index) for index in range(60)])
    stream = reading(source, 2)
    next(stream)
    assert source.taken <= 8 * 2 + 1
    assert len(list(stream)) == 59


def test_a_good_picture(picture: Picture) -> None:
    item = one("33_1_3_5.jpg", picture(3, 64))
    assert isinstance(item, Ingested)
    assert item.record.label == FaceLabel(33, 1, 3)
    assert item.chip.shape == (32, 32, 3)
    assert item.chip.dtype == np.uint8
    original = np.asarray(Image.open(io.BytesIO(picture(3, 64))))
    assert item.record.pixel_hash == pixel_hash(original), "the hash is of the original size"


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
    ("size", "reason"),
    [
        (60_000, "60000 x 60000 is over the limit of 100000000 pixels"),
        (15_000, "raise `max_pixels` to 112500000 or more"),
    ],
)
def test_a_picture_that_claims_to_be_huge_is_refused_by_its_header(size: int, reason: str) -> None:
    item = one("1_0_0_1.jpg", header_of_png(size, size))
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
    assert one("1_0_0_1.jpg", b"", "a link") == Dropped("list", "1_0_0_1.jpg", "a link")


def test_the_hash_sees_pixels_only(picture: Picture) -> None:
    plain, remarked = picture(1), picture(1, comment="saved again")
    assert plain != remarked
    first, second, third = (
        one("1_0_0_1.jpg", content) for content in (plain, remarked, picture(2))
    )
    assert isinstance(first, Ingested)
    assert isinstance(second, Ingested)
    assert isinstance(third, Ingested)
    assert first.record.pixel_hash == second.record.pixel_hash
    assert first.record.byte_hash != second.record.byte_hash
    assert first.record.pixel_hash != third.record.pixel_hash
    assert len(first.record.pixel_hash) == 64


def test_the_hash_depends_on_shape_order_and_single_values() -> None:
    rgb = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    changed = rgb.copy()
    changed[3, 5, 2] ^= 1
    others = [rgb.reshape(6, 4, 3), changed, rgb[:, :, ::-1], rgb[::-1]]
    hashes = {pixel_hash(other) for other in others} | {pixel_hash(rgb)}
    assert len(hashes) == 5
    assert pixel_hash(np.asfortranarray(rgb)) == pixel_hash(rgb)


def test_from_a_folder(tmp_path: Path, picture: Picture, write_folder: Folder) -> None:
    write_folder(tmp_path, {"1_0_0_1.jpg.chip.jpg": picture(1), "bad.jpg": picture(2)})
    chip, dropped = reading(open_source(tmp_path), 2)
    assert isinstance(chip, Ingested)
    assert isinstance(dropped, Dropped)
