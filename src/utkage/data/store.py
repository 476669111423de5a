"""The chip store: decoded chips in one memory-mapped file, with a plain CSV of what they are.

A prepared set is a folder with

* ``store.json``: format version, crop contract, source, counts, hashes, and the names of the
  other files. It is written last and replaced atomically: it *is* the prepared set, and whatever
  it does not name is a left-over of a killed run.
* ``chips-<id>.u8``: rows of size x size x 3 bytes, uint8 RGB, nothing else. Reading one is a
  matter of arithmetic in any language.
* ``manifest-<id>.csv``: one line per usable chip (row, name, source, age, gender, race, pixel
  hash, split).
* ``dropped-<id>.csv``: one line per picture left out, with the reason.
"""

from __future__ import annotations

import csv
import io
import json
import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import ConfigError, DataError, LabelError, UsageError
from utkage.core.files import write_json, write_text
from utkage.data.chips import NO_RACE, LabelledChips
from utkage.data.ingest import Dropped
from utkage.data.labels import FaceLabel
from utkage.data.split import SPLITS, split_hash
from utkage.faces.contract import CropContract

FORMAT_VERSION = 1
STORE_FILE = "store.json"
_OURS = ("chips-*.u8", "manifest-*.csv", "dropped-*.csv")
# What a kill inside an atomic write leaves.
_PARTIALS = (".manifest-*.partial.csv", ".dropped-*.partial.csv", ".store.*.partial.json")


@dataclass(frozen=True)
class ManifestRow:
    """One usable chip of a prepared set."""

    row: int
    name: str
    source: str
    label: FaceLabel
    pixel_hash: str
    split: str


class StoreWriter:
    """Writes a new state of a prepared set beside the current one, then switches over.

    Use as a context manager: ``append`` chips, then ``commit``. Leaving without ``commit``
    removes what was written and keeps the former state.
    """

    def __init__(self, folder: Path, contract: CropContract) -> None:
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"{folder}: is a file; choose a folder for the prepared set")
        if folder.is_dir() and any(folder.iterdir()) and not _is_ours(folder):
            raise UsageError(
                f"{folder}: holds other files; choose an empty folder for the prepared set"
            )
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._contract = contract
        self._id = uuid.uuid4().hex[:12]
        self._chips = (folder / f"chips-{self._id}.u8").open("wb")
        self._count = 0

    def __enter__(self) -> StoreWriter:
        return self

    def __exit__(self, *exception: object) -> None:
        self._chips.close()
        try:
            current = read_store_file(self._folder)["files"] if is_prepared(self._folder) else {}
        except DataError:
            # Of another version: what belongs to it is not ours to say, what we wrote is.
            (self._folder / f"chips-{self._id}.u8").unlink(missing_ok=True)
        else:
            _remove_leftovers(self._folder, set(current.values()))

    def append(self, chip: NDArray[np.uint8]) -> int:
        """Add one chip, (size, size, 3) uint8; returns its row."""
        side = self._contract.size
        if chip.shape != (side, side, 3) or chip.dtype != np.uint8:
            raise DataError(f"a chip of {chip.shape} {chip.dtype} in a store of {side} pixels")
        self._chips.write(np.ascontiguousarray(chip).data)
        self._count += 1
        return self._count - 1

    def commit(
        self,
        manifest: list[ManifestRow],
        dropped: list[Dropped],
        description: dict[str, Any],
    ) -> str:
        """Write the tables, then make this the state of the set by replacing ``store.json``.

        Returns the split hash.
        """
        self._chips.flush()
        os.fsync(self._chips.fileno())
        files = {
            "chips": f"chips-{self._id}.u8",
            "manifest": f"manifest-{self._id}.csv",
            "dropped": f"dropped-{self._id}.csv",
        }
        write_text(self._folder / files["manifest"], _manifest_csv(manifest))
        write_text(
            self._folder / files["dropped"],
            _csv(["name", "reason"], [[item.name, item.reason] for item in dropped]),
        )
        identity = split_hash((row.pixel_hash, row.split) for row in manifest)
        write_json(
            self._folder / STORE_FILE,
            {
                "format": "utkage chip store",
                "version": FORMAT_VERSION,
                "contract": self._contract.to_json(),
                "rows": self._count,
                "usable": len(manifest),
                "splits": {split: sum(row.split == split for row in manifest) for split in SPLITS},
                "dropped": len(dropped),
                "split_hash": identity,
                **description,
                "files": files,
            },
        )
        return identity


@dataclass(frozen=True)
class ChipStore:
    """A prepared set, opened for reading.

    Attributes:
        folder: Where it lies.
        contract: What its chips are.
        description: Everything in ``store.json``.
        manifest: The usable chips.
    """

    folder: Path
    contract: CropContract
    description: dict[str, Any]
    manifest: tuple[ManifestRow, ...]

    @classmethod
    def open(cls, folder: Path) -> ChipStore:
        """Open the prepared set in ``folder``.

        Raises:
            UsageError: there is no prepared set.
            DataError: its files do not fit together.
        """
        description = read_store_file(folder)
        files = description["files"]
        manifest_path, chips_path = folder / files["manifest"], folder / files["chips"]
        try:
            rows = int(description["rows"])
            contract = CropContract.from_json(description["contract"])
            with manifest_path.open(newline="", encoding="utf-8") as file:
                manifest = tuple(_manifest_row(line) for line in csv.DictReader(file))
            if any(not 0 <= row.row < rows for row in manifest):
                raise ValueError("it names chips that are not there")
            if description["split_hash"] != split_hash((r.pixel_hash, r.split) for r in manifest):
                raise ValueError("it is not the one that was written")
        except (OSError, KeyError, ValueError, TypeError, ConfigError, LabelError) as error:
            raise DataError(f"{manifest_path}: cannot be read ({error}); prepare again") from error
        expected = rows * contract.size**2 * 3
        if not chips_path.is_file() or chips_path.stat().st_size != expected:
            raise DataError(f"{chips_path}: missing or of the wrong length; prepare again")
        return cls(folder, contract, description, manifest)

    @property
    def split_hash(self) -> str:
        """Identifies the pictures and how they are divided."""
        return str(self.description["split_hash"])

    def split(self, name: str) -> LabelledChips:
        """The chips of ``"train"``, ``"val"``, ``"test"`` or ``"all"``, memory-mapped.

        Raises:
            UsageError: no such split, or it is empty.
        """
        if name not in (*SPLITS, "all"):
            raise UsageError(f"no split is called {name!r}; use train, val, test or all")
        chosen = [row for row in self.manifest if name in ("all", row.split)]
        if not chosen:
            raise UsageError(
                f"{self.folder}: its {name} split is empty; "
                "prepare more pictures or choose other fractions"
            )
        side = self.contract.size
        pixels = np.memmap(
            self.folder / str(self.description["files"]["chips"]),
            dtype=np.uint8,
            mode="r",
            shape=(int(self.description["rows"]), side, side, 3),
        )
        return LabelledChips(
            pixels=pixels,
            rows=np.array([row.row for row in chosen], dtype=np.int64),
            names=tuple(row.name for row in chosen),
            ages=np.array([row.label.age for row in chosen], dtype=np.int64),
            genders=np.array([row.label.gender for row in chosen], dtype=np.int64),
            races=np.array(
                [NO_RACE if row.label.race is None else row.label.race for row in chosen],
                dtype=np.int64,
            ),
            pixel_hashes=tuple(row.pixel_hash for row in chosen),
            contract=self.contract,
        )


def is_prepared(folder: Path) -> bool:
    """Whether ``folder`` is a prepared set."""
    return (folder / STORE_FILE).is_file()


def read_store_file(folder: Path) -> dict[str, Any]:
    """The parsed ``store.json`` of a prepared set.

    Raises:
        UsageError: there is none.
        DataError: it is damaged or of a newer version.
    """
    path = folder / STORE_FILE
    if not path.is_file():
        raise UsageError(f"{folder}: not a prepared set; run 'utkage prepare' first")
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
        version = description["version"]
        if description["format"] != "utkage chip store":
            raise KeyError("format")
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: not a store file of utkage; prepare again") from error
    if version != FORMAT_VERSION:
        raise DataError(
            f"{path}: format version {version}, this utkage reads {FORMAT_VERSION}; prepare again"
        )
    files = description.get("files")
    if not isinstance(files, dict) or not {"chips", "manifest", "dropped"} <= set(files):
        raise DataError(f"{path}: does not name its files; prepare again")
    return dict(description)


def _manifest_row(line: dict[str, str]) -> ManifestRow:
    return ManifestRow(
        row=int(line["row"]),
        name=line["name"],
        source=line["source"],
        label=FaceLabel(
            int(line["age"]), int(line["gender"]), int(line["race"]) if line["race"] else None
        ),
        pixel_hash=line["pixel_hash"],
        split=line["split"],
    )


def _manifest_csv(manifest: list[ManifestRow]) -> str:
    header = ["row", "name", "source", "age", "gender", "race", "pixel_hash", "split"]
    lines: list[list[Any]] = [
        [
            row.row,
            row.name,
            row.source,
            row.label.age,
            row.label.gender,
            "" if row.label.race is None else row.label.race,
            row.pixel_hash,
            row.split,
        ]
        for row in manifest
    ]
    return _csv(header, lines)


def _csv(header: list[str], lines: list[list[Any]]) -> str:
    buffer = io.StringIO()
    writer: Callable[[list[Any]], Any] = csv.writer(buffer, lineterminator="\n").writerow
    writer(header)
    for line in lines:
        writer(line)
    return buffer.getvalue()


def _is_ours(folder: Path) -> bool:
    names = {path.name for pattern in (*_OURS, STORE_FILE) for path in folder.glob(pattern)}
    return all(path.name in names or path.name.startswith(".") for path in folder.iterdir())


def _remove_leftovers(folder: Path, keep: set[str]) -> None:
    for pattern in (*_OURS, *_PARTIALS):
        for path in folder.glob(pattern):
            if path.name not in keep:
                path.unlink(missing_ok=True)
