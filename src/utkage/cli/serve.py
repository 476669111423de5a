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
from utkage.core.errors import ConfigError, UsageError

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
    server_name: Annotated[
        list[str] | None,
        typer.Option(
            help="Name with a dot under which clients reach a server without a token, such as "
            "faces.example.com. May be given several times.",
            metavar="NAME",
        ),
    ] = None,
    allow_addresses: Annotated[
        bool,
        typer.Option(
            "--allow-addresses",
            help="Read pictures that JSON names by public http(s) addresses (url instead of data).",
        ),
    ] = False,
    max_bytes: Annotated[
        int, limits_option(help="Largest body of a request, bytes.", metavar="NUMBER")
    ] = 64 * 1024**2,
    max_held_bytes: Annotated[
        int,
        limits_option(
            help="Largest sum of the bodies that are held at once, bytes; requests beyond it get "
            "status 429.",
            metavar="NUMBER",
        ),
    ] = 512 * 1024**2,
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
        float,
        limits_option(
            help="Longest time in which a body arrives, and in which its pictures are predicted.",
            metavar="NUMBER",
        ),
    ] = 60.0,
    max_faces: Annotated[
        int | None,
        limits_option(
            help="Largest number of faces per picture; the largest faces are kept.",
            metavar="NUMBER",
        ),
    ] = None,
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
    uncertain_below: Annotated[
        float,
        output_option(
            help="Probability below which the gender is 'uncertain', unless a request says.",
            metavar="PROBABILITY",
        ),
    ] = 0.75,
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
                server_names=tuple(server_name or ()),
                allow_addresses=allow_addresses,
                max_bytes=max_bytes,
                max_held_bytes=max_held_bytes,
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
                uncertain_below=uncertain_below,
                max_faces=max_faces,
                **given_only(workers=workers, max_pixels=max_pixels),
            ),
        )
        serve(request, reporter)


def _token(file: Path | None) -> str | None:
    """The token, which is not an option because every user of a machine sees those."""
    from utkage.serving.settings import check_token

    if file is None:
        # One that is set to nothing is a mistake of a script, and no wish for a server without.
        token, place = os.environ.get(_TOKEN), f"{_TOKEN} in the environment"
        if token is None:
            return None
    else:
        place = f"`token_file` {file}"
        try:
            token = file.read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "is not text"
            raise UsageError(f"{place}: cannot be read ({reason})") from error
    try:
        check_token(token)
    except ConfigError as error:
        raise UsageError(str(error).replace("`token`", place)) from error
    return token
