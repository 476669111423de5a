"""``utkage runs``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from utkage.cli.choices import choices
from utkage.cli.options import Debug, Json, Quiet, output_option
from utkage.cli.session import session
from utkage.cli.tables import print_json, print_table, print_text
from utkage.reporting.table import Cell, Table

if TYPE_CHECKING:
    from utkage.training.runs import Comparison, Run


def runs_command(
    folder: Annotated[Path, typer.Argument(help="Folder of the run folders.")] = Path("runs"),
    compare: Annotated[
        tuple[str, str] | None,
        output_option(
            help="Compare two runs (folders, or their names below FOLDER), TOML files or recipes: "
            "the settings that differ, and the best metrics side by side.",
            show_default=False,
            metavar="A B",
        ),
    ] = None,
    sort: Annotated[
        str,
        output_option(
            help="Order of the runs; mae and gender: the best first.",
            **choices("started", "name", "mae", "gender", "epochs", "data"),
        ),
    ] = "started",
    json_output: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """List runs with their best metrics, or compare two trainings."""
    with session(quiet=quiet, debug=debug):
        from utkage.training.runs import compare_runs, list_runs, sorted_runs

        if compare is not None:
            comparison = compare_runs(*compare, folder)
            if json_output:
                print_json(comparison.to_dict())
            else:
                _print_comparison(comparison)
            return
        runs = sorted_runs(list_runs(folder), sort)
        if json_output:
            print_json([run.to_dict() for run in runs], ensure_ascii=False)
        else:
            _print_runs(runs, folder)


def _print_runs(runs: tuple[Run, ...], folder: Path) -> None:
    columns = ("run", "state", "model", "data", "epochs", "MAE (epoch)", "gender", "started")
    rows = [
        (
            Cell(run.name, is_path=True),
            run.state,
            " ".join(filter(None, (run.system, run.backbone))) or "-",
            run.data or "-",
            f"{run.epochs_done}/{'?' if run.epochs is None else run.epochs}",
            "-" if run.best_mae is None else f"{run.best_mae:.2f} ({run.best_epoch})",
            "-" if run.gender_accuracy is None else f"{run.gender_accuracy:.1%}",
            (run.started or "-")[:16].replace("T", " "),
        )
        for run in runs
    ]
    print_table(Table.of(f"{folder}: validation MAE of the best epoch, years", columns, rows))
    for run in runs:
        if run.note:
            print_text(f"{run.name}: {run.note}")


def _print_comparison(comparison: Comparison) -> None:
    for title, values in (
        ("settings that differ", comparison.settings),
        ("best epoch", comparison.figures),
    ):
        if not values:
            print_text(f"{title}: none")
            continue
        rows = [(name, *map(_format_value, pair)) for name, pair in values.items()]
        print_table(Table.of(title, ("", *comparison.names), rows))


def _format_value(value: Any) -> str:
    if value is None:
        return "-"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
