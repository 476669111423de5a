"""Search for inputs that readers do not expect, guided by the code that they reach.

    python -m tools.fuzz.guided                          every reader, ten minutes each
    python -m tools.fuzz.guided card rows --seconds 60   these readers
    python -m tools.fuzz.guided card --input FILE        read one file again

It needs atheris (`pip install atheris`; Linux and macOS). A reader fails if it raises anything
else than an error of utkage, takes over ten seconds, or uses over 1.5 GB. The first failure of a
reader ends its search, and its input is kept.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from tools.fuzz.campaign import Count
from tools.fuzz.counts import record
from tools.program import new_app, run_app

PROGRAM = "tools.fuzz.guided"
READER_NAMES = ("picture", "name", "card", "rows", "archive")
_LIMITS = ("-timeout=10", "-rss_limit_mb=1500", "-max_len=200000", "-print_final_stats=1")
# Seconds that a search may take beyond its time, to start and to end on a busy machine.
_LATE = 300.0
_SHOWN_LINES = 40
# Modules must be imported there to be watched.
_SEARCH = """
import atheris
with atheris.instrument_imports(include=["utkage", "zipfile", "tarfile"]):
    from tools.fuzz.readers import search
search("{name}")
"""
app = new_app(__doc__)


@app.command(help=__doc__)
def guided(
    names: Annotated[list[str] | None, typer.Argument(help="readers; default: all")] = None,
    seconds: Annotated[int, typer.Option(help="time for each reader")] = 600,
    seed: Annotated[int, typer.Option(help="seed of the search")] = 1,
    keep_counts: Annotated[
        bool, typer.Option("--record", help="add the counts to tools/fuzz/counts.json")
    ] = False,
    keep: Annotated[Path, typer.Option(help="folder for inputs that failed")] = Path("fuzz-found"),
    read: Annotated[Path | None, typer.Option("--input", help="read only this file")] = None,
) -> None:
    """Search for each reader, one after the other."""
    if unknown := sorted(set(names or ()) - set(READER_NAMES)):
        known = ", ".join(READER_NAMES)
        raise typer.BadParameter(f"no reader named {', '.join(unknown)}; there are {known}")
    if read is not None:
        from tools.fuzz.readers import read_expected

        for name in names or READER_NAMES:
            read_expected(name, read.read_bytes())
        return
    failed = 0
    for name in names or READER_NAMES:
        count = _search(name, seconds, seed, keep)
        print(count, flush=True)
        if keep_counts:
            record(count, PROGRAM)
        failed += count.failed if count.trials else 1
    raise typer.Exit(int(failed > 0))


def _search(name: str, seconds: int, seed: int, keep: Path) -> Count:
    """Search in a process of its own, because the library ends it."""
    count = Count(f"guided: {name}", seed)
    keep.mkdir(parents=True, exist_ok=True)
    before = set(keep.iterdir())
    options = (f"-max_total_time={seconds}", f"-seed={seed}", f"-artifact_prefix={keep}/{name}-")
    code = _SEARCH.format(name=name)
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code, *_LIMITS, *options],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=seconds + _LATE,
        check=False,
    )
    count.slowest = _statistic("slowest_unit_time_sec", done.stderr)
    count.trials = _statistic("number_of_executed_units", done.stderr)
    count.peak = _statistic("peak_rss_mb", done.stderr) << 20
    for found in sorted(set(keep.iterdir()) - before):
        count.problems[found.name.split("-")[1]] += 1
        print(f"-- {name}: {found}")
    if done.returncode or not count.trials:
        seconds_spent = time.monotonic() - began
        print(f"-- {name}: exit code {done.returncode} after {seconds_spent:.0f} s")
        print("\n".join((done.stdout + done.stderr).splitlines()[-_SHOWN_LINES:]), flush=True)
    return count


def _statistic(name: str, text: str) -> int:
    found = re.search(rf"stat::{name}:\s*(\d+)", text)
    return int(found[1]) if found else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    return run_app(app, PROGRAM, arguments)


if __name__ == "__main__":
    sys.exit(main())
