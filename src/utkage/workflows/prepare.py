"""``prepare``: from pictures as they are distributed to a clean, split, memory-mapped set."""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from utkage.core.errors import DataError
from utkage.core.reporter import Reporter, SilentReporter
from utkage.data.ingest import Chip, Dropped, ingest
from utkage.data.labels import AGE_RANGES, GENDERS, RANGE_NAMES, FaceLabel, range_index
from utkage.data.sources import open_source
from utkage.data.split import SPLITS, SplitConfig, assign_split
from utkage.data.store import ManifestRow, StoreWriter
from utkage.faces.contract import utkface_contract

DEFAULT_SOURCE = Path("Dataset/UTKFace")
DEFAULT_OUT = Path("prepared")


@dataclass(frozen=True)
class PrepareConfig:
    """What to prepare, and how.

    Attributes:
        source: A folder, tar or zip of pictures named by the label grammar.
        out: Folder of the prepared set; an earlier set in it is replaced at the very end.
        chip_size: Side of the stored chips, pixels.
        split: Seed and fractions.
        workers: Decoding threads.
    """

    source: Path = DEFAULT_SOURCE
    out: Path = DEFAULT_OUT
    chip_size: int = 160
    split: SplitConfig = field(default_factory=SplitConfig)
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)


@dataclass(frozen=True)
class PrepareResult:
    """What ``prepare`` made.

    Attributes:
        folder: The prepared set.
        usable: Number of usable chips.
        splits: Chips per split.
        ranges: Chips per age range, by its name.
        genders: Chips per gender.
        dropped: Every picture left out, with the reason.
        split_hash: Identifies the pictures and their division.
    """

    folder: Path
    usable: int
    splits: dict[str, int]
    ranges: dict[str, int]
    genders: dict[str, int]
    dropped: tuple[Dropped, ...]
    split_hash: str


def prepare(config: PrepareConfig, reporter: Reporter | None = None) -> PrepareResult:
    """Read, check, split and store every picture of ``config.source``.

    Copies (pictures with identical pixels) are kept once; where copies carry different labels,
    nobody can tell which is right, and all of them are dropped.

    Raises:
        UsageError: the source is missing or the output folder holds something else.
        DataError: the archive is damaged, or no picture is usable.
    """
    reporter = reporter or SilentReporter()
    source = open_source(config.source)
    contract = utkface_contract(config.chip_size)
    manifest: list[ManifestRow] = []
    dropped: list[Dropped] = []
    copies: dict[str, list[tuple[str, FaceLabel]]] = defaultdict(list)

    with StoreWriter(config.out, contract) as writer:
        with reporter.progress(f"reading {config.source}", source.total_bytes) as task:
            consumed = 0

            def advance(position: int) -> None:
                nonlocal consumed
                task.advance(position - consumed, f"{len(manifest)} chips")
                consumed = position

            for item in ingest(source, config.chip_size, config.workers, advance):
                if isinstance(item, Dropped):
                    dropped.append(item)
                    continue
                copies[item.pixel_hash].append((item.name, item.label))
                if len(copies[item.pixel_hash]) == 1:
                    manifest.append(_manifest_row(item, writer, source.name, config.split))
        usable, repeated = _resolve_copies(manifest, copies)
        dropped.extend(repeated)
        if not usable:
            raise DataError(
                f"{config.source}: no usable picture among {len(dropped)}; file names must read "
                "<age>_<gender>_<race>_<date>.jpg"
                + (f" (first: {dropped[0].name}: {dropped[0].reason})" if dropped else "")
            )
        description = {
            "source": {"name": source.name, "path": str(config.source)},
            "split": {
                "seed": config.split.seed,
                "val": config.split.val,
                "test": config.split.test,
            },
        }
        split_id = writer.commit(usable, dropped, description)
    return PrepareResult(
        folder=config.out,
        usable=len(usable),
        splits={split: sum(row.split == split for row in usable) for split in SPLITS},
        ranges={
            RANGE_NAMES[index]: sum(range_index(row.label.age) == index for row in usable)
            for index in range(len(AGE_RANGES))
        },
        genders={
            name: sum(row.label.gender == index for row in usable)
            for index, name in enumerate(GENDERS)
        },
        dropped=tuple(dropped),
        split_hash=split_id,
    )


def _manifest_row(
    chip: Chip, writer: StoreWriter, source_name: str, split: SplitConfig
) -> ManifestRow:
    return ManifestRow(
        row=writer.append(chip.pixels),
        name=chip.name,
        source=source_name,
        label=chip.label,
        pixel_hash=chip.pixel_hash,
        split=assign_split(chip.pixel_hash, split),
    )


def _resolve_copies(
    manifest: list[ManifestRow], copies: dict[str, list[tuple[str, FaceLabel]]]
) -> tuple[list[ManifestRow], list[Dropped]]:
    usable: list[ManifestRow] = []
    dropped: list[Dropped] = []
    for row in manifest:
        group = copies[row.pixel_hash]
        labels = {(label.age, label.gender) for _, label in group}
        if len(labels) > 1:
            dropped.extend(
                Dropped(name, f"copies of this picture carry {len(labels)} different labels")
                for name, _ in group
            )
            continue
        usable.append(row)
        dropped.extend(Dropped(name, f"copy of {row.name}") for name, _ in group[1:])
    return usable, dropped
