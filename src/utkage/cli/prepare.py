"""``utkage prepare``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from utkage.cli.choices import choices
from utkage.cli.option_names import as_options
from utkage.cli.options import (
    Aligned,
    Columns,
    Debug,
    DetectorChoice,
    GenderCoding,
    Json,
    KeepColumns,
    Labels,
    MaxEntries,
    MaxEntryBytes,
    MaxPixels,
    MaxRatio,
    MaxTotalBytes,
    Quiet,
    TrustLabels,
    Workers,
    data_option,
    given_only,
    output_option,
    parse_aligned,
    parse_label_settings,
)
from utkage.cli.session import session
from utkage.cli.tables import print_json, print_table, print_text
from utkage.core.text import counted
from utkage.data.labels import RANGE_NAMES
from utkage.reporting.table import Table

if TYPE_CHECKING:
    from utkage.preparation.audit.report import Audit
    from utkage.preparation.prepare import PrepareResult

split_option = partial(typer.Option, rich_help_panel="Split")
audit_option = partial(typer.Option, rich_help_panel="Audit")


def prepare_command(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Archives or folders of labelled pictures. Several keep their names in the set. "
            "Default: Dataset/UTKFace.",
            metavar="PATH",
        ),
    ] = None,
    out: Annotated[Path, data_option("--out", "-o", help="Folder of the prepared set.")] = Path(
        "prepared"
    ),
    chip_size: Annotated[int, data_option(help="Size of a chip without its margin, pixels.")] = 160,
    margin: Annotated[
        float,
        data_option(help="Background to keep at each edge, as a fraction of the chip size."),
    ] = 0.1,
    labels: Labels = None,
    columns: Columns = None,
    gender_coding: GenderCoding = None,
    keep_columns: KeepColumns = None,
    trust_labels: TrustLabels = False,
    aligned: Aligned = "auto",
    detector: DetectorChoice = "retinaface",
    workers: Workers = None,
    allow_missing_race: Annotated[
        bool,
        data_option(
            "--allow-missing-race",
            help="Accept file names without race, such as 25_1_20170116.jpg.",
        ),
    ] = False,
    ages: Annotated[
        str | None, data_option(help="Use only these ages, such as 21-60.", metavar="A-B")
    ] = None,
    drop: Annotated[
        Path | None,
        data_option(
            help="List of pictures to leave out: suspects.csv of audit-labels, with yes in its "
            "column drop.",
            metavar="FILE",
        ),
    ] = None,
    val: Annotated[float, split_option(help="Fraction of pictures for validation.")] = 0.1,
    test: Annotated[float, split_option(help="Fraction of pictures for the test split.")] = 0.1,
    seed: Annotated[int, split_option(help="Seed of the split.")] = 0,
    split_file: Annotated[
        Path | None,
        split_option(
            help="Use a published split instead: a CSV with the columns name and split.",
            metavar="FILE",
        ),
    ] = None,
    fix: Annotated[
        str,
        audit_option(
            help="keep-one: keep one of each group of duplicates; if their labels conflict, use "
            "all, but only for training. drop-conflicts: use none of those. none: only report.",
            **choices("keep-one", "drop-conflicts", "none"),
        ),
    ] = "keep-one",
    near_distance: Annotated[
        int | None,
        audit_option(
            help="Largest difference between the hashes of near-duplicates, 0-256 bits; -1: "
            "identical pixels only. Default: 44, as measured."
        ),
    ] = None,
    age_tolerance: Annotated[
        int | None,
        audit_option(help="Largest age difference between labels that agree, years. Default: 3."),
    ] = None,
    max_entries: MaxEntries = None,
    max_entry_bytes: MaxEntryBytes = None,
    max_total_bytes: MaxTotalBytes = None,
    max_ratio: MaxRatio = None,
    max_pixels: MaxPixels = None,
    dry_run: Annotated[
        bool, output_option("--dry-run", help="Report without writing anything.")
    ] = False,
    json_output: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Check, audit, split and store labelled faces for training.

    Labels come from file names, `<age>_<gender>_<race>_<date>.jpg`, or from a manifest.
    Faces in photographs are detected and aligned. Duplicates are always in the same split.
    `audit.html` in the prepared set shows the findings.
    """
    with session(quiet=quiet, debug=debug) as reporter:
        from utkage.data.sources.options import SourceOptions
        from utkage.data.split import SplitConfig
        from utkage.images.containers.limits import Limits
        from utkage.preparation.audit.resolve import FixConfig
        from utkage.preparation.prepare import DEFAULT_SOURCE, PrepareConfig, prepare
        from utkage.preparation.splits import parse_ages

        limits = Limits(
            **given_only(
                max_entries=max_entries,
                max_entry_bytes=max_entry_bytes,
                max_total_bytes=max_total_bytes,
                max_ratio=max_ratio,
                max_pixels=max_pixels,
            )
        )
        result = prepare(
            PrepareConfig(
                sources=tuple(paths or (DEFAULT_SOURCE,)),
                out=out,
                chip_size=chip_size,
                margin=margin,
                split=SplitConfig(seed=seed, val=val, test=test),
                split_file=split_file,
                ages=None if ages is None else parse_ages(ages),
                drop=drop,
                fix=FixConfig(
                    mode=fix, **given_only(max_distance=near_distance, age_tolerance=age_tolerance)
                ),
                options=SourceOptions(
                    labels=labels,
                    allow_missing_race=allow_missing_race,
                    aligned=parse_aligned(aligned),
                    limits=limits,
                    settings=parse_label_settings(columns, gender_coding, keep_columns),
                    trust_labels=trust_labels,
                ),
                detector=detector,
                dry_run=dry_run,
                **given_only(workers=workers),
            ),
            reporter,
        )
        if json_output:
            print_json(_as_json(result), ensure_ascii=False)
        else:
            _print_summary(result)


def _as_json(result: PrepareResult) -> dict[str, object]:
    return {
        "schema": 1,
        "folder": str(result.folder),
        "unchanged": result.unchanged,
        "written": result.written,
        "splits": result.splits,
        "split_hash": result.split_hash,
        "audit": None if result.audit is None else result.audit.to_dict(),
    }


def _print_summary(result: PrepareResult) -> None:
    if result.audit is not None:
        _print_audit(result.audit)
    splits = ", ".join(f"{name} {count}" for name, count in result.splits.items())
    identity = f"; split {result.split_hash}" if result.split_hash else ""
    print_text(f"{splits}{identity}")
    if result.written:
        print_text(f"{result.folder}: see audit.html for details and conflicting labels")


def _print_audit(audit: Audit) -> None:
    rows = [
        (name, str(male), str(female))
        for name, (male, female) in zip(RANGE_NAMES, audit.ranges, strict=True)
    ]
    title = counted(audit.kept, "usable face")
    print_table(Table.of(title, ("age range", "male", "female"), rows))
    for source in audit.sources:
        print_text(f"{source.name}: {source.readable} readable, {source.kept} usable")
    for count, text in (
        (audit.partial.age_ranges, "whose age is a range"),
        (audit.partial.unknown_ages, "without an age"),
        (audit.partial.unknown_genders, "without a gender"),
    ):
        if count:
            print_text(f"{counted(count, 'face')} {text}")
    for group in audit.dropped:
        title = as_options(group.title)
        print_text(f"removed {len(group.pictures)}: {title} (first: {group.first})")
    if audit.conflicts:
        print_text(f"{counted(len(audit.conflicts), 'duplicate group')} with conflicting labels")
    heaping = audit.heaping
    if heaping.share is not None:
        spikes = ", ".join(f"{spike.age} ({spike.faces})" for spike in heaping.spikes)
        print_text(
            f"multiples of 5 among ages from 20: {heaping.share:.0%} (20% expected)"
            + (f"; ages that stand out: {spikes}" if spikes else "")
        )
