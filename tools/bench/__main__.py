"""Measure speed and memory against bars; exit with 1 if one is missed.

    python -m tools.bench                                   all benchmarks
    python -m tools.bench evaluation engines                only these
    python -m tools.bench data --source UTKFace.tar.gz      with real pictures

near        how the search for near-duplicates grows (needs --source, a prepared set)
near-recall  the pairs that it finds, of all pairs (needs the same)
data        prepare and batches from the store, against bare Pillow (needs --source)
training    augmentation and the training loop, against bare steps
evaluation  evaluation against the bare session, its memory, and the bootstrap
engines     formats and precisions against bare ONNX Runtime
predict     predict against the bound of its stages, a plain loop, and its memory
serve       a server against predict on the same photographs, and times under load
serve-memory  memory of a server over ten thousand requests

Speeds are ratios of interleaved rounds on this machine, because machines differ. On a machine with
other work, set OMP_WAIT_POLICY=passive: two threads would wait for each other more than they
compute.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from tools.bench import data, engines, evaluation, near, predict, serve, training
from tools.bench.benchmark import Benchmark, BenchOptions
from tools.documents import ROOT, publish
from tools.program import new_app, run_app

PROGRAM = "tools.bench"
BENCHMARKS: dict[str, Benchmark] = {
    "data": data.bench,
    "near": near.bench,
    "near-recall": near.bench_recall,
    "training": training.bench,
    "evaluation": evaluation.bench,
    "engines": engines.bench,
    "predict": predict.bench,
    "serve": serve.bench,
    "serve-memory": serve.bench_memory,
}
app = new_app(__doc__)


@app.command(help=__doc__)
def run_benchmarks(
    names: Annotated[list[str] | None, typer.Argument(help="which ones; default: all")] = None,
    source: Annotated[Path | None, typer.Option(help="archive or folder of aligned chips")] = None,
    photos: Annotated[Path, typer.Option(help="folder of photographs")] = ROOT / "examples",
    count: Annotated[int, typer.Option(help="number of photographs")] = 64,
    quick: Annotated[
        bool, typer.Option("--quick", help="small inputs, few rounds; always exit with 0")
    ] = False,
    write: Annotated[bool, typer.Option("--write", help="write the tables into docs/")] = False,
) -> None:
    """Run benchmarks, one after the other."""
    unknown = sorted(set(names or ()) - set(BENCHMARKS))
    if unknown:
        raise typer.BadParameter(f"no benchmark named {', '.join(unknown)}")
    if quick and write:
        raise typer.BadParameter("--quick measures too little for the documents; leave out --write")
    options = BenchOptions(source=source, photos=photos, count=count, quick=quick)
    missed = 0
    for name in names or BENCHMARKS:
        result = BENCHMARKS[name](options)
        print(f"== {name}", *result.measurements, sep="\n", flush=True)
        publish(result.blocks, PROGRAM, write=write)
        missed += sum(not measurement.passed for measurement in result.measurements)
    if missed:
        print(f"{missed} below the bar" + (" (not counted: --quick)" if quick else ""))
    raise typer.Exit(int(missed > 0 and not quick))


def main() -> int:
    """Run the command."""
    return run_app(app, PROGRAM)


if __name__ == "__main__":
    sys.exit(main())
