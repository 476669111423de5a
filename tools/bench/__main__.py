"""Measure speed and memory against bars; exit with 1 if one is missed.

    python -m tools.bench                                   all benchmarks
    python -m tools.bench evaluation engines                only these
    python -m tools.bench data --source UTKFace.tar.gz      with real pictures

data        prepare and batches from the store, against bare Pillow (needs --source)
training    augmentation and the training loop, against bare steps
evaluation  evaluation against the bare session, its memory, and the bootstrap
engines     formats and precisions against bare ONNX Runtime
predict     predict against the bound of its stages, a plain loop, and its memory

Speeds are ratios of interleaved rounds on this machine, because machines differ. On a machine with
other work, set OMP_WAIT_POLICY=passive: two threads would wait for each other more than they
compute. --quick takes small inputs and few rounds, shows that everything runs, and exits with 0.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tools.bench import data, engines, evaluation, predict, training
from tools.bench.benchmark import Benchmark, BenchOptions, BenchResult
from tools.documents import ROOT, write_blocks
from tools.program import new_parser, run_program, shown_command

BENCHMARKS: dict[str, Benchmark] = {
    "data": data.bench,
    "training": training.bench,
    "evaluation": evaluation.bench,
    "engines": engines.bench,
    "predict": predict.bench,
}


def main() -> int:
    """Run benchmarks, one after the other."""
    parser = new_parser("tools.bench", __doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="which ones; default: all")
    parser.add_argument("--source", type=Path, help="archive or folder of aligned chips")
    parser.add_argument("--photos", type=Path, default=ROOT / "examples", help="photographs")
    parser.add_argument("--count", type=int, default=64, help="number of photographs")
    parser.add_argument("--quick", action="store_true", help="only show that everything runs")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/")
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(BENCHMARKS))
    if unknown:
        parser.error(f"no benchmark named {', '.join(unknown)}")
    missed = 0

    def run() -> None:
        nonlocal missed
        missed = run_benchmarks(options.names or list(BENCHMARKS), options)

    code = run_program(run)
    if missed:
        print(f"{missed} below the bar" + (" (not counted: --quick)" if options.quick else ""))
    return code or int(missed > 0 and not options.quick)


def run_benchmarks(names: list[str], options: argparse.Namespace) -> int:
    """Run the named benchmarks, print their numbers, and count the missed bars."""
    chosen = BenchOptions(
        source=options.source, photos=options.photos, count=options.count, quick=options.quick
    )
    missed = 0
    for name in names:
        result = BENCHMARKS[name](chosen)
        missed += _print_result(name, result)
        if options.write:
            for document, blocks in result.blocks.items():
                write_blocks(document, blocks, shown_command("tools.bench", sys.argv[1:]))
    return missed


def _print_result(name: str, result: BenchResult) -> int:
    """Print what a benchmark found, and count the missed bars."""
    print(f"== {name}")
    for measurement in result.measurements:
        print(measurement)
    for blocks in result.blocks.values():
        for block in blocks.values():
            print(f"\n{block.text}\n")
    sys.stdout.flush()
    return sum(not measurement.passed for measurement in result.measurements)


if __name__ == "__main__":
    sys.exit(main())
