"""``utkage predict``."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from utkage.cli.options import DATA, MODEL, OUTPUT, Debug, Device, Flip, Json, Quiet, WeightsChoice
from utkage.cli.session import session
from utkage.core.errors import ExitCode

if TYPE_CHECKING:
    from utkage.workflows.row_files import WriteRow


def predict_command(
    inputs: Annotated[
        list[str],
        typer.Argument(
            help="Pictures, folders, patterns; - for a picture or a list of paths on stdin.",
            metavar="PATH...",
        ),
    ],
    crop: Annotated[
        str,
        typer.Option(
            help="auto: find and align faces; box: find them, cut around the box without "
            "turning; none: the pictures are chips already.",
            rich_help_panel=DATA,
        ),
    ] = "auto",
    max_faces: Annotated[
        int | None, typer.Option(help="Only the largest faces of a picture.", rich_help_panel=DATA)
    ] = None,
    min_face: Annotated[
        float | None,
        typer.Option(
            help="Smallest face, pixels: looks as fine as it needs, however long it takes. "
            "Default: some 16, down to 1600 pixels a picture.",
            rich_help_panel=DATA,
        ),
    ] = None,
    detector: Annotated[
        str,
        typer.Option(help="retinaface, or yunet:FILE.", rich_help_panel=DATA, metavar="NAME"),
    ] = "retinaface",
    allow_download: Annotated[
        bool,
        typer.Option("--allow-download", help="Fetch http(s) addresses.", rich_help_panel=DATA),
    ] = False,
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
    threshold: Annotated[
        int | None,
        typer.Option(help="An age T; says P(age >= T) as well.", rich_help_panel=MODEL),
    ] = None,
    uncertain_below: Annotated[
        float,
        typer.Option(
            help="Gender is 'uncertain' when neither is this probable.", rich_help_panel=MODEL
        ),
    ] = 0.75,
    json_output: Json = False,
    jsonl_output: Annotated[
        bool,
        typer.Option(
            "--jsonl", help="Print JSON lines, one a face, at once.", rich_help_panel=OUTPUT
        ),
    ] = False,
    csv_output: Annotated[
        bool, typer.Option("--csv", help="Print CSV on stdout.", rich_help_panel=OUTPUT)
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Write the rows to a file .jsonl, .csv, .json or .parquet instead.",
            rich_help_panel=OUTPUT,
            metavar="FILE",
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with the JSON lines of --out: what they answer for is left out.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    save_images: Annotated[
        Path | None,
        typer.Option(
            help="Folder for copies with boxes and answers drawn in.",
            rich_help_panel=OUTPUT,
            metavar="FOLDER",
        ),
    ] = None,
    save_crops: Annotated[
        Path | None,
        typer.Option(
            help="Folder for the chips that were answered for.",
            rich_help_panel=OUTPUT,
            metavar="FOLDER",
        ),
    ] = None,
    contact_sheet: Annotated[
        Path | None,
        typer.Option(
            help="One picture of all faces (the first 400), .jpg or .png.",
            rich_help_panel=OUTPUT,
            metavar="FILE",
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
        from utkage.cli.face_table import print_face_table
        from utkage.core.errors import UsageError
        from utkage.workflows.predict import PredictRequest, predict
        from utkage.workflows.row_files import (
            check_rows_file,
            csv_rows,
            json_lines,
            json_rows,
            rows_file,
            write_rows,
        )

        forms = [json_output, jsonl_output, csv_output, out is not None]
        if sum(forms) > 1:
            raise UsageError("--json, --jsonl, --csv and --out exclude each other; choose one")
        if resume and out is None:
            raise UsageError("--resume needs --out FILE.jsonl, the rows to go on with")
        if out is not None:
            check_rows_file(out, resume=resume)
        request = PredictRequest(
            inputs=tuple(inputs),
            weights=weights,
            device=device,
            engine=engine,
            crop=crop,
            flip=flip,
            interval=interval,
            max_faces=max_faces,
            save_images=save_images,
            detector=detector,
            min_face=min_face,
            threshold=threshold,
            uncertain_below=uncertain_below,
            save_crops=save_crops,
            contact_sheet=contact_sheet,
            allow_download=allow_download,
            resume=out if resume else None,
        )
        rows = predict(request, reporter, sys.stdin.buffer)
        if any(forms) and out is None and sys.stdout.isatty():
            # On a terminal, rows and the progress bar would write into each other.
            rows = iter(list(rows))
        with ExitStack() as stack:
            write: WriteRow | None = None
            if out is not None:
                write = stack.enter_context(rows_file(out, resume=resume))
            elif jsonl_output:
                write = stack.enter_context(json_lines(sys.stdout))
            elif json_output:
                write = stack.enter_context(json_rows(sys.stdout))
            elif csv_output:
                write = csv_rows(sys.stdout)
            else:
                collected = list(rows)
                print_face_table(collected, request.row_options)
                rows = iter(collected)
            failed = write_rows(rows, write)
        for what, place in (
            ("rows", out),
            ("annotated pictures", save_images),
            ("crops", save_crops),
            ("contact sheet", contact_sheet),
        ):
            if place is not None:
                reporter.info(f"{what}: {place}")
        if failed:
            reporter.warn(f"{failed} of the inputs could not be read; see their rows")
            raise typer.Exit(ExitCode.SOME_INPUTS_FAILED)
