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

if TYPE_CHECKING:
    from utkage.workflows.evaluate import EvaluateResult


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
        str,
        typer.Option(help="train, val, test or all of a prepared set.", rich_help_panel=DATA),
    ] = "test",
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
    json_output: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Measure age and gender errors on labelled faces.

    Writes metrics.json, predictions.csv and, with --plot-cm, confusion_matrix.png.
    """
    with session(quiet=quiet, debug=debug) as reporter:
        from utkage.data.sources.options import SourceOptions
        from utkage.workflows.evaluate import EvaluateRequest, evaluate

        result = evaluate(
            EvaluateRequest(
                data=data,
                split=split,
                weights=weights,
                device=device,
                flip=flip,
                source=source,
                allow_seen=allow_seen,
                options=SourceOptions(labels=labels, aligned=parse_aligned(aligned)),
                out=out,
                plot_cm=plot_cm,
            ),
            reporter,
        )
        if json_output:
            typer.echo(json.dumps(result.to_dict(), indent=2))
        else:
            _print_table(result)


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
