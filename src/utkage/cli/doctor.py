"""``utkage doctor``."""

from __future__ import annotations

import typer

from utkage.cli.options import Debug, Json, Quiet
from utkage.cli.session import session
from utkage.cli.tables import print_json
from utkage.reporting.table import markdown_table


def doctor_command(json_output: Json = False, quiet: Quiet = False, debug: Debug = False) -> None:
    """Print versions, devices, codecs and free space as Markdown, for a report of a fault.

    Read it before you publish it: it names folders, but not your home folder. Nothing is sent.
    """
    with session(quiet=quiet, debug=debug) as reporter:
        from utkage.prediction.diagnosis import diagnose

        reporter.info("collecting; importing PyTorch takes some seconds")
        tables = diagnose()
        if json_output:
            print_json(
                {table.title: {row[0].text: row[1].text for row in table.rows} for table in tables}
            )
            return
        for number, table in enumerate(tables):
            typer.echo(f"{'' if number == 0 else chr(10)}### {table.title}\n")
            typer.echo(markdown_table(table))
