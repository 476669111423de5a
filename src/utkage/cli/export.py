"""``utkage export``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from utkage.cli.options import OUTPUT, Debug, Flip, Json, Quiet, WeightsChoice
from utkage.cli.session import session


def export_command(
    format_: Annotated[
        str, typer.Option("--format", help="onnx.", rich_help_panel=OUTPUT)
    ] = "onnx",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="The file. Default: the name of the weights.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    weights: WeightsChoice = "auto",
    flip: Flip = True,
    json_output: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Write weights for other runtimes, with preprocessing inside.

    The file gets its name only after ONNX Runtime has given the answers of torch on 256 chips;
    otherwise the exit code is 4 and there is no file.
    """
    with session(quiet=quiet, debug=debug) as reporter:
        from utkage.workflows.export import ExportRequest, export

        result = export(
            ExportRequest(weights=weights, format=format_, out=out, flip=flip), reporter
        )
        if json_output:
            typer.echo(
                json.dumps(
                    {
                        "schema": 1,
                        "path": str(result.path),
                        "bytes": result.size,
                        "weights": str(result.weights),
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
