"""Small prepared sets of random chips, for the tests of the store and of its writer."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from utkage.data.labels import FaceLabel
from utkage.data.manifest import ManifestRow
from utkage.data.records import Dropped, Record
from utkage.data.split import SPLITS
from utkage.data.store import STORE_FILE, ChipStore
from utkage.faces.contract import utkface_contract
from utkage.preparation.ingest import pixel_hash
from utkage.preparation.store_writer import StoreWriter

SIZE = 32
CONTRACT = utkface_contract(SIZE)
DESCRIPTION: dict[str, object] = {"source": {"name": "s"}, "split": {}}
# store.json, chips, manifest and dropped.
FILES = 4


def random_chips(count: int, seed: int = 0) -> NDArray[np.uint8]:
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (count, SIZE, SIZE, 3), dtype=np.uint8)


def manifest_rows(chips: NDArray[np.uint8]) -> list[ManifestRow]:
    return [
        ManifestRow(
            row=row,
            record=Record(
                source='a "source", with commas' if row % 2 else "other",
                name=f"{row + 1}_{row % 2}_1_{row}.jpg",
                label=FaceLabel(row + 1, row % 2, None if row == 1 else row % 5),
                byte_hash=f"{row:064x}",
                pixel_hash=pixel_hash(chip),
                perceptual=bytes([row] * 32),
                width=SIZE,
                height=SIZE + row,
                aligned=row != 4,
                wrong_extension=row == 2,
                constant=row == 3,
            ),
            group=pixel_hash(chip),
            split=SPLITS[row % 3],
            assigned_split=SPLITS[row % 3],
            reason="",
        )
        for row, chip in enumerate(chips)
    ]


def write_set(folder: Path, count: int = 7, seed: int = 0) -> str:
    chips = random_chips(count, seed)
    left_out = replace(manifest_rows(chips)[0], row=count, split="", reason="copy of it")
    with StoreWriter(folder, CONTRACT) as writer:
        assert [writer.append(chip) for chip in chips] == list(range(count))
        writer.append(chips[0])
        dropped = [Dropped("s", "x.jpg", "why,\nnot")]
        writer.commit([*manifest_rows(chips), left_out], dropped, DESCRIPTION)
    return ChipStore.open(folder).split_hash


def change_store_file(folder: Path, **values: object) -> None:
    path = folder / STORE_FILE
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def file_of(folder: Path, kind: str) -> Path:
    return folder / str(json.loads((folder / STORE_FILE).read_text())["files"][kind])
