"""``utkage prepare``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from utkage.cli.options import (
    DATA,
    OUTPUT,
    Aligned,
    Debug,
    DetectorChoice,
    Json,
    Labels,
    Quiet,
    parse_aligned,
)
from utkage.cli.session import session
from utkage.data.labels import RANGE_NAMES

if TYPE_CHECKING:
    from utkage.preparation.audit.report import Audit
    from utkage.preparation.prepare import PrepareResult

SPLIT = "Split"
AUDIT = "Audit"
LIMITS = "Limits on what is read"


def prepare_command(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Archives or folders of labelled pictures; several stay apart by name. "
            "Default: Dataset/UTKFace.",
            metavar="[PATH]...",
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder of the prepared set.", rich_help_panel=DATA)
    ] = Path("prepared"),
    chip_size: Annotated[
        int, typer.Option(help="Side of the stored chips, pixels.", rich_help_panel=DATA)
    ] = 160,
    labels: Labels = None,
    aligned: Aligned = "auto",
    detector: DetectorChoice = "retinaface",
    allow_missing_race: Annotated[
        bool,
        typer.Option(
            "--allow-missing-race",
            help="Accept names without a race: <age>_<gender>_<date>.jpg.",
            rich_help_panel=DATA,
        ),
    ] = False,
    ages: Annotated[
        str | None,
        typer.Option(
            help="Use these ages only, such as 21-60.", rich_help_panel=DATA, metavar="A-B"
        ),
    ] = None,
    val: Annotated[
        float, typer.Option(help="Fraction for validation.", rich_help_panel=SPLIT)
    ] = 0.1,
    test: Annotated[
        float, typer.Option(help="Fraction for the test split.", rich_help_panel=SPLIT)
    ] = 0.1,
    seed: Annotated[int, typer.Option(help="Of the split.", rich_help_panel=SPLIT)] = 0,
    split_file: Annotated[
        Path | None,
        typer.Option(
            help="A published split instead: CSV with the columns name and split.",
            rich_help_panel=SPLIT,
            metavar="FILE",
        ),
    ] = None,
    fix: Annotated[
        str,
        typer.Option(
            help="keep-one: one of each group of copies, contradicting copies only in training; "
            "drop-conflicts: contradicting copies nowhere; none: only report.",
            rich_help_panel=AUDIT,
        ),
    ] = "keep-one",
    near_distance: Annotated[
        int | None,
        typer.Option(
            help="Bits by which near-copies may differ, 0-256; -1: exact copies only. "
            "Default: the measured one.",
            rich_help_panel=AUDIT,
        ),
    ] = None,
    age_tolerance: Annotated[
        int | None,
        typer.Option(
            help="Years by which copies may disagree without contradicting each other. Default: 3.",
            rich_help_panel=AUDIT,
        ),
    ] = None,
    max_entries: Annotated[
        int | None, typer.Option(help="Files in a source.", rich_help_panel=LIMITS)
    ] = None,
    max_entry_bytes: Annotated[
        int | None, typer.Option(help="Bytes of one file.", rich_help_panel=LIMITS)
    ] = None,
    max_total_bytes: Annotated[
        int | None, typer.Option(help="Bytes of a source, unpacked.", rich_help_panel=LIMITS)
    ] = None,
    max_ratio: Annotated[
        float | None, typer.Option(help="Unpacked over packed bytes.", rich_help_panel=LIMITS)
    ] = None,
    max_pixels: Annotated[
        int | None, typer.Option(help="Pixels of one picture.", rich_help_panel=LIMITS)
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Report, write nothing.", rich_help_panel=OUTPUT),
    ] = False,
    json_output: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Check, audit, split and store labelled faces for training.

    Labels come from file names, `<age>_<gender>_<race>_<date>.jpg`, or from a manifest.
    Photographs go through detection and alignment. Copies never fall on both sides of the split.
    `audit.html` in the prepared set shows what was found.
    """
    with session(quiet=quiet, debug=debug) as reporter:
        from utkage.data.sources.limits import Limits
        from utkage.data.sources.options import SourceOptions
        from utkage.data.split import SplitConfig
        from utkage.preparation.audit.resolve import FixConfig
        from utkage.preparation.prepare import DEFAULT_SOURCE, PrepareConfig, prepare
        from utkage.preparation.splits import parse_ages

        limits = Limits(
            **_given(
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
                split=SplitConfig(seed=seed, val=val, test=test),
                split_file=split_file,
                ages=None if ages is None else parse_ages(ages),
                fix=FixConfig(
                    mode=fix, **_given(max_distance=near_distance, age_tolerance=age_tolerance)
                ),
                options=SourceOptions(
                    labels=labels,
                    allow_missing_race=allow_missing_race,
                    aligned=parse_aligned(aligned),
                    limits=limits,
                ),
                detector=detector,
                dry_run=dry_run,
            ),
            reporter,
        )
        if json_output:
            typer.echo(json.dumps(_as_json(result), indent=2, ensure_ascii=False))
        else:
            _print_summary(result)


def _given(**values: object) -> dict[str, Any]:
    """The options that were used; the others keep the library's defaults."""
    return {name: value for name, value in values.items() if value is not None}


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
    splits = ", ".join(f"{name} {count}" for name, count in result.splits.items())
    if result.audit is not None:
        _print_audit(result.audit)
    identity = f"; split {result.split_hash}" if result.split_hash else ""
    typer.echo(f"{splits}{identity}")
    if result.written:
        typer.echo(f"{result.folder}: audit.html shows all of this and the contradicting copies")


def _print_audit(audit: Audit) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("age range", "male", "female", title=f"{audit.kept} usable faces")
    for name, (male, female) in zip(RANGE_NAMES, audit.ranges, strict=True):
        table.add_row(name, str(male), str(female))
    Console().print(table)
    for source in audit.sources:
        typer.echo(f"{source.name}: {source.readable} readable, {source.kept} usable")
    for under in audit.dropped:
        typer.echo(f"left out {len(under.pictures)}: {under.title}")
    if audit.conflicts:
        typer.echo(f"{len(audit.conflicts)} groups of copies contradict each other")
    heaping = audit.heaping
    if heaping.share is not None:
        spikes = ", ".join(f"{spike.age} ({spike.faces})" for spike in heaping.spikes)
        typer.echo(
            f"multiples of 5 among ages from 20: {heaping.share:.0%} (20% expected)"
            + (f"; over-full ages: {spikes}" if spikes else "")
        )
