"""``prepare``: from pictures as they are distributed to a clean, split, memory-mapped set."""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from utkage.core.errors import DataError, UsageError, UtkageError
from utkage.core.files import file_hash, write_json
from utkage.core.reporter import Reporter, SilentReporter
from utkage.data.manifest import ManifestRow
from utkage.data.records import Dropped, Record
from utkage.data.sources.base import Source
from utkage.data.sources.container import Container
from utkage.data.sources.options import SourceOptions
from utkage.data.sources.registry import open_container, open_source, unique_names
from utkage.data.split import SplitConfig, assign_split, merge_splits
from utkage.data.store import DEFAULT_FOLDER, STORE_FILE, ChipStore, is_prepared
from utkage.faces.choice import DEFAULT_DETECTOR, check_detector
from utkage.faces.contract import CropContract, utkface_contract
from utkage.preparation.audit.duplicates import (
    DuplicateGroups,
    find_duplicates,
)
from utkage.preparation.audit.report import Audit, build_audit
from utkage.preparation.audit.resolve import Decision, FixConfig, resolve
from utkage.preparation.ingest import Ingested, Ingestion, Known
from utkage.preparation.published_splits import read_split_file
from utkage.preparation.store_writer import REPORT_FILES, StoreWriter
from utkage.preparation.workers import ingest

DEFAULT_SOURCE = Path("Dataset/UTKFace")
# UTKFace has 5 % of its pictures in groups of near-copies.
MAX_NEAR_SHARE = 0.25


@dataclass(frozen=True)
class PrepareConfig:
    """What to prepare, and how.

    Attributes:
        sources: Folders, tar or zip files of labelled pictures; each stays apart by its name.
        out: Folder of the prepared set; an earlier set in it is replaced at the very end.
        chip_size: Side of the stored chips, pixels.
        split: Seed and fractions.
        split_file: A published split (CSV of name and split) instead; pictures that it does not
            list are left out.
        ages: First and last age to use, such as (21, 60); None: all.
        fix: What to do about copies.
        options: How sources are read: labels, alignment, limits.
        detector: Face detector for photographs: ``"retinaface"`` or ``"yunet:FILE"``.
        workers: Processes for large sources, threads for others.
        dry_run: Read and judge everything, write nothing.
    """

    sources: tuple[Path, ...] = (DEFAULT_SOURCE,)
    out: Path = DEFAULT_FOLDER
    chip_size: int = 160
    split: SplitConfig = field(default_factory=SplitConfig)
    split_file: Path | None = None
    ages: tuple[int, int] | None = None
    fix: FixConfig = field(default_factory=FixConfig)
    options: SourceOptions = field(default_factory=SourceOptions)
    detector: str = DEFAULT_DETECTOR
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    dry_run: bool = False

    def __post_init__(self) -> None:
        if not self.sources:
            raise UsageError("nothing to prepare; name a folder or an archive")
        check_detector(self.detector)
        if self.options.labels is not None and len(self.sources) > 1:
            raise UsageError("`labels` belongs to one source; prepare several without it")


@dataclass(frozen=True)
class PrepareResult:
    """What ``prepare`` found and made.

    Attributes:
        folder: The prepared set.
        audit: What is known of the pictures; None if the set was there already (its
            ``audit.json`` has it).
        splits: Chips per split.
        split_hash: Identifies the pictures and their division; empty for a dry run.
        unchanged: The set was already prepared from the same input with the same settings.
        written: Whether anything was written.
    """

    folder: Path
    audit: Audit | None
    splits: dict[str, int]
    split_hash: str
    unchanged: bool = False
    written: bool = True


@dataclass
class _Gathered:
    """What the sources gave, while it is being collected."""

    rows: list[int] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    aligned: list[bool] = field(default_factory=list)
    splits: list[str | None] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)


def prepare(config: PrepareConfig, reporter: Reporter | None = None) -> PrepareResult:
    """Read, check, audit, split and store every picture of the sources.

    Nothing happens if the set in ``config.out`` was made from the same input with the same
    settings. Pictures that it already holds are not decoded again. A kill at any moment leaves
    the former set; running again then gives the same bytes as an undisturbed run.

    Raises:
        UsageError: a source is missing, the output folder holds something else, or another
            process is writing there.
        DataError: an archive is damaged or over a limit, or no picture is usable.
    """
    reporter = reporter or SilentReporter()
    containers = [open_container(path, config.options.limits) for path in config.sources]
    names = unique_names(containers)
    contract = utkface_contract(config.chip_size)
    description = _description(config, dict(zip(names, containers, strict=True)))
    former = _former(config.out)
    if former is not None and _same(former, contract, description):
        reporter.info(f"{config.out}: already prepared from this input; nothing to do")
        if not _report_is_current(former):
            # A kill came between the set and its report. The writer clears up and holds the lock.
            with StoreWriter(config.out, contract):
                _write_report(former, _audit_of(former, config))
        return _result(former, None, unchanged=True)
    # Only now, because looking for labels inside an archive means reading it through.
    sources = {
        name: open_source(path, config.options)
        for name, path in zip(names, config.sources, strict=True)
    }
    ingestion = Ingestion(
        contract=contract,
        detector=config.detector,
        workers=config.workers,
        max_pixels=config.options.limits.max_pixels,
        known=_known(former, contract, description["detector"]),
    )
    if config.dry_run:
        gathered = _Gathered()
        for item in _read(sources, ingestion, gathered, reporter):
            gathered.rows.append(len(gathered.rows))
            _note(item, gathered)
        manifest, audit = _judge(gathered, config, reporter)
        splits = Counter(row.split for row in manifest if row.split)
        return PrepareResult(config.out, audit, dict(splits), "", written=False)

    with StoreWriter(config.out, contract) as writer:
        gathered = _Gathered()
        for item in _read(sources, ingestion, gathered, reporter, writer.exchange()):
            gathered.rows.append(writer.append(item.chip))
            _note(item, gathered)
        manifest, audit = _judge(gathered, config, reporter)
        # Released before its file may be replaced, which some systems refuse while it is mapped.
        del ingestion, former
        writer.commit(manifest, gathered.dropped, description)
        store = ChipStore.open(config.out)
        _write_report(store, audit)
    return _result(store, audit, unchanged=False)


def _read(
    sources: dict[str, Source],
    ingestion: Ingestion,
    gathered: _Gathered,
    reporter: Reporter,
    exchange: Path | None = None,
) -> Iterator[Ingested]:
    for name, source in sources.items():
        with reporter.progress(f"reading {name}", source.total_bytes) as task:
            consumed = 0

            def advance(position: int) -> None:
                nonlocal consumed
                task.advance(
                    position - consumed,
                    f"{len(gathered.records)} decoded, {len(gathered.dropped)} dropped",
                )
                consumed = position

            for item in ingest(source, name, ingestion, advance, exchange):
                if isinstance(item, Dropped):
                    gathered.dropped.append(item)
                else:
                    yield item


def _note(item: Ingested, gathered: _Gathered) -> None:
    gathered.records.append(item.record)
    gathered.aligned.append(item.aligned)
    gathered.splits.append(item.split)


def _judge(
    gathered: _Gathered, config: PrepareConfig, reporter: Reporter
) -> tuple[list[ManifestRow], Audit]:
    """DuplicateGroup copies, divide components, and decide over every picture.

    Raises:
        DataError: no picture is left.
    """
    records = gathered.records
    with reporter.progress("comparing pictures", 1) as task:
        groups, fix = _informative_groups(records, config.fix)
        task.advance(1)
    if fix != config.fix:
        reporter.warn(
            "most pictures are so alike that near-copies cannot be told from others (drawn "
            "faces, video frames?); only identical ones are grouped"
        )
    listed = read_split_file(config.split_file) if config.split_file else None
    wanted = gathered.splits if listed is None else [listed.get(r.name) for r in records]
    # A published split stands: what it does not list moves no component.
    members: dict[str, list[str]] = defaultdict(list)
    unlisted: dict[str, list[str]] = defaultdict(list)
    outside: dict[int, str] = {}
    for index, record in enumerate(records):
        own = wanted[index] or assign_split(record.pixel_hash, config.split)
        counts = listed is None or record.name in listed
        (members if counts else unlisted)[groups.group_of(index).component].append(own)
        if (reason := _outside(record, listed, config.ages)) is not None:
            outside[index] = reason
    decisions = resolve(
        records,
        groups,
        lambda component: merge_splits(members[component] or unlisted[component]),
        fix,
        outside,
    )
    manifest = [
        ManifestRow(
            row=gathered.rows[index],
            record=record,
            aligned=gathered.aligned[index],
            group=groups.group_of(index).id,
            split=decision.split if decision.kept else "",
            assigned_split=decision.split,
            reason=decision.reason or "",
        )
        for index, (record, decision) in enumerate(zip(records, decisions, strict=True))
    ]
    if not any(row.split for row in manifest):
        raise DataError(_nothing_usable(config, manifest, gathered.dropped))
    return manifest, build_audit(records, groups, decisions, gathered.dropped, fix, config.split)


def _informative_groups(
    records: Sequence[Record], fix: FixConfig
) -> tuple[DuplicateGroups, FixConfig]:
    """The groups of copies, by exact pixels alone where near-copies would be every other picture.

    The perceptual hash was measured on photographs of many people. On a set of pictures that are
    alike by nature it would take them all for one photograph and leave nothing to measure on.
    """
    groups = find_duplicates(records, fix.max_distance)
    if groups.near_duplicate_share() <= MAX_NEAR_SHARE:
        return groups, fix
    exact = replace(fix, max_distance=-1)
    return find_duplicates(records, exact.max_distance), exact


def _outside(
    record: Record, listed: dict[str, str] | None, ages: tuple[int, int] | None
) -> str | None:
    """Why a picture is not part of what was asked for, or None."""
    if listed is not None and record.name not in listed:
        return "not in the split file"
    if ages is not None and not ages[0] <= record.label.age <= ages[1]:
        return f"age outside {ages[0]}-{ages[1]}"
    return None


def _description(config: PrepareConfig, sources: dict[str, Container]) -> dict[str, Any]:
    """What the set is made from and how: the part of ``store.json`` that decides its content."""
    return {
        "source": {
            "name": "+".join(sources),
            "inputs": [
                {"name": name, "fingerprint": source.fingerprint()}
                for name, source in sources.items()
            ],
        },
        "split": {
            "seed": config.split.seed,
            "val": config.split.val,
            "test": config.split.test,
            "file": _content_hash(config.split_file),
            "ages": None if config.ages is None else list(config.ages),
        },
        "fix": asdict(config.fix),
        "detector": _detector_description(config.detector),
        "reading": {
            "labels": _content_hash(config.options.labels),
            "allow_missing_race": config.options.allow_missing_race,
            "aligned": config.options.aligned,
            "limits": asdict(config.options.limits),
        },
    }


def _detector_description(choice: str) -> dict[str, str | None]:
    name, _, file = choice.partition(":")
    return {"name": name, "file": file_hash(Path(file)) if file else None}


def _content_hash(path: Path | None) -> str | None:
    return None if path is None else file_hash(path)


def _former(folder: Path) -> ChipStore | None:
    """The set that is there, if it can be read; a damaged one is simply made anew."""
    if not is_prepared(folder):
        return None
    try:
        return ChipStore.open(folder)
    except UtkageError:
        return None


def _same(former: ChipStore, contract: CropContract, description: dict[str, Any]) -> bool:
    recorded = {**former.description, "detector": former.detector}
    return former.contract == contract and all(
        recorded.get(name) == value for name, value in description.items()
    )


def _known(
    former: ChipStore | None, contract: CropContract, detector: dict[str, str | None]
) -> Known:
    """The records and chips of ``former`` that this run would make in the same way."""
    if former is None or former.contract != contract:
        return {}
    pixels = former.pixels()
    return {
        (row.record.byte_hash, row.aligned): (row.record, pixels[row.row])
        for row in former.manifest
        if row.aligned or former.detector == detector
    }


def _result(store: ChipStore, audit: Audit | None, *, unchanged: bool) -> PrepareResult:
    return PrepareResult(
        store.folder,
        audit,
        dict(store.description["splits"]),
        store.split_hash,
        unchanged=unchanged,
        written=not unchanged,
    )


def _audit_of(store: ChipStore, config: PrepareConfig) -> Audit:
    """The audit of a set that is there, from its own files."""
    records = [row.record for row in store.manifest]
    decisions = [
        Decision(bool(row.split), row.assigned_split, row.reason or None) for row in store.manifest
    ]
    groups, fix = _informative_groups(records, config.fix)
    return build_audit(records, groups, decisions, store.dropped(), fix, config.split)


def _write_report(store: ChipStore, audit: Audit) -> None:
    from utkage.preparation.audit.page import write_audit_page
    from utkage.preparation.audit.thumbnails import conflict_thumbnails

    data_file, page_file = (store.folder / name for name in REPORT_FILES)
    write_audit_page(audit, conflict_thumbnails(store, audit), page_file)
    # Last, and with the hash of its store file: by it a report of a former set is known, even
    # where other settings gave the same manifest.
    write_json(data_file, {**audit.to_dict(), "store": _content_hash(store.folder / STORE_FILE)})


def _report_is_current(store: ChipStore) -> bool:
    data_file, page_file = (store.folder / name for name in REPORT_FILES)
    try:
        described = json.loads(data_file.read_text(encoding="utf-8"))["store"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return page_file.is_file() and described == _content_hash(store.folder / STORE_FILE)


def _nothing_usable(
    config: PrepareConfig, manifest: list[ManifestRow], dropped: list[Dropped]
) -> str:
    names = ", ".join(str(path) for path in config.sources)
    first = ""
    if dropped:
        first = f" (first: {dropped[0].name}: {dropped[0].reason})"
    elif manifest:
        first = f" (first: {manifest[0].record.name}: {manifest[0].reason})"
    return (
        f"{names}: no usable picture among {len(dropped) + len(manifest)}; file names must read "
        f"<age>_<gender>_<race>_<date>.jpg, or labels must come in a manifest{first}"
    )
