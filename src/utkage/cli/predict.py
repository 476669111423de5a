"""``utkage predict``."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from utkage.cli.choices import choices
from utkage.cli.options import (
    CsvSafe,
    Debug,
    DetectorChoice,
    Device,
    Flip,
    Json,
    MaxPixels,
    Overwrite,
    Quiet,
    WeightsChoice,
    Workers,
    data_option,
    model_option,
    output_option,
    video_option,
)
from utkage.cli.row_output import RowDestination, UnwrittenPictures
from utkage.cli.session import session
from utkage.core.errors import ExitCode


def predict_command(
    inputs: Annotated[
        list[str],
        typer.Argument(
            help="Pictures, folders, patterns or videos; - reads a picture, or paths one per "
            "line, from stdin.",
            metavar="PATH...",
        ),
    ] = [],  # noqa: B006
    camera: Annotated[
        int | None,
        video_option(help="Number of a camera, from 0, to watch until Ctrl-C.", metavar="NUMBER"),
    ] = None,
    every: Annotated[
        int, video_option(help="Detect faces in every Nth frame and track them in between.")
    ] = 5,
    duration: Annotated[
        float | None, video_option(help="Seconds of each video to process.")
    ] = None,
    show: Annotated[
        bool | None,
        video_option(
            "--show/--no-show",
            help="Show the video in a window (q closes it). Default: for cameras and streams, if "
            "there is a display.",
        ),
    ] = None,
    crop: Annotated[
        str,
        data_option(
            help="auto: find and align faces; box: find faces and crop around the box without "
            "rotation; none: the pictures are face chips already.",
            **choices("auto", "box", "none"),
        ),
    ] = "auto",
    workers: Workers = None,
    max_faces: Annotated[
        int | None,
        data_option(help="Largest number of faces per picture; the largest faces are kept."),
    ] = None,
    min_face: Annotated[
        float | None,
        data_option(
            help="Smallest face to find, in pixels; small values are slow. Default: about 16 "
            "pixels, in pictures scaled to at most 1600."
        ),
    ] = None,
    rotate: Annotated[
        str,
        data_option(
            help="auto: also find faces in pictures that lie on their side or upside down; none: "
            "take every picture as upright. Videos are never rotated.",
            **choices("auto", "none"),
        ),
    ] = "auto",
    max_pixels: MaxPixels = None,
    detector: DetectorChoice = "retinaface",
    follow_links: Annotated[
        bool,
        data_option(
            "--follow-links/--no-follow-links", help="Enter linked folders in folders, each once."
        ),
    ] = True,
    allow_download: Annotated[
        bool, data_option("--allow-download", help="Allow http(s) and stream addresses.")
    ] = False,
    allow_private: Annotated[
        bool,
        data_option(
            "--allow-private",
            help="Let redirects of pictures lead to addresses that are not public, such as those "
            "of this machine or the local network.",
        ),
    ] = False,
    weights: WeightsChoice = "shipped",
    device: Device = "auto",
    engine: Annotated[
        str,
        model_option(
            help="onnx (ONNX Runtime on the CPU, starts fast), torch, or auto: onnx where "
            "possible, else torch. Both give the same predictions.",
            **choices("auto", "onnx", "torch"),
        ),
    ] = "auto",
    flip: Flip = True,
    interval: Annotated[float, model_option(help="Level of the age interval, 0 to 1.")] = 0.8,
    threshold: Annotated[
        int | None, model_option(help="An age T; rows then contain P(age >= T).")
    ] = None,
    uncertain_below: Annotated[
        float, model_option(help="Probability below which the gender is 'uncertain'.")
    ] = 0.75,
    json_output: Json = False,
    jsonl_output: Annotated[
        bool,
        output_option("--jsonl", help="Print JSON lines on stdout, one per face, as they come."),
    ] = False,
    csv_output: Annotated[bool, output_option("--csv", help="Print CSV on stdout.")] = False,
    out: Annotated[
        Path | None,
        output_option(
            "--out",
            "-o",
            help="File for the rows instead of stdout: .jsonl, .csv, .json or .parquet.",
            metavar="FILE",
        ),
    ] = None,
    csv_safe: CsvSafe = False,
    resume: Annotated[
        bool,
        output_option(
            "--resume",
            help="Append to the JSON lines of --out and skip the files that they contain.",
        ),
    ] = False,
    save_images: Annotated[
        Path | None,
        output_option(
            help="Folder for copies with boxes, ages and genders drawn in.", metavar="FOLDER"
        ),
    ] = None,
    save_crops: Annotated[
        Path | None,
        output_option(
            help="Folder for the face chips that the network received.", metavar="FOLDER"
        ),
    ] = None,
    contact_sheet: Annotated[
        Path | None,
        output_option(
            help="File (.jpg or .png) for one picture of all faces, at most 400.", metavar="FILE"
        ),
    ] = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Find every face in pictures or videos and predict its age and gender.

    Prints one row per face; in videos, one per tracked face. A picture that cannot be read gives
    a row with the reason, and exit code 3 at the end. Predictions estimate apparent age: never
    base a decision about a person on them alone.
    """
    with session(quiet=quiet, debug=debug, prints=out is None) as reporter:
        from utkage.core.errors import UsageError
        from utkage.core.text import counted
        from utkage.images.video import is_video
        from utkage.prediction.row_files import check_rows_file

        if sum([json_output, jsonl_output, csv_output, out is not None]) > 1:
            raise UsageError("--json, --jsonl, --csv and --out exclude each other; choose one")
        if resume and out is None:
            raise UsageError("--resume needs --out FILE.jsonl, the rows to append to")
        if out is not None:
            # 0 is stdin.
            files = [0 if name == "-" else Path(name) for name in inputs]
            check_rows_file(out, resume=resume, overwrite=overwrite, inputs=files)
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
            "rotate": rotate,
            **({} if max_pixels is None else {"max_pixels": max_pixels}),
            "threshold": threshold,
            "uncertain_below": uncertain_below,
            "save_images": save_images,
            "save_crops": save_crops,
            "contact_sheet": contact_sheet,
            "allow_download": allow_download,
            "overwrite": overwrite,
            **({} if workers is None else {"workers": workers}),
        }
        unwritten = UnwrittenPictures(reporter)
        destination = RowDestination(
            json=json_output,
            jsonl=jsonl_output,
            csv=csv_output,
            out=out,
            resume=resume,
            overwrite=overwrite,
            csv_safe=csv_safe,
        )
        # A video among pictures gives a row that says so, and the pictures are predicted.
        if camera is None and not (inputs and all(map(is_video, inputs))):
            from utkage.prediction.predict import PredictRequest, predict
            from utkage.prediction.rows import FaceRow

            request = PredictRequest(
                inputs=tuple(inputs),
                follow_links=follow_links,
                resume=out if resume else None,
                allow_private=allow_private,
                **settings,
            )
            stdin = None if sys.stdin is None else sys.stdin.buffer
            # Closing finishes the pictures of an interrupted run.
            with closing(predict(request, reporter, stdin, on_unwritten=unwritten)) as rows:
                failed = destination.write(rows, FaceRow)
        else:
            from utkage.cli.live_window import live_window
            from utkage.prediction.predict_videos import VideoRequest, predict_videos
            from utkage.prediction.rows import TrackRow

            if resume:
                raise UsageError("--resume is for pictures; a video is always processed whole")
            cameras = () if camera is None else (camera,)
            videos = VideoRequest(
                videos=(*inputs, *cameras), every=every, duration=duration, **settings
            )
            with (
                live_window(videos.videos, show) as on_frame,
                closing(
                    predict_videos(videos, reporter, on_frame=on_frame, on_unwritten=unwritten)
                ) as tracks,
            ):
                failed = destination.write(tracks, TrackRow)
        for label, path in (
            ("rows", out),
            ("annotated copies", save_images),
            ("crops", save_crops),
            ("contact sheet", contact_sheet),
        ):
            if path is not None:
                reporter.info(f"{label}: {path}")
        if failed:
            reporter.warn(f"{counted(failed, 'input')} could not be read; see the reasons in rows")
        unwritten.report()
        if failed or unwritten.count:
            raise typer.Exit(ExitCode.SOME_INPUTS_FAILED)
