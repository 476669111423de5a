"""The chip store: chips in one memory-mapped file, and a CSV manifest that describes them.

A prepared set is a folder with

* ``store.json``: format version, crop contract, inputs and settings, counts, hashes, and the
  names of the next three files. It is written last; files that it does not name are leftovers.
* ``chips-<id>.u8``: rows of size x size x 3 bytes, uint8 RGB, without a header.
* ``manifest-<id>.csv``: one line per decoded picture; those without a split are not used.
* ``dropped-<id>.csv``: one line per picture that could not be used at all, with the reason.
* ``audit.json`` and ``audit.html``: a report made from the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import ConfigError, DataError, LabelError, UsageError
from utkage.core.fields import Fields
from utkage.core.json_text import parse_json
from utkage.data.chips import LabelledChips, labelled_chips
from utkage.data.csv_file import read_csv
from utkage.data.manifest import ManifestRow, read_manifest
from utkage.data.records import Dropped
from utkage.data.split import SPLITS, split_hash
from utkage.faces.contract import TOLERANCE, CropContract

FORMAT = "utkage chip store"
FORMAT_VERSION = 1
STORE_FILE = "store.json"
# Longest ``store.json``, bytes, and largest number of chips.
LONGEST = 16 * 1024**2
MOST_ROWS = 100_000_000
# The detector of sets from before it could be chosen, whose ``store.json`` names none.
FIRST_DETECTOR: Mapping[str, str | None] = {"name": "retinaface", "file": None}
# The prepared set that commands use by default.
DEFAULT_FOLDER = Path("prepared")


@dataclass(frozen=True)
class ChipStore:
    """A prepared set, opened for reading.

    Attributes:
        description: Content of ``store.json``.
        manifest: All decoded pictures; those without a split are not used.
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
            DataError: its files are damaged or do not belong together.
        """
        description = read_store_file(folder)
        files = description["files"]
        manifest_path, chips_path = folder / files["manifest"], folder / files["chips"]
        try:
            rows = int(description["rows"])
            contract = CropContract.from_json(description["contract"])
            manifest = read_manifest(manifest_path)
            if len(manifest) != rows or {row.row for row in manifest} != set(range(rows)):
                raise ValueError("it does not have one line for each chip")
            used = ((row.record.pixel_hash, row.split) for row in manifest if row.split)
            if description["split_hash"] != split_hash(used):
                raise ValueError("it is not the one that was written")
        except DataError as error:
            raise DataError(f"{error}; prepare again") from error
        except (ValueError, ConfigError, LabelError) as error:
            raise DataError(f"{manifest_path}: cannot be read ({error}); prepare again") from error
        expected = rows * contract.size**2 * 3
        if not chips_path.is_file() or chips_path.stat().st_size != expected:
            raise DataError(f"{chips_path}: missing or of the wrong length; prepare again")
        return cls(folder, contract, description, manifest)

    @property
    def split_hash(self) -> str:
        """A hash that identifies the pictures and their splits."""
        return str(self.description["split_hash"])

    @property
    def detector(self) -> Mapping[str, str | None]:
        """The detector that found the faces in photographs: its name and the hash of its file."""
        recorded: Mapping[str, str | None] = self.description.get("detector", FIRST_DETECTOR)
        return recorded

    def lacks_margin(self, contract: CropContract) -> bool:
        """Whether a crop contract shows more around faces than the chips of photographs do."""
        ratio = self.contract.width_ratio(contract)
        wider = ratio is not None and ratio > 1 + TOLERANCE
        return wider and not all(row.record.aligned for row in self.manifest)

    def split(self, name: str, source: str | None = None) -> LabelledChips:
        """The chips of ``"train"``, ``"val"``, ``"test"`` or ``"all"``, memory-mapped.

        ``source`` is the name of the only source to use; None: all sources.

        Raises:
            UsageError: there is no such split or source, or it is empty.
        """
        if name not in (*SPLITS, "all"):
            raise UsageError(f"no split named {name!r}; use train, val, test or all")
        chosen = [row for row in self.manifest if row.split and name in ("all", row.split)]
        if source is not None:
            names = sorted({row.record.source for row in self.manifest})
            if source not in names:
                raise UsageError(
                    f"{self.folder}: no source named {source!r}; it has {', '.join(names)}"
                )
            chosen = [row for row in chosen if row.record.source == source]
        if not chosen:
            raise UsageError(
                f"{self.folder}: the {name} split is empty; "
                "prepare more pictures or choose other fractions"
            )
        return labelled_chips(
            self.pixels(),
            [row.row for row in chosen],
            [row.record for row in chosen],
            self.contract,
            [row.group for row in chosen],
        )

    def dropped(self) -> tuple[Dropped, ...]:
        """The pictures that could not be used at all."""
        path = self.folder / str(self.description["files"]["dropped"])
        columns = ("source", "name", "reason")
        return tuple(
            Dropped(*(cells[name] for name in columns)) for _, cells in read_csv(path, columns)
        )

    def pixels(self) -> NDArray[np.uint8]:
        """All chips, memory-mapped and read-only: uint8 RGB, (rows, size, size, 3)."""
        rows, size = int(self.description["rows"]), self.contract.size
        if rows == 0:
            return np.empty((0, size, size, 3), dtype=np.uint8)
        path = self.folder / str(self.description["files"]["chips"])
        return np.memmap(path, dtype=np.uint8, mode="r", shape=(rows, size, size, 3))


def is_prepared(folder: Path) -> bool:
    """Whether ``folder`` contains a prepared set."""
    return (folder / STORE_FILE).is_file()


def read_store_file(folder: Path) -> dict[str, Any]:
    """Read ``store.json`` of a prepared set.

    Raises:
        UsageError: there is none.
        DataError: it is damaged or of another version.
    """
    path = folder / STORE_FILE
    if not path.is_file():
        raise UsageError(f"{folder}: not a prepared set; run 'utkage prepare' first")
    try:
        with path.open("rb") as file:
            found = Fields.of(parse_json(file.read(LONGEST + 1), longest=LONGEST))
        found.choice("format", (FORMAT,))
        version = found.whole("version")
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not a utkage store file ({error}); prepare again") from error
    if version != FORMAT_VERSION:
        raise DataError(
            f"{path}: format version {version}, this utkage reads {FORMAT_VERSION}; prepare again"
        )
    try:
        _require_description(found)
    except (ValueError, ConfigError) as error:
        raise DataError(f"{path}: damaged ({error}); prepare again") from error
    return dict(found.values)


def _require_description(found: Fields) -> None:
    """Check the parts of ``store.json`` that other modules read."""
    files = found.fields("files")
    for kind in ("chips", "manifest", "dropped"):
        if Path(name := files.text(kind)).name != name or not name.strip("."):
            raise ValueError(f"files.{kind} is {name!a}; it must be a name without a folder")
    found.whole("rows", most=MOST_ROWS)
    CropContract.from_json(found.table("contract"))
    found.text("split_hash")
    found.fields("source").text("name")
    found.table("split")
    for name in found.table("splits"):
        found.fields("splits").whole(name)
    if "detector" in found:
        detector = found.fields("detector")
        detector.text("name")
        if detector.values.get("file") is not None:
            detector.text("file")
