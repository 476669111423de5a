"""``utkage prepare``."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from utkage.cli.options import DATA, Debug, Json, Quiet
from utkage.cli.session import session

if TYPE_CHECKING:
    from utkage.workflows.prepare import PrepareResult


def prepare_command(
    path: Annotated[Path, typer.Argument(help="A tar.gz, zip or folder of labelled chips.")] = Path(
        "Dataset/UTKFace"
    ),
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder of the prepared set.", rich_help_panel=DATA)
    ] = Path("prepared"),
    chip_size: Annotated[
        int, typer.Option(help="Side of the stored chips, pixels.", rich_help_panel=DATA)
    ] = 160,
    val: Annotated[
        float, typer.Option(help="Fraction for validation.", rich_help_panel="Split")
    ] = 0.1,
    test: Annotated[
        float, typer.Option(help="Fraction for the test split.", rich_help_panel="Split")
    ] = 0.1,
    seed: Annotated[int, typer.Option(help="Of the split.", rich_help_panel="Split")] = 0,
    json_output: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Check, de-duplicate, split and store labelled faces for training.

    File names must read `<age>_<gender>_<race>_<date>.jpg`. Identical pictures are kept once and
    never fall on both sides of the split; names that do not fit are dropped with the reason.
    """
    with session(quiet=quiet, debug=debug) as reporter:
        from utkage.data.split import SplitConfig
        from utkage.workflows.prepare import PrepareConfig, prepare

        result = prepare(
            PrepareConfig(
                source=path,
                out=out,
                chip_size=chip_size,
                split=SplitConfig(seed=seed, val=val, test=test),
            ),
            reporter,
        )
        if json_output:
            typer.echo(json.dumps(_as_json(result), indent=2))
        elif not quiet:
            _print_summary(result)


def _as_json(result: PrepareResult) -> dict[str, object]:
    return {
        "schema": 1,
        "folder": str(result.folder),
        "usable": result.usable,
        "splits": result.splits,
        "ranges": result.ranges,
        "genders": result.genders,
        "dropped": [{"name": item.name, "reason": item.reason} for item in result.dropped],
        "split_hash": result.split_hash,
    }


def _print_summary(result: PrepareResult) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table("age range", "chips", "share", title=f"{result.folder}: usable chips")
    for name, count in result.ranges.items():
        table.add_row(name, str(count), f"{count / result.usable:.1%}")
    table.add_row("all", str(result.usable), "", style="bold")
    console.print(table)
    splits = ", ".join(f"{name} {count}" for name, count in result.splits.items())
    genders = ", ".join(f"{name} {count}" for name, count in result.genders.items())
    print(f"{splits}; {genders}; split {result.split_hash}")
    if result.dropped:
        kinds = Counter(_kind(item.reason) for item in result.dropped)
        listed = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
        print(f"left out {len(result.dropped)}: {listed} (listed in {result.folder}/dropped-*.csv)")


def _kind(reason: str) -> str:
    if reason.startswith("copy of"):
        return "copies"
    if reason.startswith("copies of"):
        return "copies with conflicting labels"
    if "name is not" in reason or "behind the date" in reason or "outside" in reason:
        return "bad names"
    return "unusable pictures"
