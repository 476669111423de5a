"""``utkage serve``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from utkage.cli.choices import choices
from utkage.cli.options import (
    Debug,
    DetectorChoice,
    Device,
    Flip,
    MaxPixels,
    Quiet,
    WeightsChoice,
    Workers,
    given_only,
    limits_option,
    model_option,
    output_option,
)
from utkage.cli.session import session
from utkage.core.errors import UsageError

_TOKEN = "UTKAGE_TOKEN"


def serve_command(
    host: Annotated[
        str,
        typer.Option(
            help="Address to listen on; the default is reached from this machine only.",
            metavar="ADDRESS",
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(help="Port; 0 takes a free one.", min=0, max=65535, metavar="NUMBER")
    ] = 8000,
    page: Annotated[
        Path | None,
        typer.Option(help="Folder of `export --format web`, served at /.", metavar="FOLDER"),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            help="File with the token that requests need (Authorization: Bearer TOKEN). "
            f"Default: the environment variable {_TOKEN}, if it is set.",
            metavar="FILE",
        ),
    ] = None,
    max_bytes: Annotated[
        int, limits_option(help="Largest body of a request, bytes.", metavar="NUMBER")
    ] = 64 * 1024**2,
    max_pictures: Annotated[
        int, limits_option(help="Largest number of pictures in a request.", metavar="NUMBER")
    ] = 64,
    max_waiting: Annotated[
        int,
        limits_option(
            help="Largest number of pictures that wait; requests beyond it get status 429.",
            metavar="NUMBER",
        ),
    ] = 256,
    seconds: Annotated[
        float, limits_option(help="Longest time of a request.", metavar="NUMBER")
    ] = 60.0,
    max_pixels: MaxPixels = None,
    weights: WeightsChoice = "shipped",
    device: Device = "auto",
    engine: Annotated[
        str,
        model_option(help="Runtime of the weights.", **choices("auto", "onnx", "torch")),
    ] = "auto",
    detector: DetectorChoice = "retinaface",
    flip: Flip = True,
    rotate: Annotated[
        str,
        model_option(
            help="Whether faces of rotated pictures are found, unless a request says.",
            **choices("auto", "none"),
        ),
    ] = "auto",
    interval: Annotated[
        float,
        output_option(help="Level of the age interval, unless a request says.", metavar="LEVEL"),
    ] = 0.8,
    threshold: Annotated[
        int | None,
        output_option(help="Age T of P(age >= T), unless a request says.", metavar="AGE"),
    ] = None,
    workers: Workers = None,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Answer requests over HTTP with the rows of `predict`, until Ctrl-C.

    `curl -F picture=@photo.jpg http://127.0.0.1:8000/v1/predict`
    """
    with session(quiet=quiet, debug=debug, prints=False) as reporter:
        from utkage.prediction.predictor import PredictSettings
        from utkage.serving.serve import ServeRequest, serve
        from utkage.serving.settings import ServeSettings

        request = ServeRequest(
            host=host,
            port=port,
            page=page,
            limits=ServeSettings(
                token=_token(token_file),
                max_bytes=max_bytes,
                max_pictures=max_pictures,
                max_waiting=max_waiting,
                seconds=seconds,
            ),
            predict=PredictSettings(
                weights=weights,
                device=device,
                engine=engine,
                detector=detector,
                flip=flip,
                rotate=rotate,
                interval=interval,
                threshold=threshold,
                **given_only(workers=workers, max_pixels=max_pixels),
            ),
        )
        serve(request, reporter)


def _token(file: Path | None) -> str | None:
    """The token, which is not an option because every user of a machine sees those."""
    if file is None:
        return os.environ.get(_TOKEN) or None
    try:
        return file.read_text().strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "is not text"
        raise UsageError(f"`token_file` {file}: cannot be read ({reason})") from error
