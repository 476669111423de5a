"""Measure the stages of predict, and simulate many nodes from their times.

python -m tools.scale rates --write     measure here; writes rates.json and a table
python -m tools.scale plan --write      simulate 1 to 1,000 nodes from rates.json
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from tools.documents import ROOT, Block, markdown, publish
from tools.program import new_app, run_app
from tools.scale.model import Plan, closed_form, simulate
from tools.scale.rates import STAGES, StageTimes, measure
from utkage.core.files import write_text
from utkage.images.discover import expand_inputs

PROGRAM = "tools.scale"
RATES = Path(__file__).with_name("rates.json")
SIDES = (640, 1280, 2400)
NODES = (1, 10, 100, 1000)
app = new_app(__doc__)
Write = Annotated[bool, typer.Option("--write", help="write the table into docs/scale.md")]


@app.command()
def rates(
    photos: Annotated[Path, typer.Option(help="folder of photographs")] = ROOT / "examples",
    count: Annotated[int, typer.Option(help="number of photographs")] = 12,
    rounds: Annotated[int, typer.Option(help="interleaved rounds")] = 5,
    write: Write = False,
) -> None:
    """Measure decoding, detection, cropping and the network, each alone."""
    files = expand_inputs([photos])[:count]
    found = measure(files, SIDES, rounds)
    if write:
        write_text(RATES, json.dumps([asdict(own) for own in found], indent=1) + "\n")
    rows = [
        (
            str(own.long_side),
            str(own.threads),
            f"{own.picture_bytes / 1000:.0f}",
            *(f"{1000 * own.seconds[stage]:.1f}" for stage in STAGES),
            f"{own.threads / own.total:.1f}",
            f"{1e6 * own.total / 3600:.0f}",
        )
        for own in found
    ]
    columns = (
        "long side",
        "threads",
        "kB",
        *(f"{stage}, ms" for stage in STAGES),
        "pictures a second",
        "core-hours a million",
    )
    faces = sum(own.faces for own in found) / len(found)
    origin = (
        f"{len(files)} photographs with {faces:.1f} faces each on average, scaled, as JPEG; "
        f"medians of {rounds} interleaved rounds; milliseconds of processor time for a picture"
    )
    publish([Block("scale.md", "rates", markdown(columns, rows), origin)], PROGRAM, write=write)


@app.command()
def plan(
    side: Annotated[int, typer.Option(help="long side of the pictures, one of the measured")] = 640,
    pictures: Annotated[int, typer.Option(help="number of pictures")] = 10_000_000,
    cores: Annotated[int, typer.Option(help="cores of a node")] = 16,
    shard: Annotated[int, typer.Option(help="pictures in a shard")] = 1000,
    start: Annotated[float, typer.Option(help="seconds until a node works")] = 60.0,
    gigabits: Annotated[float, typer.Option(help="of the link that all nodes share")] = 10.0,
    mean_hours: Annotated[float, typer.Option(help="between failures of a node")] = 100.0,
    write: Write = False,
) -> None:
    """Simulate the prediction of many pictures on 1 to 1,000 nodes."""
    times = [StageTimes(**own) for own in json.loads(RATES.read_text(encoding="utf-8"))]
    # Cores that are all busy share caches and memory, as the threads of the last rows do.
    own = [found for found in times if found.long_side == side][-1:]
    if not own:
        raise typer.BadParameter(f"no rates for {side} pixels; run: python -m {PROGRAM} rates")
    rows = []
    for nodes in NODES:
        planned = Plan(
            pictures=pictures,
            picture_bytes=own[0].picture_bytes,
            shard=shard,
            core_seconds=own[0].total,
            nodes=nodes,
            cores=cores,
            start_seconds=start,
            link_bytes=gigabits * 1e9 / 8,
            mean_hours=mean_hours,
        )
        outcome = simulate(planned)
        rows.append(
            (
                f"{nodes:,}",
                f"{outcome.hours:.2f}",
                f"{closed_form(planned):.2f}",
                f"{cores * outcome.node_hours:,.0f}",
                f"{outcome.lost:,}",
                "link" if planned.read_seconds * nodes > planned.shard_seconds else "cores",
            )
        )
    columns = ("nodes", "hours", "closed form", "core-hours", "shards repeated", "bound by")
    origin = (
        f"Simulated, not run: {pictures:,} pictures of {side} pixels "
        f"({own[0].picture_bytes / 1000:.0f} kB, {own[0].faces:.1f} faces), shards of {shard:,}, "
        f"{cores} cores a node, {start:.0f} s to start, {gigabits:g} Gbit/s for all nodes, "
        f"a failure every {mean_hours:g} hours of a node"
    )
    publish([Block("scale.md", "plan", markdown(columns, rows), origin)], PROGRAM, write=write)


if __name__ == "__main__":
    sys.exit(run_app(app, PROGRAM))
