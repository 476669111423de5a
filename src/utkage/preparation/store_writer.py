"""Writing a prepared set: new files are written beside the current ones, then replace them."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import DataError, UsageError
from utkage.core.files import name_in_errors, write_json, write_parts
from utkage.core.outputs import contains
from utkage.core.partials import output_of
from utkage.core.single_writer import holding_folder
from utkage.data.manifest import ManifestRow, csv_parts, manifest_csv
from utkage.data.records import Dropped
from utkage.data.split import SPLITS, split_hash
from utkage.data.store import (
    FIRST_DETECTOR,
    FORMAT,
    FORMAT_VERSION,
    STORE_FILE,
    is_prepared,
    read_store_file,
)
from utkage.faces.contract import CropContract

REPORT_FILES = ("audit.json", "audit.html")
_CHIPS_PARTIAL = ".chips.partial.u8"
# Exact names, because a folder may hold somebody else's manifest-2024.csv.
_TABLE = re.compile(r"(chips-[0-9a-f]{12}\.u8|(manifest|dropped)-[0-9a-f]{12}\.csv)")
# Temporary files without a final name, through which processes also return chips.
_CHIPS = re.compile(r"\.chips\.partial\.u8|\.exchange-[0-9a-f]{16}\.partial\.u8")


class StoreWriter:
    """Writes a new state of a prepared set: ``append`` chips, then ``commit``.

    Leaving the context without a ``commit`` keeps the current state. File names are derived from
    the content: the same input gives the same files, however often a run was interrupted.

    Raises:
        UsageError: the folder holds other files, or another process is writing into it.
    """

    def __init__(self, folder: Path, contract: CropContract) -> None:
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"{folder}: is a file; choose a folder for the prepared set")
        if folder.is_dir() and not all(_is_ours(path) for path in folder.iterdir()):
            raise UsageError(f"{folder}: holds other files; choose an empty folder for the set")
        if (foreign := _foreign_file(folder)) is not None:
            raise UsageError(f"{foreign}: is not a file of a prepared set; choose an empty folder")
        self._folder = folder
        self._contract = contract
        self._partial = folder / _CHIPS_PARTIAL
        self._count = 0

    def __enter__(self) -> StoreWriter:
        with ExitStack() as stack:
            stack.enter_context(holding_folder(self._folder, _is_written))
            _remove_leftovers(self._folder)
            self._chips = self._partial.open("wb")
            self._held = stack.pop_all()
        return self

    def __exit__(self, *exception: Any) -> None:
        # On a full disk, closing fails. The chips are either committed or about to be removed.
        with contextlib.suppress(OSError):
            self._chips.close()
        with self._held:
            _remove_leftovers(self._folder)
        # An empty folder could be mistaken for a prepared set; others cannot be removed.
        with contextlib.suppress(OSError):
            self._folder.rmdir()

    def exchange_path(self) -> Path:
        """A new path for the file through which processes return chips; removed on exit."""
        # Unique, because a worker that outlives a killed run may still write into its file.
        return self._folder / f".exchange-{secrets.token_hex(8)}.partial.u8"

    def append(self, chip: NDArray[np.uint8]) -> int:
        """Add one chip, uint8 (size, size, 3), and return its row."""
        size = self._contract.size
        if chip.shape != (size, size, 3) or chip.dtype != np.uint8:
            raise DataError(f"a chip of {chip.shape} {chip.dtype} in a store of {size} pixels")
        with name_in_errors(self._partial):
            self._chips.write(np.ascontiguousarray(chip).data)
        self._count += 1
        return self._count - 1

    def commit(
        self, manifest: list[ManifestRow], dropped: list[Dropped], description: dict[str, Any]
    ) -> None:
        """Write the tables, then replace ``store.json``, which makes this the current state.

        ``description`` has further entries for ``store.json``: inputs and settings.
        """
        with name_in_errors(self._partial):
            self._chips.flush()
            os.fsync(self._chips.fileno())
        identity = self._identity(manifest, dropped, description.get("detector", FIRST_DETECTOR))
        files = {
            "chips": f"chips-{identity}.u8",
            "manifest": f"manifest-{identity}.csv",
            "dropped": f"dropped-{identity}.csv",
        }
        self._partial.replace(self._folder / files["chips"])
        write_parts(self._folder / files["manifest"], manifest_csv(manifest))
        write_parts(self._folder / files["dropped"], _dropped_csv(dropped))
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

    def _identity(
        self, manifest: list[ManifestRow], dropped: list[Dropped], detector: Mapping[str, Any]
    ) -> str:
        """A hash (12 hex digits) of everything that the set contains."""
        # The tables are made twice, because the text of millions of lines would fill the memory.
        parts = chain(
            (f"{self._contract}\n",), manifest_csv(manifest), ("\n",), _dropped_csv(dropped)
        )
        digest = hashlib.sha256()
        for part in parts:
            digest.update(part.encode())
        if detector != FIRST_DETECTOR:
            # Slightly different crops can have the same hashes, and so the same manifest.
            digest.update(f"\n{detector}".encode())
        return digest.hexdigest()[:12]


def _dropped_csv(dropped: list[Dropped]) -> Iterator[str]:
    lines = ((item.source, item.name, item.reason) for item in dropped)
    return csv_parts(("source", "name", "reason"), lines)


def _is_ours(path: Path) -> bool:
    named = path.name.startswith(".") or path.name in (STORE_FILE, *REPORT_FILES)
    return named or _TABLE.fullmatch(path.name) is not None


def _foreign_file(folder: Path) -> Path | None:
    """A file that utkage did not write, under a name that a set would replace."""
    store = folder / STORE_FILE
    if store.is_file():
        return None if contains(store, f'"{FORMAT}"') or not store.stat().st_size else store
    # Reports are written only after the set.
    return next((folder / name for name in REPORT_FILES if (folder / name).exists()), None)


def _is_written(name: str) -> bool:
    return name in (STORE_FILE, *REPORT_FILES) or _TABLE.fullmatch(name) is not None


def remove_leftovers(folder: Path) -> None:
    """Remove what killed processes have left in a prepared set, unless one is writing there."""
    partials = (output_of(path.name) for path in folder.iterdir())
    if _leftovers(folder) or any(name is not None and _is_written(name) for name in partials):
        with contextlib.suppress(UsageError), holding_folder(folder, _is_written):
            _remove_leftovers(folder)


def written_files(folder: Path) -> list[Path]:
    """The files of a prepared set in ``folder``, which its next state removes or replaces."""
    if not folder.is_dir():
        return []
    return [path for path in folder.iterdir() if _is_written(path.name)]


def _remove_leftovers(folder: Path) -> None:
    """The caller holds the folder."""
    for path in _leftovers(folder):
        path.unlink(missing_ok=True)


def _leftovers(folder: Path) -> list[Path]:
    """Chips without a final name, and files of former states of the set."""
    try:
        keep = set(read_store_file(folder)["files"].values()) if is_prepared(folder) else set()
    except DataError:
        # A set of another version: which files belong to it is unknown.
        return []
    return [
        path
        for path in folder.iterdir()
        if _CHIPS.fullmatch(path.name) or (_TABLE.fullmatch(path.name) and path.name not in keep)
    ]
