"""``utkage predict``."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from utkage.cli.choices import choices
from utkage.cli.options import (
    CsvSafe,
    Debug,
    DetectorChoice,
    Device,
    Flip,
    FollowLinks,
    Json,
    MaxEntries,
    MaxEntryBytes,
    MaxPixels,
    MaxRatio,
    MaxTotalBytes,
    Overwrite,
    Quiet,
    WeightsChoice,
    Workers,
    data_option,
    given_only,
    model_option,
    output_option,
    video_option,
)
from utkage.cli.row_output import RowDestination, UnwrittenPictures
from utkage.cli.session import session
from utkage.core.errors import ExitCode

if TYPE_CHECKING:
    from utkage.prediction.rows import Row

# Interval between detections in a video, in frames.
_EVERY = 5


def predict_command(
    inputs: Annotated[
        list[str],
        typer.Argument(
            help="Pictures, videos, folders, patterns, or archives and Parquet files of pictures; "
            "- reads a picture, or paths one per line, from stdin.",
            metavar="PATH",
        ),
    ] = [],  # noqa: B006
    cluster: Annotated[
        str | None,
        data_option(
            help="Predict on a Ray cluster: local, auto (the one of this machine), or HOST:PORT. "
            "Inputs are then manifests (.jsonl, .parquet), tar archives or one folder, --out is a "
            "folder, and --workers the largest number of workers.",
            metavar="CLUSTER",
        ),
    ] = None,
    camera: Annotated[
        int | None,
        video_option(help="Number of a camera, from 0, to watch until Ctrl-C.", metavar="NUMBER"),
    ] = None,
    only: Annotated[
        str | None,
        data_option(
            help="Predict only the pictures, or only the videos, and skip the others.",
            **choices("pictures", "videos"),
        ),
    ] = None,
    shard: Annotated[
        str | None,
        data_option(
            help="Predict only one of N shards of the files, numbered from 0, such as 0/8. A hash "
            "of each path decides, so that added files move none.",
            metavar="I/N",
        ),
    ] = None,
    every: Annotated[
        int, video_option(help="Detect faces in every Nth frame and track them in between.")
    ] = _EVERY,
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
    max_entries: MaxEntries = None,
    max_entry_bytes: MaxEntryBytes = None,
    max_total_bytes: MaxTotalBytes = None,
    max_ratio: MaxRatio = None,
    detector: DetectorChoice = "retinaface",
    follow_links: FollowLinks = True,
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
            help="File for the rows instead of stdout: .jsonl, .csv, .json or .parquet. Those of "
            "videos among pictures go to NAME.videos.csv (and so on) beside it.",
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

    Prints one row per face; in videos, one per tracked face. Pictures come first, then videos. A
    file that cannot be read gives a row with the reason, and exit code 3 at the end. Predictions
    estimate apparent age: never base a decision about a person on them alone.
    """
    with session(quiet=quiet, debug=debug, prints=out is None) as reporter:
        from utkage.cli.live_window import live_window
        from utkage.core.errors import UsageError
        from utkage.core.text import counted
        from utkage.images.inputs import LIMITS
        from utkage.images.shards import Shard
        from utkage.prediction.predict_inputs import InputsRequest, predict_inputs
        from utkage.prediction.row_files import JSON_LINES, check_rows_file, videos_file
        from utkage.prediction.rows import FaceRow, TrackRow

        if sum([json_output, jsonl_output, csv_output, out is not None]) > 1:
            raise UsageError("--json, --jsonl, --csv and --out exclude each other; choose one")
        if resume and out is None:
            raise UsageError("--resume needs --out FILE.jsonl, the rows to append to")
        if cluster is not None:
            from utkage.cli.cluster_output import predict_inputs_on_cluster

            predict_inputs_on_cluster(
                inputs,
                cluster,
                out,
                {
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
                    "threshold": threshold,
                    "uncertain_below": uncertain_below,
                    "allow_download": allow_download,
                    "allow_private": allow_private,
                    "follow_links": follow_links,
                    **given_only(max_pixels=max_pixels, workers=workers),
                },
                resume=resume,
                others={
                    "camera": camera is not None,
                    "duration": duration,
                    "show": show,
                    "only": only,
                    "shard": shard,
                    "json": json_output,
                    "jsonl": jsonl_output,
                    "csv": csv_output,
                    "save_images": save_images,
                    "save_crops": save_crops,
                    "contact_sheet": contact_sheet,
                    "overwrite": overwrite,
                    "csv_safe": csv_safe,
                    "every": every != _EVERY,
                    "max_entries": max_entries,
                    "max_entry_bytes": max_entry_bytes,
                    "max_total_bytes": max_total_bytes,
                    "max_ratio": max_ratio,
                },
                reporter=reporter,
            )
            return
        limits = given_only(
            max_entries=max_entries,
            max_entry_bytes=max_entry_bytes,
            max_total_bytes=max_total_bytes,
            max_ratio=max_ratio,
        )
        request = InputsRequest(
            inputs=tuple(inputs),
            camera=camera,
            only=only,
            every=every,
            duration=duration,
            weights=weights,
            device=device,
            engine=engine,
            crop=crop,
            flip=flip,
            interval=interval,
            max_faces=max_faces,
            detector=detector,
            min_face=min_face,
            rotate=rotate,
            threshold=threshold,
            uncertain_below=uncertain_below,
            save_images=save_images,
            save_crops=save_crops,
            contact_sheet=contact_sheet,
            follow_links=follow_links,
            allow_download=allow_download,
            allow_private=allow_private,
            overwrite=overwrite,
            one_kind=csv_output,
            limits=replace(LIMITS, **limits),
            **given_only(
                max_pixels=max_pixels,
                workers=workers,
                shard=None if shard is None else Shard.parse(shard),
            ),
        )
        kind: type[Row] = TrackRow if request.are_videos else FaceRow
        if out is not None:
            # 0 is stdin.
            files = [0 if name == "-" else Path(name) for name in inputs]
            outs = [out] if kind is TrackRow or only else [out, videos_file(out)]
            kinds: tuple[type[Row], ...] = (kind, TrackRow)
            for target, its_kind in zip(outs, kinds, strict=False):
                check_rows_file(
                    target,
                    resume=resume,
                    overwrite=overwrite,
                    inputs=files,
                    record=request.record(its_kind) if resume else None,
                )
            # Those that this command makes hold nothing yet.
            request = replace(request, outputs=tuple(filter(Path.exists, outs)))
            if resume:
                request = replace(
                    request,
                    resume=None if kind is TrackRow else out,
                    resume_videos=outs[-1],
                )
        unwritten = UnwrittenPictures(reporter)
        destination = RowDestination(
            json=json_output,
            jsonl=jsonl_output,
            csv=csv_output,
            out=out,
            resume=resume,
            overwrite=overwrite,
            csv_safe=csv_safe,
            record=request.record if out is not None and out.suffix.lower() == JSON_LINES else None,
        )
        stdin = None if sys.stdin is None else sys.stdin.buffer
        cameras = () if camera is None else (camera,)
        # Closing finishes the pictures of an interrupted run.
        with (
            live_window((*inputs, *cameras), show) as on_frame,
            closing(
                predict_inputs(request, reporter, stdin, on_frame=on_frame, on_unwritten=unwritten)
            ) as rows,
        ):
            failed = destination.write(rows, kind)
        outputs: tuple[tuple[str, Path | None], ...] = (
            *((f"rows{' of videos' if path != out else ''}", path) for path in destination.opened),
            ("annotated copies", save_images),
            ("crops", save_crops),
            ("contact sheet", contact_sheet),
        )
        for label, path in outputs:
            if path is not None:
                reporter.info(f"{label}: {path}")
        if failed:
            reporter.warn(f"{counted(failed, 'input')} could not be read; see the reasons in rows")
        unwritten.report()
        if failed or unwritten.count:
            raise typer.Exit(ExitCode.SOME_INPUTS_FAILED)
