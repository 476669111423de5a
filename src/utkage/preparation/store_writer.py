"""Writing a prepared set: everything is put beside the current state, then takes its place."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import DataError, UsageError
from utkage.core.files import naming, write_json, write_text
from utkage.core.locks import exclusive
from utkage.data.manifest import ManifestRow, csv_text, manifest_csv
from utkage.data.records import Dropped
from utkage.data.split import SPLITS, split_hash
from utkage.data.store import FORMAT, FORMAT_VERSION, STORE_FILE, is_prepared, read_store_file
from utkage.faces.contract import CropContract

LOCK_FILE = ".lock"
REPORT_FILES = ("audit.json", "audit.html")
_CHIPS_PARTIAL = ".chips.partial.u8"
# Exactly our names: a folder may hold a manifest-2024.csv of somebody else.
_TABLE = re.compile(r"(chips-[0-9a-f]{12}\.u8|(manifest|dropped)-[0-9a-f]{12}\.csv)")
# What a kill inside an atomic write leaves.
_PARTIAL = re.compile(
    r"\.(manifest-|dropped-|store\.|audit\.).*\.partial\.(csv|json|html)"
    r"|\.exchange-[0-9a-f]+\.partial\.u8"
)


class StoreWriter:
    """Writes a new state of a prepared set.

    Use as a context manager: ``append`` chips, then ``commit``. Leaving without ``commit``
    removes what was written and keeps the former state. The names of the files follow from their
    content, so the same input gives the same bytes however often it was interrupted.

    Raises:
        UsageError: the folder holds something else, or another process is writing into it.
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
        self._partial = folder / _CHIPS_PARTIAL
        self._count = 0

    def __enter__(self) -> StoreWriter:
        self._lock = exclusive(self._folder / LOCK_FILE, str(self._folder))
        self._lock.__enter__()
        self._chips = self._partial.open("wb")
        return self

    def __exit__(self, *exception: Any) -> None:
        # What a full disk refuses to take again is not wanted: it was committed, or it goes.
        with contextlib.suppress(OSError):
            self._chips.close()
        _remove_leftovers(self._folder)
        self._lock.__exit__(*exception)
        if [path.name for path in self._folder.iterdir()] == [LOCK_FILE]:
            # Nothing was ever prepared here: leave no empty folder to be taken for a set.
            (self._folder / LOCK_FILE).unlink()
            self._folder.rmdir()

    def exchange(self) -> Path:
        """A new place for a file in which processes hand chips over; removed with left-overs."""
        # Never the same twice: a worker that outlives a killed run may still write into its own.
        return self._folder / f".exchange-{secrets.token_hex(8)}.partial.u8"

    def append(self, chip: NDArray[np.uint8]) -> int:
        """Add one chip, (size, size, 3) uint8; returns its row."""
        side = self._contract.size
        if chip.shape != (side, side, 3) or chip.dtype != np.uint8:
            raise DataError(f"a chip of {chip.shape} {chip.dtype} in a store of {side} pixels")
        with naming(self._partial):
            self._chips.write(np.ascontiguousarray(chip).data)
        self._count += 1
        return self._count - 1

    def commit(
        self, manifest: list[ManifestRow], dropped: list[Dropped], description: dict[str, Any]
    ) -> None:
        """Write the tables, then make this the state of the set by replacing ``store.json``."""
        with naming(self._partial):
            self._chips.flush()
            os.fsync(self._chips.fileno())
        manifest_text = manifest_csv(manifest)
        dropped_text = csv_text(
            ("source", "name", "reason"),
            ((item.source, item.name, item.reason) for item in dropped),
        )
        content = hashlib.sha256(f"{self._contract}\n{manifest_text}\n{dropped_text}".encode())
        identity = content.hexdigest()[:12]
        files = {
            "chips": f"chips-{identity}.u8",
            "manifest": f"manifest-{identity}.csv",
            "dropped": f"dropped-{identity}.csv",
        }
        self._partial.replace(self._folder / files["chips"])
        write_text(self._folder / files["manifest"], manifest_text)
        write_text(self._folder / files["dropped"], dropped_text)
        used = [row for row in manifest if row.split]
        write_json(
            self._folder / STORE_FILE,
            {
                "format": FORMAT,
                "version": FORMAT_VERSION,
                "contract": self._contract.to_json(),
                "rows": self._count,
                "usable": len(used),
                "splits": {split: sum(row.split == split for row in used) for split in SPLITS},
                "dropped": len(dropped),
                "split_hash": split_hash((row.record.pixel_hash, row.split) for row in used),
                **description,
                "files": files,
            },
        )


def _is_ours(folder: Path) -> bool:
    return all(
        path.name.startswith(".")
        or path.name in (STORE_FILE, *REPORT_FILES)
        or _TABLE.fullmatch(path.name)
        for path in folder.iterdir()
    )


def _remove_leftovers(folder: Path) -> None:
    try:
        keep = set(read_store_file(folder)["files"].values()) if is_prepared(folder) else set()
    except DataError:
        # Of another version: what belongs to it is not ours to say.
        return
    for path in folder.iterdir():
        left_over = _TABLE.fullmatch(path.name) and path.name not in keep
        if left_over or _PARTIAL.fullmatch(path.name) or path.name == _CHIPS_PARTIAL:
            path.unlink(missing_ok=True)
