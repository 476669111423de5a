"""``utkage train``."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from utkage.cli.choices import backbone_names, choices, completing, recipe_names
from utkage.cli.options import (
    Debug,
    Device,
    Json,
    PreparedData,
    Quiet,
    model_option,
    optimisation_option,
    output_option,
    recipe_option,
)
from utkage.cli.session import session
from utkage.cli.tables import print_json, print_table, print_text
from utkage.core.errors import ConfigError
from utkage.training.config import TrainConfig


def _recipe_default(name: str) -> str:
    return f"from the recipe; {getattr(TrainConfig, name)} in default"


def train_command(
    data: PreparedData = Path("prepared"),
    # Not a path, which would lose the "./" that makes a name a folder in the working directory.
    run: Annotated[
        str | None,
        output_option(
            "--run",
            # torchrun would take --run as an abbreviation of one of its own options.
            "--run-folder",
            help="Run folder, or its name below runs/; a run of the same settings is resumed.",
            show_default="a new one below runs/",
        ),
    ] = None,
    config: Annotated[
        str | None,
        recipe_option(
            help="Recipe (see `utkage recipes`), TOML file, run folder or its name below runs/.",
            show_default="default, or seed for that system",
            metavar="RECIPE|PATH",
            autocompletion=completing(recipe_names, paths=True),
        ),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        recipe_option(
            "--set",
            help="Change a setting, such as warmup=0.1 or augmentation.flip=0; repeatable. "
            "Overrides --config; options such as --epochs override it.",
            show_default=False,
            metavar="KEY=VALUE",
        ),
    ] = None,
    print_config: Annotated[
        bool,
        recipe_option("--print-config", help="Print every setting as TOML for --config, and exit."),
    ] = False,
    dry_run: Annotated[
        bool,
        recipe_option(
            "--dry-run",
            help="Check settings, data and model, take a few steps, and estimate the time, memory "
            "and disk space of the whole training; write nothing.",
        ),
    ] = False,
    epochs: Annotated[
        int | None,
        optimisation_option(
            help="Passes over the training split.", show_default=_recipe_default("epochs")
        ),
    ] = None,
    batch_size: Annotated[
        int | None,
        optimisation_option(
            help="Number of chips per step.", show_default=_recipe_default("batch_size")
        ),
    ] = None,
    learning_rate: Annotated[
        float | None,
        optimisation_option(
            "--learning-rate",
            "--lr",
            help="Peak learning rate of AdamW (not for seed).",
            show_default=_recipe_default("learning_rate"),
        ),
    ] = None,
    seed: Annotated[
        int | None,
        optimisation_option(
            help="Seed of initial weights, order and augmentation.",
            show_default=_recipe_default("seed"),
        ),
    ] = None,
    seeds: Annotated[
        int | None,
        optimisation_option(
            help="Train so many times, with --seed and the seeds that follow it, and print mean "
            "and standard deviation; each run has its own folder, NAME-seed<seed>.",
            show_default=False,
            metavar="COUNT",
        ),
    ] = None,
    system: Annotated[
        str | None,
        model_option(
            help="multitask (one network for all outputs), or seed (three models trained jointly: "
            "a VGG-Face for gender, a CNN for age ranges, an age estimator fed by its ranges).",
            show_default="from the recipe; multitask in default",
            **choices("multitask", "seed"),
        ),
    ] = None,
    gender_width: Annotated[
        float | None,
        model_option(
            help="Fraction of VGG-Face's channels (seed).",
            show_default="from the recipe; in seed 1 on a GPU, else 0.25",
        ),
    ] = None,
    vgg_face_weights: Annotated[
        Path | None,
        model_option(
            help="Published VGG-Face weights for the gender model to start from (seed): .pth, "
            ".mat or .h5; needs --gender-width 1.",
            show_default=False,
        ),
    ] = None,
    range_feed: Annotated[
        str | None,
        model_option(
            help="Age ranges that the age estimator is fed in training (seed): predicted, true, or "
            "decay (from true to predicted).",
            show_default="from the recipe; predicted in seed",
            **choices("predicted", "true", "decay"),
        ),
    ] = None,
    backbone: Annotated[
        str | None,
        model_option(
            help="Backbone: mobilenet_v1, mobilenet_v3_small, mobilenet_v3_large, resnet18, "
            "resnet50, efficientnet_b0, convnext_tiny or dlib_face_resnet.",
            show_default=_recipe_default("backbone"),
            metavar="NAME",
            autocompletion=completing(backbone_names),
        ),
    ] = None,
    init: Annotated[
        str | None,
        model_option(
            help="Initial weights: shipped, scratch, torchvision (ImageNet), dlib, or a file "
            "(utkage weights or faceres).",
            show_default=_recipe_default("init"),
            **choices("shipped", "scratch", "torchvision", "dlib", other="FILE"),
        ),
    ] = None,
    sizes: Annotated[
        str | None,
        model_option(
            help="Chip sizes in pixels, one after another over the epochs; the model is made for "
            "the last. The seed system takes one.",
            show_default=f"from the recipe; {','.join(map(str, TrainConfig.sizes))} in default, "
            "64 in seed",
            metavar="S[,S...]",
        ),
    ] = None,
    allow_download: Annotated[
        bool | None,
        model_option(
            "--allow-download",
            help="Let --init torchvision download its weights.",
            show_default=False,
        ),
    ] = None,
    device: Device = "auto",
    threads: Annotated[
        int | None,
        model_option(
            help="Number of threads on the CPU. Fewer may be faster if other programs use the "
            "processors.",
            show_default="chosen by PyTorch",
        ),
    ] = None,
    tensorboard: Annotated[
        bool | None,
        output_option(
            "--tensorboard/--no-tensorboard",
            help="Write TensorBoard event files into the run folder.",
            show_default="from the recipe; off in default",
        ),
    ] = None,
    json_output: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Train an age-and-gender model on a prepared set.

    Writes weights with their cards (best.safetensors, last.safetensors), the settings
    (config.toml), metrics (metrics.jsonl, summary.csv), charts (curves.png, sample_batch.png) and
    a checkpoint into the run folder. You can stop it at any time: the same command with the same
    --run resumes it.
    """
    with session(quiet=quiet, debug=debug) as reporter:
        from utkage.training.recipes import resolve_recipe

        options = {
            "system": system,
            "epochs": epochs,
            "batch_size": batch_size,
            "learning_rate": learning_rate,
            "seed": seed,
            "gender_width": gender_width,
            "range_feed": range_feed,
            "vgg_face_weights": None if vgg_face_weights is None else str(vgg_face_weights),
            "backbone": backbone,
            "init": init,
            "sizes": _chip_sizes(sizes),
            "allow_download": allow_download,
            "tensorboard": tensorboard,
        }
        recipe = resolve_recipe(
            config, assignments=assignments or (), options=options, device=device
        )
        if print_config:
            if json_output:
                print_json(recipe.to_tables())
            else:
                typer.echo(recipe.to_toml(), nl=False)
            return

        reporter.info("loading PyTorch")
        from utkage.training.train import request_of, train

        command = shlex.join(["utkage", *sys.argv[1:]])
        request = request_of(
            recipe, data=data, run=run, device=device, command=command, threads=threads
        )
        if dry_run:
            from utkage.cli.dry_run import dry_run_table
            from utkage.training.dry_run import dry_run as estimate_cost

            cost = estimate_cost(request, reporter)
            if json_output:
                print_json(cost.to_dict())
            else:
                print_table(dry_run_table(cost))
            return
        if seeds is not None:
            from utkage.training.repeat import train_seeds

            repeated = train_seeds(request, seeds, reporter)
            if json_output:
                print_json(repeated.to_dict())
            else:
                from utkage.cli.seeds_table import seeds_table

                print_table(seeds_table(repeated))
            return
        from utkage.training.summary import error_text

        result = train(request, reporter)
        if not result.is_first:
            return
        if json_output:
            print_json(result.to_dict())
        else:
            print_text(
                f"{result.best}: validation {error_text(result.epochs[result.best_epoch - 1])} "
                f"(epoch {result.best_epoch})"
            )


def _chip_sizes(sizes: str | None) -> tuple[int, ...] | None:
    try:
        return None if sizes is None else tuple(int(size) for size in sizes.split(","))
    except ValueError:
        raise ConfigError(f"--sizes {sizes}: give whole numbers, such as 128,160") from None
