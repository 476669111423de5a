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
            "--run",
            # torchrun takes --run for the beginning of an option of its own.
            "--run-folder",
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
            help="Peak rate (AdamW, cosine; not for seed).",
            rich_help_panel=OPTIMISATION,
        ),
    ] = 4e-4,
    seed: Annotated[
        int,
        typer.Option(help="Of order, augmentation, new weights.", rich_help_panel=OPTIMISATION),
    ] = 0,
    system: Annotated[
        str,
        typer.Option(
            help="multitask (one network for all), or seed: three models trained jointly, a "
            "VGG-Face for gender, a CNN over age ranges, an age estimator fed by its ranges.",
            rich_help_panel=MODEL,
        ),
    ] = "multitask",
    gender_width: Annotated[
        float | None,
        typer.Option(
            help="Fraction of VGG-Face's channels (seed). Default: 1 on a GPU, else 0.25.",
            rich_help_panel=MODEL,
        ),
    ] = None,
    vgg_face_weights: Annotated[
        Path | None,
        typer.Option(
            help="Published VGG-Face weights for the gender model to start from (seed): .pth, "
            ".mat or .h5; needs --gender-width 1.",
            rich_help_panel=MODEL,
        ),
    ] = None,
    range_feed: Annotated[
        str,
        typer.Option(
            help="Ranges that the age estimator is fed in training (seed): predicted, true, or "
            "decay (from true to predicted).",
            rich_help_panel=MODEL,
        ),
    ] = "decay",
    backbone: Annotated[
        str,
        typer.Option(help="mobilenet_v1, mobilenet_v3_small or resnet18.", rich_help_panel=MODEL),
    ] = "mobilenet_v1",
    init: Annotated[
        str | None,
        typer.Option(
            help="Initial weights: shipped, scratch, or a file (ours, or faceres). Default: "
            "shipped, or scratch for seed.",
            rich_help_panel=MODEL,
        ),
    ] = None,
    sizes: Annotated[
        str | None,
        typer.Option(
            help="Chip sides in pixels, shared out over the epochs; the last is the model's. "
            "Default: 160, or 64 for seed, which takes one.",
            rich_help_panel=MODEL,
            metavar="S[,S...]",
        ),
    ] = None,
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

        command = shlex.join(["utkage", *sys.argv[1:]])
        sides = _sides(sizes)
        if system == "seed":
            from utkage.engines.device import choose_device
            from utkage.engines.training.seed.config import SeedConfig
            from utkage.workflows.train_seed import SeedTrainRequest, train_seed

            if len(sides) > 1:
                raise ConfigError(f"--sizes {sizes}: the seed system takes one size")
            on_gpu = choose_device(device)[0].type != "cpu"
            seed_config = SeedConfig(
                epochs=epochs,
                batch_size=batch_size,
                size=sides[0] if sides else SeedConfig.size,
                gender_width=gender_width or (1.0 if on_gpu else 0.25),
                range_feed=range_feed,
                init=init or SeedConfig.init,
                vgg_face_weights=str(vgg_face_weights or ""),
                seed=seed,
            )
            result = train_seed(SeedTrainRequest(data, run, device, seed_config, command), reporter)
        elif system == "multitask":
            from utkage.engines.training.config import TrainConfig
            from utkage.workflows.train import TrainRequest, train

            config = TrainConfig(
                epochs=epochs,
                batch_size=batch_size,
                learning_rate=learning_rate,
                seed=seed,
                backbone=backbone,
                init=init or TrainConfig.init,
                sizes=sides or TrainConfig.sizes,
            )
            result = train(TrainRequest(data, run, device, config, command), reporter)
        else:
            raise ConfigError(f"--system {system}: choose multitask or seed")
        if not result.is_first:
            return
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


def _sides(sizes: str | None) -> tuple[int, ...]:
    from utkage.core.errors import ConfigError

    try:
        return () if sizes is None else tuple(int(size) for size in sizes.split(","))
    except ValueError:
        raise ConfigError(f"--sizes {sizes}: give whole numbers, such as 128,160") from None
