"""``utkage predict``."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from utkage.cli.options import DATA, MODEL, OUTPUT, Debug, Device, Flip, Json, Quiet, WeightsChoice
from utkage.cli.session import session
from utkage.core.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from utkage.workflows.predict import FaceRow


def predict_command(
    inputs: Annotated[
        list[str], typer.Argument(help="Pictures, folders or patterns.", metavar="PATH...")
    ],
    crop: Annotated[
        str,
        typer.Option(
            help="auto: find and align faces; none: the pictures are chips already.",
            rich_help_panel=DATA,
        ),
    ] = "auto",
    max_faces: Annotated[
        int | None, typer.Option(help="Only the largest faces of a picture.", rich_help_panel=DATA)
    ] = None,
    weights: WeightsChoice = "auto",
    device: Device = "auto",
    engine: Annotated[
        str,
        typer.Option(
            help="onnx (ONNX Runtime, on the processor; starts fast), torch, or auto: onnx where "
            "it can, else torch. Both answer the same.",
            rich_help_panel=MODEL,
            metavar="NAME",
        ),
    ] = "auto",
    flip: Flip = True,
    interval: Annotated[
        float, typer.Option(help="Level of the age interval.", rich_help_panel=MODEL)
    ] = 0.8,
    json_output: Json = False,
    csv_output: Annotated[
        bool, typer.Option("--csv", help="Print CSV on stdout.", rich_help_panel=OUTPUT)
    ] = False,
    save_images: Annotated[
        Path | None,
        typer.Option(
            help="Folder for copies with boxes and answers drawn in.",
            rich_help_panel=OUTPUT,
            metavar="FOLDER",
        ),
    ] = None,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Find every face in pictures and tell its age and gender.

    One row a face. A picture that cannot be read gives a row that says why, and exit code 3 at
    the end. Answers are estimates of apparent age: never decide about a person by them alone.
    """
    with session(quiet=quiet, debug=debug) as reporter:
        from utkage.core.errors import UsageError
        from utkage.workflows.predict import PredictRequest, predict

        if json_output and csv_output:
            raise UsageError("--json and --csv exclude each other; choose one")
        rows = predict(
            PredictRequest(
                inputs=tuple(inputs),
                weights=weights,
                device=device,
                engine=engine,
                crop=crop,
                flip=flip,
                interval=interval,
                max_faces=max_faces,
                save_images=save_images,
            ),
            reporter,
        )
        if csv_output:
            # On a terminal, rows and the progress bar would write into each other.
            failed = _write_csv(list(rows) if sys.stdout.isatty() else rows)
        else:
            collected = list(rows)
            failed = sum(row.status == "failed" for row in collected)
            if json_output:
                typer.echo(json.dumps([row.to_dict() for row in collected], indent=2))
            else:
                _print_table(collected, interval)
        if save_images is not None:
            reporter.info(f"annotated pictures: {save_images}")
        if failed:
            reporter.warn(f"{failed} of the inputs could not be read; see their rows")
            raise typer.Exit(ExitCode.SOME_INPUTS_FAILED)


def _write_csv(rows: Iterable[FaceRow]) -> int:
    from utkage.workflows.predict import ROW_FIELDS

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([*ROW_FIELDS[:4], "x0", "y0", "x1", "y1", *ROW_FIELDS[5:]])
    failed = 0
    for row in rows:
        failed += row.status == "failed"
        values = row.to_dict()
        box = values.pop("box") or [None] * 4
        cells = list(values.values())
        writer.writerow([*cells[:4], *box, *cells[4:]])
    return failed


def _print_table(rows: list[FaceRow], interval: float) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table()
    table.add_column("file", overflow="fold")
    table.add_column("face", justify="right", overflow="fold")
    table.add_column("age", justify="right", overflow="fold")
    table.add_column(f"{interval:.0%} interval", justify="right", overflow="fold")
    table.add_column("range", justify="right", overflow="fold")
    table.add_column("gender", overflow="fold")
    for row in rows:
        if row.age is None or row.p_female is None:
            words = "no face found" if row.reason is None else row.reason
            table.add_row(Text(row.file), "-", "-", "-", "-", Text(words))
            continue
        certainty = max(row.p_female, 1 - row.p_female)
        table.add_row(
            Text(row.file),
            str(row.face),
            f"{row.age:.1f}".removesuffix(".0"),
            f"{row.age_low:.0f} - {row.age_high:.0f}",
            f"{row.range} ({row.range_probability:.0%})",
            f"{row.gender} ({certainty:.1%})",
        )
    Console().print(table)
