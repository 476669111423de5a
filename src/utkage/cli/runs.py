"""``utkage runs``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from utkage.cli.options import OUTPUT, Debug, Json, Quiet
from utkage.cli.session import session

if TYPE_CHECKING:
    from utkage.training.runs import Comparison, Run


def runs_command(
    folder: Annotated[Path, typer.Argument(help="Where the runs lie.")] = Path("runs"),
    compare: Annotated[
        tuple[str, str] | None,
        typer.Option(
            help="Two runs (folders, or their names below FOLDER), TOML files or recipes: which "
            "settings differ, and the best numbers side by side.",
            show_default=False,
            rich_help_panel=OUTPUT,
            metavar="A B",
        ),
    ] = None,
    json_output: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """List what was trained with its best numbers, or compare two trainings."""
    with session(quiet=quiet, debug=debug):
        from utkage.training.runs import compare_runs, list_runs

        if compare is not None:
            comparison = compare_runs(*compare, folder)
            if json_output:
                typer.echo(json.dumps(comparison.to_dict(), indent=2))
            else:
                _print_comparison(comparison)
            return
        runs = list_runs(folder)
        if json_output:
            typer.echo(json.dumps([run.to_dict() for run in runs], indent=2, ensure_ascii=False))
        else:
            _print_runs(runs, folder)


def _print_runs(runs: tuple[Run, ...], folder: Path) -> None:
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    table = Table(
        Column("run", overflow="fold"),
        Column("state", no_wrap=True),
        Column("model", overflow="fold"),
        Column("epochs", no_wrap=True),
        "MAE (epoch)",
        Column("gender", no_wrap=True),
        "started",
        title=f"{folder}: best by validation MAE, years",
    )
    for run in runs:
        best = "-" if run.best_mae is None else f"{run.best_mae:.2f} ({run.best_epoch})"
        gender = "-" if run.gender_accuracy is None else f"{run.gender_accuracy:.1%}"
        table.add_row(
            Text(run.name),
            run.state,
            Text(" ".join(filter(None, (run.system, run.backbone))) or "-"),
            f"{run.epochs_done}/{'?' if run.epochs is None else run.epochs}",
            best,
            gender,
            Text((run.started or "-")[:16].replace("T", " ")),
        )
    Console().print(table)
    for run in runs:
        if run.note:
            typer.echo(f"{run.name}: {run.note}")


def _print_comparison(comparison: Comparison) -> None:
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    for title, rows in (
        ("settings that differ", comparison.settings),
        ("best", comparison.figures),
    ):
        table = Table("", *(Column(Text(name)) for name in comparison.names), title=title)
        for name, values in rows.items():
            table.add_row(Text(name), *(Text(_in_words(value)) for value in values))
        if rows:
            Console().print(table)
        else:
            typer.echo(f"{title}: none")


def _in_words(value: Any) -> str:
    if value is None:
        return "-"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
