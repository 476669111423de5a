"""``utkage train``."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from utkage.cli.options import (
    MODEL,
    OPTIMISATION,
    OUTPUT,
    Debug,
    Device,
    Json,
    PreparedData,
    Quiet,
)
from utkage.cli.session import session


def train_command(
    data: PreparedData = Path("prepared"),
    run: Annotated[
        Path | None,
        typer.Option(
            help="Run folder; a run of the same settings in it is continued. "
            "Default: a new one below runs/.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    epochs: Annotated[
        int, typer.Option(help="Passes over the training split.", rich_help_panel=OPTIMISATION)
    ] = 50,
    batch_size: Annotated[
        int, typer.Option(help="Chips a step.", rich_help_panel=OPTIMISATION)
    ] = 64,
    learning_rate: Annotated[
        float,
        typer.Option(
            "--learning-rate",
            "--lr",
            help="Peak rate (AdamW, cosine).",
            rich_help_panel=OPTIMISATION,
        ),
    ] = 4e-4,
    seed: Annotated[
        int,
        typer.Option(help="Of order, augmentation, new weights.", rich_help_panel=OPTIMISATION),
    ] = 0,
    backbone: Annotated[
        str,
        typer.Option(help="mobilenet_v1, mobilenet_v3_small or resnet18.", rich_help_panel=MODEL),
    ] = "mobilenet_v1",
    init: Annotated[
        str,
        typer.Option(
            help="Initial weights: shipped, scratch, or a file (ours, or faceres).",
            rich_help_panel=MODEL,
        ),
    ] = "shipped",
    sizes: Annotated[
        str,
        typer.Option(
            help="Chip sides in pixels, shared out over the epochs; the last is the model's.",
            rich_help_panel=MODEL,
            metavar="S[,S...]",
        ),
    ] = "160",
    device: Device = "auto",
    json_output: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Train an age-and-gender model on a prepared set.

    Writes best.safetensors and last.safetensors with their cards, metrics.jsonl and a
    checkpoint into the run folder. Stop it when you like: the same command with the same --run
    goes on.
    """
    with session(quiet=quiet, debug=debug) as reporter:
        from utkage.core.errors import ConfigError
        from utkage.engines.training.config import TrainConfig
        from utkage.workflows.train import TrainRequest, train

        try:
            sides = tuple(int(size) for size in sizes.split(","))
        except ValueError:
            raise ConfigError(f"--sizes {sizes}: give whole numbers, such as 128,160") from None
        result = train(
            TrainRequest(
                data=data,
                run=run,
                device=device,
                config=TrainConfig(
                    epochs=epochs,
                    batch_size=batch_size,
                    learning_rate=learning_rate,
                    seed=seed,
                    backbone=backbone,
                    init=init,
                    sizes=sides,
                ),
                command=shlex.join(["utkage", *sys.argv[1:]]),
            ),
            reporter,
        )
        if json_output:
            typer.echo(
                json.dumps(
                    {
                        "schema": 1,
                        "run": str(result.folder),
                        "best": str(result.best),
                        "best_epoch": result.best_epoch,
                        "best_val_mae": result.best_mae,
                        "epochs": list(result.epochs),
                    },
                    indent=2,
                )
            )
        else:
            typer.echo(
                f"{result.best}: validation MAE {result.best_mae:.2f} years "
                f"(epoch {result.best_epoch})"
            )
