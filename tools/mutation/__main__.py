"""Change the code in small ways, and count the changes that its own tests notice.

    python -m tools.mutation                     all areas; half an hour to two hours
    python -m tools.mutation --sample 100        so many mutants of each area, chosen at random
    python -m tools.mutation --print             without writing the table into the documents
    python -m tools.mutation --least 85          exit with 1 if an area has fewer percent

Needs mutmut 3 (`pip install -e '.[mutation]'`) and a system with fork. A repeated run tries only
what no test has caught before. In that folder, `mutmut show NAME` shows what a mutant changes.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from tools.documents import ROOT, Block, markdown, publish
from tools.mutation.areas import AREAS
from tools.mutation.run import Mutant, counts, modules_text, run_mutants
from tools.program import new_app, run_app
from utkage.core.errors import UsageError
from utkage.reporting.table import Cell

PROGRAM = "tools.mutation"
app = new_app(__doc__)


@app.command(help=__doc__)
def mutation(
    folder: Annotated[Path, typer.Option(help="where the mutants lie")] = ROOT / "build/mutation",
    processes: Annotated[int, typer.Option(help="mutants to try at the same time")] = 2,
    sample: Annotated[int | None, typer.Option(help="mutants of each area; default: all")] = None,
    least: Annotated[float, typer.Option(help="least share of caught mutants, percent")] = 85.0,
    print_only: Annotated[bool, typer.Option("--print", help="write no document")] = False,
) -> None:
    """Run all mutants, and write the table."""
    if find_spec("mutmut") is None:
        raise UsageError("mutmut is not installed; run: pip install -e '.[mutation]'")
    mutants = run_mutants(folder, processes, sample)
    for mutant in mutants:
        if not mutant.is_caught:
            print(f"survived: {mutant.name}")
    publish([_block(mutants, sample, version("mutmut"))], PROGRAM, write=not print_only)
    shares = [100 * caught / total for total, caught in counts(mutants).values()]
    raise typer.Exit(int(min(shares, default=0.0) < least))


def _block(mutants: list[Mutant], sample: int | None, of_mutmut: str) -> Block:
    found = counts(mutants)
    rows: list[Sequence[Cell | str]] = []
    for area in AREAS:
        total, caught = found.get(area.name, (0, 0))
        share = f"{caught / total:.1%}" if total else "-"
        rows.append([area.name, modules_text(area), str(total), str(caught), share])
    total, caught = (sum(pair[place] for pair in found.values()) for place in (0, 1))
    share = f"{caught / total:.1%}" if total else "-"
    rows.append(["all", "", str(total), str(caught), share])
    text = markdown(["area", "modules", "mutants tried", "caught", "share"], rows)
    of_area = "all mutants" if sample is None else f"up to {sample} mutants of each area at random"
    origin = f"mutmut {of_mutmut}, {of_area}"
    return Block("reliability.md", "mutation", text, origin)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    return run_app(app, PROGRAM, arguments)


if __name__ == "__main__":
    sys.exit(main())
