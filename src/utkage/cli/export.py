"""``utkage export``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from utkage.cli.options import DATA, OUTPUT, Debug, Flip, Json, Quiet, WeightsChoice
from utkage.cli.session import session


def export_command(
    format_: Annotated[
        str, typer.Option("--format", help="onnx, torchscript or pt2.", rich_help_panel=OUTPUT)
    ] = "onnx",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="The file. Default: the name of the weights, in this folder.",
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
        from utkage.workflows.export import ExportRequest, export

        result = export(
            ExportRequest(weights=weights, format=format_, out=out, data=data, flip=flip), reporter
        )
        if json_output:
            typer.echo(
                json.dumps(
                    {
                        "schema": 1,
                        "path": str(result.path),
                        "bytes": result.size,
                        "weights": str(result.weights),
                        "format": result.format,
                        "parity_file": str(result.parity_file),
                        "parity": result.parity.to_dict(),
                    },
                    indent=2,
                )
            )
        else:
            parity = result.parity
            typer.echo(
                f"{result.path}: {result.size / 1e6:.1f} MB; against torch on {parity.chips} chips "
                f"ages differ by at most {parity.max_age_difference:.5f} years, "
                f"{parity.range_flips} ranges and {parity.gender_flips} genders differ"
            )
