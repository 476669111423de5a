"""Field names in messages of the library become the options of the command that is running."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Annotated, Any

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from utkage.cli.console import ConsoleReporter
from utkage.cli.option_names import as_options
from utkage.cli.session import session
from utkage.cli.tables import print_table
from utkage.core import line_reporter
from utkage.core.errors import ConfigError
from utkage.reporting.table import Table

Flag = Annotated[bool, typer.Option("--flip/--no-flip")]


def _in_a_command(action: Callable[[], None], *, with_set: bool = False) -> Any:
    app = typer.Typer()

    @app.command()
    def plain(
        out: Annotated[str, typer.Option("--out", "-o")] = "",
        batch_size: int = 2,
        resume: Annotated[bool, typer.Option("--resume")] = False,
        json_output: Annotated[bool, typer.Option("--json")] = False,
        flip: Flag = True,
    ) -> None:
        action()

    @app.command()
    def settable(assignments: Annotated[list[str], typer.Option("--set")] = []) -> None:  # noqa: B006
        action()

    return CliRunner().invoke(app, ["settable" if with_set else "plain"])


def _translated(message: str, *, with_set: bool = False) -> str:
    found: list[str] = []
    result = _in_a_command(lambda: found.append(as_options(message)), with_set=with_set)
    assert result.exit_code == 0, result.output
    return found[0]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("`batch_size` 1: use 2 or more", "--batch-size 1: use 2 or more"),
        ("use `batch_size=2`", "use --batch-size 2"),
        ("continue with `resume=True`", "continue with --resume"),
        ("export with `flip=False`", "export with --no-flip"),
        ("export with `flip=True`", "export with --flip"),
        ("`out` x.txt: the ending", "--out x.txt: the ending"),
        ("print `json`", "print --json"),
        ("`unknown` is out of range", "unknown is out of range"),
        ("use `unknown=3`", "use unknown=3"),
        ("a file called `A b`", "a file called `A b`"),
        ("nothing to replace", "nothing to replace"),
        ("`out` and `flip=False` together", "--out and --no-flip together"),
    ],
)
def test_fields_become_options(message: str, expected: str) -> None:
    assert _translated(message) == expected


def test_fields_without_an_option_are_set_where_the_command_can() -> None:
    assert _translated("use `warmup_steps=0`", with_set=True) == "use --set warmup_steps=0"
    assert _translated("`warmup_steps` -1: use 0", with_set=True) == "warmup_steps -1: use 0"


def test_outside_of_a_command_only_the_backticks_go() -> None:
    assert as_options("`flip=False` and `out`") == "flip=False and out"


def _fail() -> None:
    with session():
        raise ConfigError("`batch_size` 0: use `batch_size=2`")


def test_errors_name_options() -> None:
    result = _in_a_command(_fail)
    assert result.exit_code == 2
    assert result.stderr.strip() == "error: --batch-size 0: use --batch-size 2"


@pytest.mark.parametrize("terminal", [False, True])
def test_messages_progress_and_tables_name_options(
    terminal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_reporter, "LINE_SECONDS", 0.0)
    stream = io.StringIO()
    console = Console(file=stream, width=120, force_terminal=terminal)

    def action() -> None:
        reporter = ConsoleReporter(console, quiet=False)
        reporter.info("info `out`")
        reporter.warn("warn `flip=False`")
        with reporter.progress("label `resume`", 4) as task:
            task.advance(1, "note `json`")
        print_table(
            Table.of("title `out`", ("a",), [["cell `flip=False`"]], note="below `resume`"), console
        )

    assert _in_a_command(action).exit_code == 0
    printed = stream.getvalue()
    assert "`" not in printed
    for expected in (
        *("info --out", "warning: warn --no-flip", "label --resume", "note --json"),
        *("title --out", "cell --no-flip", "below --resume"),
    ):
        assert expected in printed


def test_rows_of_predict_name_options(invoke: Callable[..., Any], tmp_path: Any) -> None:
    (tmp_path / "list.txt").write_text("https://example.org/face.jpg\n")
    stdin = (tmp_path / "list.txt").read_bytes()
    from utkage.cli.app import app

    arguments = ["predict", "-", "--json", "--weights", "shipped"]
    result = CliRunner().invoke(app, arguments, input=stdin)
    assert result.exit_code == 3
    (row,) = json.loads(result.stdout)
    assert "--allow-download" in row["reason"]
    assert "`" not in row["reason"]
