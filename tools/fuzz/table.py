"""Write the recorded counts of the fuzzer into docs/reliability.md.

python -m tools.fuzz.table [--print]
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer

from tools.documents import Block, markdown, publish
from tools.fuzz.counts import read_counts
from tools.fuzz.kinds import KINDS, STOPS
from tools.program import new_app, run_app
from utkage.reporting.table import Cell

PROGRAM = "tools.fuzz.table"
app = new_app(__doc__)


@app.command(help=__doc__)
def table(
    print_only: Annotated[bool, typer.Option("--print", help="write no document")] = False,
) -> None:
    """Write the table."""
    publish([counts_block(read_counts())], PROGRAM, write=not print_only)


def counts_block(counts: list[dict[str, Any]]) -> Block:
    """The table of all kinds, in the order in which they were first recorded."""
    kinds = list(dict.fromkeys(row["kind"] for row in counts))
    mutating = set(KINDS) - {kind.name for kind in STOPS}
    rows = [_row(kind, [row for row in counts if row["kind"] == kind]) for kind in kinds]
    rows.append(_row("all mutated inputs", [row for row in counts if row["kind"] in mutating]))
    text = markdown(
        [
            *("kind", "seeds", "trials", "problems", "at first"),
            *("slowest trial, s", "peak memory, GB"),
        ],
        rows,
    )
    dates = sorted({row["date"] for row in counts})
    commands = ", ".join(dict.fromkeys(f"`{row['command']}`" for row in counts))
    machines = ", ".join(dict.fromkeys(f"{row['machine']}" for row in counts))
    origin = f"Campaigns of {' to '.join(dict.fromkeys((dates[0], dates[-1])))} on {machines}, "
    return Block(
        "reliability.md", "fuzz", text, f"{origin}which other programs used too: {commands}"
    )


def _row(kind: str, counts: list[dict[str, Any]]) -> Sequence[Cell | str]:
    return [
        kind,
        ", ".join(map(str, sorted({row["seed"] for row in counts}))),
        f"{sum(row['trials'] for row in counts):,}",
        _problems(row["problems"] for row in counts),
        _problems(row.get("problems_before", row["problems"]) for row in counts),
        f"{max(row['slowest_seconds'] for row in counts):.1f}",
        f"{max(row['peak_bytes'] for row in counts) / 1e9:.2f}",
    ]


def _problems(counts: Iterable[dict[str, int]]) -> str:
    problems: Counter[str] = Counter()
    for each in counts:
        problems.update(each)
    return ", ".join(f"{count} {name}" for name, count in sorted(problems.items())) or "0"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    return run_app(app, PROGRAM, arguments)


if __name__ == "__main__":
    sys.exit(main())
