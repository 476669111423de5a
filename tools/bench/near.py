"""The search for near-duplicates: pairs found against all pairs, and how its cost grows."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tools.bench.benchmark import BenchOptions, BenchResult, Measurement
from tools.bench.made_hashes import HashModel
from tools.documents import Block, markdown
from utkage.core.process_memory import peak_memory
from utkage.data.store import ChipStore, is_prepared
from utkage.preparation.audit.band_plan import plan_bands
from utkage.preparation.audit.band_search import pairs_by_bands
from utkage.preparation.audit.exact_search import all_near_pairs, distance_shares
from utkage.preparation.audit.near_pairs import merged_pairs, near_pairs
from utkage.preparation.audit.perceptual import hash_array
from utkage.preparation.audit.resolve import MAX_DISTANCE

REAL = 20_000
COMPARED = 200_000
COUNTS = (100_000, 500_000, 2_000_000)
QUICK = (25_000, 30_000, 40_000)
# Bars: pairs found, growth of the time as a power of the number, and memory in GB.
RECALL, EXPONENT, GIGABYTES = 0.995, 1.3, 4.0
# Distances of the rows of the table, from and to.
_DISTANCES = ((0, 20), (21, 36), (37, 40), (41, 43), (44, 44))


def bench(options: BenchOptions) -> BenchResult:
    """Time the search on larger and larger sets of made hashes."""
    source = _prepared(options)
    if source is None:
        return BenchResult()
    growth, measurements = _growth(source, QUICK if options.quick else COUNTS)
    origin = f"Made after hashes of {REAL:,} pictures at most; seed 1, one thread"
    return BenchResult(measurements, [Block("data.md", "near-growth", growth, origin)])


def bench_recall(options: BenchOptions) -> BenchResult:
    """Compare the search with that of all pairs, on real and made hashes."""
    source = _prepared(options)
    if source is None:
        return BenchResult()
    real = _real_hashes(source)
    made = options.scaled(COMPARED, QUICK[0])
    measurements, rows = [], []
    for name, hashes in (
        (f"{len(real):,} real", real),
        (f"{made:,} made", HashModel(real).hashes(made, seed=1)),
    ):
        found = _found(hashes)
        if found is None:
            print(f"near: {name}: so few hashes are all compared, so none is missed")
            continue
        rows += [(name, *row) for row in found]
        share = sum(row[2] for row in found) / max(1, sum(row[1] for row in found))
        measurements.append(
            Measurement(f"near, {name}", share, "of all pairs found", at_least=RECALL)
        )
    text = markdown(("hashes", "differing bits", "pairs", "found", "share"), _shares(rows))
    origin = f"Hashes of {len(real):,} pictures, and made after them; seed 1"
    return BenchResult(measurements, [Block("data.md", "near-recall", text, origin)])


def _prepared(options: BenchOptions) -> Path | None:
    if options.source is None or not is_prepared(options.source):
        print("near: skipped, because --source is not a prepared set")
        return None
    return options.source


def _real_hashes(folder: Path) -> NDArray[np.uint8]:
    """At most ``REAL`` hashes of different pictures, in the order of their pixel hashes."""
    records = {
        row.record.pixel_hash: row.record
        for row in ChipStore.open(folder).manifest
        if not row.record.constant
    }
    return hash_array([records[name].perceptual for name in sorted(records)[:REAL]])


def _found(hashes: NDArray[np.uint8]) -> list[tuple[str, int, int]] | None:
    """Distances, number of pairs, and number of those that the bands find; None without bands."""
    plan = plan_bands(len(hashes), MAX_DISTANCE, distance_shares(hashes[:2048]))
    if plan is None:
        return None
    banded = merged_pairs([pairs for _, pairs in pairs_by_bands(hashes, MAX_DISTANCE, plan)])
    every = merged_pairs([pairs for _, pairs in all_near_pairs(hashes, MAX_DISTANCE)])
    numbers = [pairs[:, 0] * len(hashes) + pairs[:, 1] for pairs in (every, banded)]
    is_found = np.isin(numbers[0], numbers[1])
    if not np.isin(numbers[1], numbers[0]).all():
        raise RuntimeError("the search by bands has pairs that are too far apart")
    rows = []
    for first, last in _DISTANCES:
        chosen = (every[:, 2] >= first) & (every[:, 2] <= last)
        name = f"{first}-{last}" if first < last else str(first)
        rows.append((name, int(chosen.sum()), int(is_found[chosen].sum())))
    return rows


def _shares(rows: list[tuple[str, str, int, int]]) -> list[tuple[str, ...]]:
    return [
        (name, bits, f"{pairs:,}", f"{found:,}", f"{found / pairs:.4f}" if pairs else "")
        for name, bits, pairs, found in rows
    ]


def _growth(source: Path, counts: tuple[int, ...]) -> tuple[str, list[Measurement]]:
    """Seconds of processor time and peak memory of the search, each in a process of its own."""
    # The time of the smallest set, which other programs disturb most, is the mean of two: before
    # and after the others.
    runs = [_run(source, count) for count in (*counts, counts[0])]
    again = runs.pop()
    runs[0] = replace(runs[0], seconds=(runs[0].seconds + again.seconds) / 2)
    rows = [
        (
            f"{count:,}",
            str(run.tables),
            f"{run.seconds:.0f} s",
            f"{run.peak / 1e9:.2f} GB",
            f"{run.pairs:,}",
            str(run.largest),
        )
        for count, run in zip(counts, runs, strict=True)
    ]
    powers = [
        math.log(last.seconds / first.seconds) / math.log(to / start)
        for (start, first), (to, last) in [
            *pairwise(zip(counts, runs, strict=True)),
            ((counts[0], runs[0]), (counts[-1], runs[-1])),
        ]
    ]
    detail = ", ".join(
        f"{power:.2f} from {start:,} to {to:,}"
        for power, (start, to) in zip(powers, pairwise(counts), strict=False)
    )
    columns = (
        "hashes",
        "tables",
        "processor time",
        "peak memory",
        "pairs",
        "largest component",
    )
    text = (
        f"{markdown(columns, rows)}\n\nFrom {counts[0]:,} to {counts[-1]:,} hashes, the time grows "
        f"with the power {powers[-1]:.2f} of their number ({detail})."
    )
    return text, [
        Measurement("near, growth", powers[-1], "power", at_most=EXPONENT, detail=detail),
        Measurement("near, memory", max(run.peak for run in runs) / 1e9, "GB", at_most=GIGABYTES),
    ]


@dataclass(frozen=True)
class _Run:
    """Processor time in seconds and peak memory in bytes of a search, and what it finds."""

    seconds: float
    peak: int
    pairs: int
    largest: int
    tables: int


def _run(source: Path, count: int) -> _Run:
    command = [sys.executable, "-m", "tools.bench.near", str(source), str(count)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    print(output, end="", flush=True)
    return _Run(**json.loads(output))


def main(source: str, count: str) -> None:
    """Search made hashes and print a ``_Run`` as JSON."""
    from utkage.preparation.audit.linked import components

    hashes = HashModel(_real_hashes(Path(source))).hashes(int(count), seed=1)
    started = time.process_time()
    pairs = near_pairs(hashes, MAX_DISTANCE)
    seconds = time.process_time() - started
    peak = peak_memory() or 0
    largest = int(np.bincount(components(len(hashes), pairs[:, :2])).max())
    plan = plan_bands(len(hashes), MAX_DISTANCE, distance_shares(hashes[:2048]))
    run = _Run(seconds, peak, len(pairs), largest, plan.tables if plan else 0)
    print(json.dumps(asdict(run)))


if __name__ == "__main__":
    main(*sys.argv[1:])
