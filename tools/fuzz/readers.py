"""Readers of hostile files as functions of bytes, and valid inputs to start from."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from tools.fuzz import pictures
from tools.fuzz.mutations import json_text, mutated_value
from tools.warm_process import end_with_parent
from utkage.core.errors import UtkageError
from utkage.data.names.registry import GRAMMARS, label_in_name
from utkage.data.names.utkface import UTKFACE_WITHOUT_RACE
from utkage.images.containers.archive_files import open_archive
from utkage.images.containers.limits import Limits
from utkage.images.decode import decode_image
from utkage.models.card import Card
from utkage.models.locate import resolve_weights
from utkage.prediction.row_files import finished_files, finished_rows
from utkage.prediction.rows import FaceRow

_NAMES = (
    *("25_1_2_20170116174525125.jpg", "61_1_20170109150557335.jpg.chip.jpg"),
    *("12_MariaCallas_40_f.jpg", "00013_94M32.JPG", "AFAD/25/112/7-0.jpg", "001A02.JPG"),
    *("nm0000100_rm46373120_1955-1-6_2003.jpg", "40_Robin_Williams_0001.jpg", "train/female/a.jpg"),
)
_LIMITS = Limits(max_entry_bytes=1 << 20, max_total_bytes=1 << 24, max_pixels=1 << 20)
_ROW = FaceRow("a.jpg", "ok", face=1, faces=1, box=(0.0, 0.0, 9.0, 9.0), age=30.0, gender="male")


@dataclass(frozen=True)
class Reader:
    """A reader.

    Attributes:
        read: Reads bytes; may raise ``UtkageError`` only.
        seeds: Yields valid inputs.
        is_json: Whether inputs are JSON, in which values are changed as well as bytes.
    """

    read: Callable[[bytes], object]
    seeds: Callable[[], Iterator[bytes]]
    is_json: bool = False


def _pictures() -> Iterator[bytes]:
    with tempfile.TemporaryDirectory() as name:
        pictures.KIND.set_up(Path(name))
        yield from (path.read_bytes() for path in sorted(Path(name).iterdir()))


def _read_picture(content: bytes) -> None:
    decode_image(content, max_pixels=_LIMITS.max_pixels, allow_truncated=True)


def _read_name(content: bytes) -> None:
    path = content.decode("utf-8", "surrogateescape")
    for grammar in (*GRAMMARS, UTKFACE_WITHOUT_RACE):
        label_in_name(path, grammar)


def _cards() -> Iterator[bytes]:
    card = resolve_weights("shipped").card
    yield card.to_json().encode()
    yield replace(card, data={}, training={}, metrics={}, limits=()).to_json().encode()


def _read_card(content: bytes) -> None:
    Card.from_json(content.decode("utf-8", "surrogateescape"), "weights").to_json()


def _rows() -> Iterator[bytes]:
    line = f"{json.dumps(_ROW.to_dict())}\n".encode()
    failed = json.dumps(FaceRow("b.jpg", "failed", reason="damaged").to_dict()).encode()
    yield from (line, line + failed, line * 3)


def _read_rows(content: bytes) -> None:
    with tempfile.NamedTemporaryFile(suffix=".jsonl", dir=_memory()) as file:
        path = Path(file.name)
        path.write_bytes(content)
        finished_files(path)
        list(finished_rows(path, FaceRow))


def _archives() -> Iterator[bytes]:
    content = pictures.picture_bytes(Random(0))
    for packing in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", packing) as archive:
            with archive.open(_NAMES[0], "w", force_zip64=packing == zipfile.ZIP_STORED) as member:
                member.write(content)
            archive.writestr("b/labels.csv", "path,age\n")
        yield buffer.getvalue()
    for mode in ("w:", "w:gz", "w:bz2", "w:xz"):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode=mode) as tar:
            for name in (_NAMES[0], f"{'long' * 40}/{_NAMES[1]}"):
                info = tarfile.TarInfo(name)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
        yield buffer.getvalue()


def _read_archive(content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=_memory()) as file:
        path = Path(file.name)
        path.write_bytes(content)
        archive = open_archive(path, _LIMITS)
        archive.paths()
        for found in archive.files(lambda path: True, skip_damaged=True):
            assert found.problem or len(found.content) <= _LIMITS.max_entry_bytes


def _memory() -> Path | None:
    """A folder in memory, where there is one."""
    memory = Path("/dev/shm")
    return memory if memory.is_dir() else None


READERS: dict[str, Reader] = {
    "picture": Reader(_read_picture, _pictures),
    "name": Reader(_read_name, lambda: (name.encode() for name in _NAMES)),
    "card": Reader(_read_card, lambda: iter([resolve_weights("shipped").card.to_json().encode()])),
    "rows": Reader(_read_rows, _rows),
    "archive": Reader(_read_archive, _archives),
}


def read_expected(name: str, content: bytes) -> None:
    """Read bytes; only errors that are none of utkage leave."""
    with contextlib.suppress(UtkageError):
        READERS[name].read(content)


def mutated_json(atheris: Any, content: bytes, longest: int, seed: int) -> bytes:
    """A copy with other values, or other bytes in a third of all cases and in damaged JSON."""
    random = Random(seed)
    if random.random() < 0.7:
        with contextlib.suppress(ValueError, RecursionError):
            lines = content.splitlines(keepends=True) or [content]
            number = random.randrange(len(lines))
            value, _ = mutated_value(json.loads(lines[number]), random)
            changed = json_text(value, random).encode("utf-8", "surrogatepass")
            end = b"\n" if lines[number].endswith(b"\n") else b""
            whole = b"".join((*lines[:number], changed + end, *lines[number + 1 :]))
            if len(whole) <= longest:
                return whole
    mutated: bytes = atheris.Mutate(content, longest)
    return mutated


def search(name: str) -> None:
    """Search for one reader with the options of libFuzzer in ``sys.argv``; ends the process."""
    end_with_parent()
    atheris = importlib.import_module("atheris")
    with tempfile.TemporaryDirectory() as folder:
        for number, content in enumerate(READERS[name].seeds()):
            (Path(folder) / str(number)).write_bytes(content)
        mutations = {"custom_mutator": partial(mutated_json, atheris)}
        atheris.Setup(
            [*sys.argv, folder],
            lambda content: read_expected(name, content),
            **(mutations if READERS[name].is_json else {}),
        )
        atheris.Fuzz()
