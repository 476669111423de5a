"""``prepare``: from labelled pictures to a clean, split, memory-mapped set of chips."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from utkage.core.errors import DataError, UsageError, UtkageError
from utkage.core.files import file_hash
from utkage.core.memory_errors import explaining_memory_errors
from utkage.core.outputs import require_inputs_stay
from utkage.core.processors import available_processors
from utkage.core.reporter import Reporter, SilentReporter
from utkage.core.setting_checks import require_number
from utkage.core.text import counted
from utkage.data.manifest import ManifestRow
from utkage.data.records import Dropped, Record, by_kind
from utkage.data.sources.base import Source
from utkage.data.sources.options import SourceOptions
from utkage.data.sources.registry import (
    open_container,
    open_source,
    require_kept_columns,
    unique_names,
)
from utkage.data.split import SplitConfig
from utkage.data.store import DEFAULT_FOLDER, ChipStore, is_prepared
from utkage.faces.choice import DEFAULT_DETECTOR, check_detector, detector_record
from utkage.faces.contract import CropContract, utkface_contract
from utkage.images.containers.container import Container
from utkage.preparation.audit.near_pairs import STEPS
from utkage.preparation.audit.report import Audit, build_audit
from utkage.preparation.audit.report_files import audit_of_store, report_is_current, write_report
from utkage.preparation.audit.resolve import FixConfig, find_informative_duplicates, resolve
from utkage.preparation.drop_list import DropList, read_drop_list
from utkage.preparation.ingest import Ingestion, Known, frames_note
from utkage.preparation.splits import excluded_pictures, read_split_file, split_components
from utkage.preparation.store_writer import StoreWriter, remove_leftovers, written_files
from utkage.preparation.workers import ingest

DEFAULT_SOURCE = Path("Dataset/UTKFace")
# Reasons that an error names if no picture is usable.
SHOWN_REASONS = 3


@dataclass(frozen=True, kw_only=True)
class PrepareConfig:
    """Inputs and settings of ``prepare``.

    Attributes:
        sources: Folders, tar or zip files of labelled pictures. Each keeps its name in the set.
        out: Folder of the prepared set. An existing set there is replaced at the very end.
        chip_size: Width and height of a face's chip without its margin, pixels.
        margin: Width of what is stored beyond each edge of the chip, as a fraction of
            ``chip_size``; black for pictures that are chips already.
        split: Seed and fractions of the split.
        split_file: A published split (CSV of name and split) instead; pictures that it does not
            list are not used.
        ages: First and last age to use, such as (21, 60); None: all ages.
        drop: List of pictures to leave out, as in ``drop_list.read_drop_list``; None: none.
        fix: How duplicates are found and resolved.
        options: How sources are read: labels, alignment, limits.
        detector: Face detector for photographs: ``"retinaface"`` or ``"yunet:FILE"``.
        workers: Number of processes for large sources, of threads for others.
        dry_run: Report without writing anything.
    """

    sources: tuple[Path, ...] = (DEFAULT_SOURCE,)
    out: Path = DEFAULT_FOLDER
    chip_size: int = 160
    margin: float = 0.1
    split: SplitConfig = field(default_factory=SplitConfig)
    split_file: Path | None = None
    ages: tuple[int, int] | None = None
    drop: Path | None = None
    fix: FixConfig = field(default_factory=FixConfig)
    options: SourceOptions = field(default_factory=SourceOptions)
    detector: str = DEFAULT_DETECTOR
    workers: int = field(default_factory=available_processors)
    dry_run: bool = False

    def __post_init__(self) -> None:
        if not self.sources:
            raise UsageError("nothing to prepare; name a folder or an archive")
        if self.options.labels is not None and len(self.sources) > 1:
            raise UsageError("`labels` belongs to one source; prepare several without it")
        require_number(self, "margin", least=0, most=0.5)
        require_number(self, "workers", least=1)
        check_detector(self.detector)


@dataclass(frozen=True, kw_only=True)
class PrepareResult:
    """The outcome of ``prepare``.

    Attributes:
        audit: Findings about the pictures; None if the set was already there (see its
            ``audit.json``).
        splits: Number of chips in each split.
        split_hash: Identifies the pictures and their splits; empty after a dry run.
        unchanged: Whether the set was already prepared from the same input with these settings.
        written: Whether a new set was written.
    """

    folder: Path
    audit: Audit | None
    splits: dict[str, int]
    split_hash: str
    unchanged: bool = False
    written: bool = True


@dataclass(frozen=True)
class _Pictures:
    """Decoded pictures in the order of their chips, their given splits, and dropped pictures."""

    records: list[Record] = field(default_factory=list)
    source_splits: list[str | None] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)


@explaining_memory_errors("process fewer pictures at once (`workers`), or lower `max_pixels`")
def prepare(config: PrepareConfig, reporter: Reporter | None = None) -> PrepareResult:
    """Read, check, audit, split and store every picture of the sources.

    If the set in ``config.out`` was made from the same input with the same settings, nothing
    happens. Pictures that it contains are not decoded again. A run that is killed at any moment
    leaves the existing set; running again then gives the same bytes as an uninterrupted run.

    Raises:
        UsageError: a source is missing, the output folder holds other files or an input, or
            another process is writing there.
        DataError: an archive is damaged or over a limit, or no picture is usable.
    """
    reporter = reporter or SilentReporter()
    containers = [open_container(path, config.options.limits) for path in config.sources]
    names = unique_names(containers)
    contract = utkface_contract(config.chip_size, config.margin)
    description = _describe(config, dict(zip(names, containers, strict=True)))
    existing = _open_existing(config.out)
    if existing is not None and _is_current(existing, contract, description):
        reporter.info(f"{config.out}: already prepared from this input; nothing to do")
        remove_leftovers(config.out)
        _restore_report(existing, config)
        return _result(existing, None, unchanged=True)
    require_inputs_stay(
        written_files(config.out),
        _input_files(config),
        problem="belongs to the set that this command would replace",
        field="out",
    )
    published = None if config.split_file is None else read_split_file(config.split_file)
    drop = None if config.drop is None else read_drop_list(config.drop)
    # Only now, because finding labels inside an archive means reading all of it.
    sources = {
        name: open_source(path, config.options, reporter)
        for name, path in zip(names, config.sources, strict=True)
    }
    require_kept_columns(sources, config.options.settings, reporter)
    ingestion = Ingestion(
        contract=contract,
        detector=config.detector,
        workers=config.workers,
        max_pixels=config.options.limits.max_pixels,
        known=_reusable_chips(existing, contract, description["detector"]),
    )
    with nullcontext() if config.dry_run else StoreWriter(config.out, contract) as writer:
        pictures = _read_pictures(sources, ingestion, writer, reporter)
        manifest, audit = _select(pictures, config, published, drop, reporter)
        if writer is None:
            splits = Counter(row.split for row in manifest if row.split)
            return PrepareResult(
                folder=config.out, audit=audit, splits=dict(splits), split_hash="", written=False
            )
        # Some systems refuse to replace a file while it is mapped.
        del ingestion, existing
        writer.commit(manifest, pictures.dropped, description)
        # The set that is opened now has records of its own, and memory need not hold both.
        del manifest, pictures
        store = ChipStore.open(config.out)
        write_report(store, audit)
    return _result(store, audit, unchanged=False)


def _input_files(config: PrepareConfig) -> Iterator[tuple[str, Path]]:
    """Setting and path of each file and folder that is read."""
    _, _, detector = config.detector.partition(":")
    yield from (("sources", path) for path in config.sources)
    files = {
        "labels": config.options.labels,
        "split_file": config.split_file,
        "drop": config.drop,
    }
    for field_name, path in files.items():
        if path is not None:
            yield field_name, path
    if detector:
        yield "detector", Path(detector)


def _read_pictures(
    sources: Mapping[str, Source],
    ingestion: Ingestion,
    writer: StoreWriter | None,
    reporter: Reporter,
) -> _Pictures:
    """Decode every picture; hand the chips to ``writer``."""
    pictures = _Pictures()
    frames: dict[str, int | None] = {}
    for name, source in sources.items():
        exchange = None if writer is None else writer.exchange_path()
        with closing(ingest(source, name, ingestion, reporter, exchange)) as items:
            for item in items:
                if isinstance(item, Dropped):
                    pictures.dropped.append(item)
                    continue
                pictures.records.append(item.record)
                pictures.source_splits.append(item.split)
                if item.frame is not None:
                    frames[item.record.name] = item.frame
                if writer is not None:
                    writer.append(item.chip)
    note = frames_note(frames)
    if note is not None:
        reporter.info(note)
    return pictures


def _select(
    pictures: _Pictures,
    config: PrepareConfig,
    published: Mapping[str, str] | None,
    drop: DropList | None,
    reporter: Reporter,
) -> tuple[list[ManifestRow], Audit]:
    """Find duplicates, choose splits, and decide which pictures are used."""
    records = pictures.records
    with reporter.progress("comparing pictures", STEPS) as task:
        groups, fix = find_informative_duplicates(
            records, config.fix, workers=config.workers, task=task
        )
    if fix != config.fix:
        reporter.warn(
            "most pictures are too similar to tell near-duplicates from others (drawn faces, "
            "video frames?); only identical pictures are grouped"
        )
    if groups.divided:
        reporter.warn(
            f"{counted(groups.divided, 'picture')} were linked to too large groups of "
            "near-duplicates; their least similar pairs are ignored, so that a few wrong pairs do "
            "not move all of them to one split"
        )
    splits = split_components(records, groups, config.split, pictures.source_splits, published)
    listed: list[int] = []
    if drop is not None:
        drop.report_unknown(records, reporter)
        listed = [index for index, record in enumerate(records) if drop.drops(record)]
    excluded = excluded_pictures(records, published, config.ages)
    decisions = resolve(records, groups, splits.__getitem__, fix, excluded, listed)
    manifest = [
        ManifestRow(
            row=row,
            record=record,
            group=groups.group_of(row).id,
            split=decision.split if decision.kept else "",
            assigned_split=decision.split,
            reason=decision.reason or "",
        )
        for row, (record, decision) in enumerate(zip(records, decisions, strict=True))
    ]
    if not any(row.split for row in manifest):
        raise DataError(_nothing_usable(config.sources, manifest, pictures.dropped))
    return manifest, build_audit(records, groups, decisions, pictures.dropped, fix, config.split)


def _nothing_usable(
    sources: Sequence[Path], manifest: Sequence[ManifestRow], dropped: Sequence[Dropped]
) -> str:
    unused = [Dropped(row.record.source, row.record.name, row.reason) for row in manifest]
    kinds = sorted(by_kind([*dropped, *unused]).items(), key=lambda kind: -len(kind[1]))
    found = [f"{len(items):,} {reason} (first: {items[0].name})" for reason, items in kinds]
    reasons = f": {'; '.join(found[:SHOWN_REASONS])}" if found else ""
    more = f"; {len(found) - SHOWN_REASONS} other reasons" if len(found) > SHOWN_REASONS else ""
    return (
        f"{', '.join(map(str, sources))}: no usable picture among {len(dropped) + len(unused):,}"
        f"{reasons}{more}; file names must read <age>_<gender>_<race>_<date>.jpg (or as in AgeDB, "
        "MORPH, AFAD or the like), or labels must come in a manifest"
    )


def _describe(config: PrepareConfig, containers: Mapping[str, Container]) -> dict[str, Any]:
    """The entries of ``store.json`` that decide the content of the set: inputs and settings."""
    return {
        "source": {
            "name": "+".join(containers),
            "inputs": [
                {"name": name, "fingerprint": container.fingerprint()}
                for name, container in containers.items()
            ],
        },
        "split": {
            "seed": config.split.seed,
            "val": config.split.val,
            "test": config.split.test,
            "file": file_hash(config.split_file) if config.split_file else None,
            "ages": None if config.ages is None else list(config.ages),
        },
        "fix": asdict(config.fix),
        "detector": detector_record(config.detector),
        "reading": {
            "labels": file_hash(config.options.labels) if config.options.labels else None,
            "allow_missing_race": config.options.allow_missing_race,
            "aligned": config.options.aligned,
            "limits": asdict(config.options.limits),
            **_label_settings(config.options),
            # Sets of former versions have no such entry.
            **({} if config.drop is None else {"drop": file_hash(config.drop)}),
        },
    }


def _label_settings(options: SourceOptions) -> dict[str, Any]:
    """The user's settings for label files; empty without any, as in sets of former versions."""
    settings = {
        "columns": dict(options.settings.columns),
        "gender_coding": dict(options.settings.gender_coding),
        "keep_columns": list(options.settings.keep_columns or ()),
        "trust_labels": options.trust_labels,
    }
    return {name: value for name, value in settings.items() if value}


def _open_existing(folder: Path) -> ChipStore | None:
    """The set in ``folder``, or None if there is none or it is damaged and has to be replaced."""
    try:
        return ChipStore.open(folder) if is_prepared(folder) else None
    except UtkageError:
        return None


def _is_current(existing: ChipStore, contract: CropContract, description: dict[str, Any]) -> bool:
    recorded = {**existing.description, "detector": existing.detector}
    return existing.contract == contract and all(
        recorded.get(name) == value for name, value in description.items()
    )


def _reusable_chips(
    existing: ChipStore | None, contract: CropContract, detector: Mapping[str, str | None]
) -> Known:
    """The records and chips of ``existing`` that this run would make in the same way."""
    if existing is None or existing.contract != contract:
        return {}
    pixels = existing.pixels()
    return {
        (row.record.byte_hash, row.record.aligned): (row.record, pixels[row.row])
        for row in existing.manifest
        if row.record.aligned or (existing.detector == detector and row.record.landmarks)
    }


def _restore_report(store: ChipStore, config: PrepareConfig) -> None:
    """Write the report again if it is missing or stale because an earlier run was killed."""
    if not report_is_current(store):
        # The writer holds the lock and removes leftovers.
        with StoreWriter(store.folder, store.contract):
            write_report(store, audit_of_store(store, config.fix, config.split))


def _result(store: ChipStore, audit: Audit | None, *, unchanged: bool) -> PrepareResult:
    return PrepareResult(
        folder=store.folder,
        audit=audit,
        splits=dict(store.description["splits"]),
        split_hash=store.split_hash,
        unchanged=unchanged,
        written=not unchanged,
    )
