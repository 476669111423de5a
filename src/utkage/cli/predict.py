"""``utkage predict``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from utkage.cli.options import (
    DATA,
    MODEL,
    OUTPUT,
    VIDEO,
    Debug,
    DetectorChoice,
    Device,
    Flip,
    Json,
    Quiet,
    WeightsChoice,
)
from utkage.cli.row_output import Form
from utkage.cli.session import session
from utkage.core.errors import ExitCode


def predict_command(
    inputs: Annotated[
        list[str],
        typer.Argument(
            help="Pictures, folders, patterns, or videos; - for a picture or a list of paths on "
            "stdin.",
            metavar="PATH...",
        ),
    ] = [],  # noqa: B006
    camera: Annotated[
        int | None,
        typer.Option(
            help="Watch a camera, numbered from 0, until Ctrl-C.",
            rich_help_panel=VIDEO,
            metavar="NUMBER",
        ),
    ] = None,
    every: Annotated[
        int,
        typer.Option(
            help="Look for faces in each so manyth frame; they are followed in between.",
            rich_help_panel=VIDEO,
        ),
    ] = 5,
    duration: Annotated[
        float | None,
        typer.Option(help="Seconds of each video to look at.", rich_help_panel=VIDEO),
    ] = None,
    show: Annotated[
        bool | None,
        typer.Option(
            "--show/--no-show",
            help="Open a window (q closes it). Default: for cameras and streams, on a display.",
            rich_help_panel=VIDEO,
        ),
    ] = None,
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
    detector: DetectorChoice = "retinaface",
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
    """Find every face in pictures or videos and tell its age and gender.

    One row a face; in videos one a face that was followed. A picture that cannot be read gives
    a row that says why, and exit code 3 at the end. Answers are estimates of apparent age: never
    decide about a person by them alone.
    """
    with session(quiet=quiet, debug=debug) as reporter:
        from utkage.core.errors import UsageError
        from utkage.images.video import is_video
        from utkage.prediction.row_files import check_rows_file

        forms = [json_output, jsonl_output, csv_output, out is not None]
        if sum(forms) > 1:
            raise UsageError("--json, --jsonl, --csv and --out exclude each other; choose one")
        if resume and out is None:
            raise UsageError("--resume needs --out FILE.jsonl, the rows to go on with")
        if out is not None:
            check_rows_file(out, resume=resume)
        settings: dict[str, Any] = {
            "weights": weights,
            "device": device,
            "engine": engine,
            "crop": crop,
            "flip": flip,
            "interval": interval,
            "max_faces": max_faces,
            "detector": detector,
            "min_face": min_face,
            "threshold": threshold,
            "uncertain_below": uncertain_below,
            "save_images": save_images,
            "save_crops": save_crops,
            "contact_sheet": contact_sheet,
            "allow_download": allow_download,
        }
        form = Form(json_output, jsonl_output, csv_output, out, resume=resume)
        if camera is None and not any(is_video(name) for name in inputs):
            from utkage.cli.face_table import print_face_table
            from utkage.prediction.face_rows import FaceRow
            from utkage.prediction.predict import PredictRequest, predict

            request = PredictRequest(
                inputs=tuple(inputs), resume=out if resume else None, **settings
            )
            failed = form.write(
                predict(request, reporter, sys.stdin.buffer),
                FaceRow,
                lambda rows: print_face_table(rows, request.row_options),
            )
        else:
            from utkage.cli.face_table import print_track_table
            from utkage.cli.live_window import live_window
            from utkage.prediction.predict_videos import VideoRequest, predict_videos
            from utkage.prediction.track_rows import TrackRow

            if resume:
                raise UsageError("--resume is for pictures; a video is answered for as a whole")
            cameras = () if camera is None else (camera,)
            videos = VideoRequest(
                videos=(*inputs, *cameras), every=every, duration=duration, **settings
            )
            with live_window(videos.videos, show) as on_frame:
                failed = form.write(
                    predict_videos(videos, reporter, on_frame=on_frame),
                    TrackRow,
                    lambda rows: print_track_table(rows, videos.row_options),
                )
        for what, place in (
            ("rows", out),
            ("annotated copies", save_images),
            ("crops", save_crops),
            ("contact sheet", contact_sheet),
        ):
            if place is not None:
                reporter.info(f"{what}: {place}")
        if failed:
            reporter.warn(f"{failed} of the inputs could not be read; see their rows")
            raise typer.Exit(ExitCode.SOME_INPUTS_FAILED)
