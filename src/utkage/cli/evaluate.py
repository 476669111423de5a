"""``utkage evaluate``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from utkage.cli.options import (
    DATA,
    OUTPUT,
    Aligned,
    Debug,
    Device,
    Flip,
    Json,
    Labels,
    Quiet,
    WeightsChoice,
    parse_aligned,
)
from utkage.cli.session import session
from utkage.core.errors import ConfigError

if TYPE_CHECKING:
    from utkage.core.reporter import Reporter
    from utkage.workflows.calibrate import CalibrateRequest
    from utkage.workflows.evaluate import EvaluateResult

CALIBRATION = "Calibration"
SHOWN_LEVELS = (0.5, 0.8, 0.9, 0.95)


def evaluate_command(
    data: Annotated[
        Path,
        typer.Option(
            "--data",
            help="A prepared set, or a folder or archive of labelled chips.",
            rich_help_panel=DATA,
        ),
    ] = Path("prepared"),
    split: Annotated[
        str | None,
        typer.Option(
            help="train, val, test or all of a prepared set.",
            rich_help_panel=DATA,
            show_default="test; val with --calibrate",
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(help="Only this source of a prepared set.", rich_help_panel=DATA),
    ] = None,
    labels: Labels = None,
    aligned: Aligned = "auto",
    allow_seen: Annotated[
        bool,
        typer.Option(
            "--allow-seen",
            help="Score pictures that the weights learned from, instead of refusing.",
            rich_help_panel=DATA,
        ),
    ] = False,
    weights: WeightsChoice = "auto",
    device: Device = "auto",
    flip: Flip = True,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for the report.", rich_help_panel=OUTPUT)
    ] = Path("evaluation"),
    plot_cm: Annotated[
        bool,
        typer.Option(
            "--plot-cm",
            help="Draw the confusion matrix of the age ranges.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    calibrate: Annotated[
        bool,
        typer.Option(
            "--calibrate",
            help="Fit temperatures and age intervals to validation faces and keep them in the "
            "weights, instead of scoring.",
            rich_help_panel=CALIBRATION,
        ),
    ] = False,
    out_weights: Annotated[
        Path | None,
        typer.Option(
            "--out-weights",
            help="Where --calibrate writes.",
            rich_help_panel=CALIBRATION,
            show_default="the weights file itself",
        ),
    ] = None,
    json_output: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Measure age and gender errors on labelled faces.

    Writes metrics.json, predictions.csv and, with --plot-cm, confusion_matrix.png.
    """
    with session(quiet=quiet, debug=debug) as reporter:
        from utkage.data.sources.options import SourceOptions
        from utkage.workflows.calibrate import CalibrateRequest
        from utkage.workflows.evaluate import EvaluateRequest, evaluate
        from utkage.workflows.labelled_faces import FaceChoice

        options = SourceOptions(labels=labels, aligned=parse_aligned(aligned))
        if calibrate:
            faces = FaceChoice(data, split or "val", source, allow_seen, options)
            _calibrate(
                CalibrateRequest(faces, weights, device, flip, out_weights), json_output, reporter
            )
            return
        if out_weights is not None:
            raise ConfigError("--out-weights is for --calibrate")
        result = evaluate(
            EvaluateRequest(
                data=data,
                split=split or "test",
                weights=weights,
                device=device,
                flip=flip,
                source=source,
                allow_seen=allow_seen,
                options=options,
                out=out,
                plot_cm=plot_cm,
            ),
            reporter,
        )
        if json_output:
            typer.echo(json.dumps(result.to_dict(), indent=2))
        else:
            _print_table(result)


def _calibrate(request: CalibrateRequest, json_output: bool, reporter: Reporter) -> None:
    import numpy as np
    from rich.console import Console
    from rich.table import Table

    from utkage.workflows.calibrate import calibrate

    result = calibrate(request, reporter)
    if json_output:
        typer.echo(json.dumps(result.to_dict(), indent=2))
        return
    found = result.calibration
    table = Table("predicted age", "n", *(f"{level:.0%} asks" for level in SHOWN_LEVELS))
    table.title = f"calibration in {result.out.name}"
    for index, band in enumerate(found.bands):
        age = np.array([band.first])
        asked = [found.asked_level(level, age)[0] for level in SHOWN_LEVELS]
        pooled = " (levels of all)" if band.pooled else ""
        end = found.bands[index + 1].first if index + 1 < len(found.bands) else None
        name = f"{band.first:.0f} and up" if end is None else f"{band.first:.0f} to {end:.0f}"
        table.add_row(name, f"{band.n}{pooled}", *(f"{level:.1%}" for level in asked))
    Console().print(table)
    print(f"gender temperature: {found.gender_temperature:.3f}")
    print(f"range temperature: {found.range_temperature:.3f}")
    print(f"weights: {result.out}")


def _print_table(result: EvaluateResult) -> None:
    from rich.console import Console
    from rich.table import Table

    metrics = result.metrics
    where = f"{result.data}" + (f", {result.split} split" if result.split else "")
    table = Table("", "value", "n", title=f"{result.weights.name} on {where}")

    def row(name: str, value: float | None, n: int, format_: str) -> None:
        table.add_row(name, "-" if value is None else format(value, format_), str(n))

    row("MAE, years", metrics.mae, metrics.n, ".2f")
    row("MAE of ages 21-60, years", metrics.mae_21_60, metrics.n_21_60, ".2f")
    row("MAE of always answering the median age", metrics.baseline_mae, metrics.n, ".2f")
    if result.oracle_mae is not None:
        row("oracle: MAE with the true range fed in", result.oracle_mae, metrics.n, ".2f")
        row("oracle: median of the true range", metrics.oracle_median_mae, metrics.n, ".2f")
    row("bias, years", metrics.bias, metrics.n, "+.2f")
    row("CS@5", metrics.cs5, metrics.n, ".1%")
    row("range accuracy, nine ranges", metrics.range_accuracy, metrics.n, ".1%")
    row("gender accuracy, all ages", metrics.gender_accuracy, metrics.n, ".1%")
    row("gender accuracy, 16 and older", metrics.gender_accuracy_16plus, metrics.n_16plus, ".1%")
    row(
        f"age in its {metrics.interval_level:.0%} interval",
        metrics.interval_coverage,
        metrics.n,
        ".1%",
    )
    for source, own in result.sources.items():
        row(f"MAE of {source}, years", own.mae, own.n, ".2f")
        row(f"gender accuracy of {source}", own.gender_accuracy, own.n, ".1%")
    Console().print(table)
    if result.oracle_mae is not None:
        from utkage.engines.evaluation.oracle import ORACLE_WORDS

        print(ORACLE_WORDS)
    for kind, path in result.files.items():
        print(f"{kind.replace('_', ' ')}: {path}")
