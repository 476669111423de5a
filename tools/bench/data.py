"""``prepare``, and batches from the store, against bare Pillow."""

from __future__ import annotations

import io
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from tools.bench.benchmark import BenchOptions, BenchResult, Measurement
from tools.bench.timing import Spread, interleaved, median_wall, speeds
from utkage.core.reporter import Progress, SilentReporter
from utkage.data.sources.registry import open_source
from utkage.data.store import ChipStore
from utkage.preparation.prepare import PrepareConfig, prepare

SIZE = 160
PREPARE_ROUNDS = 3
BATCH_ROUNDS = 5
# Pictures of the bare loop.
PICTURES = 3000
BATCH = 256


def bench(options: BenchOptions) -> BenchResult:
    """Prepare a source several times, and gather random batches from the result."""
    if options.source is None:
        print("data: skipped, because there is no --source")
        return BenchResult()
    entries = islice(open_source(options.source).entries(), options.scaled(PICTURES, 100))
    pictures = [entry.content for entry in entries if entry.problem is None]
    with tempfile.TemporaryDirectory() as name:
        rounds = options.scaled(PREPARE_ROUNDS, 1)
        measurements = _bench_prepare(pictures, options.source, Path(name), rounds)
        store = ChipStore.open(Path(name) / "set-0")
        measurements.append(_bench_batch(pictures, store, options.scaled(BATCH_ROUNDS, 1)))
    return BenchResult(measurements)


def _bench_prepare(
    pictures: list[bytes], source: Path, folder: Path, rounds: int
) -> list[Measurement]:
    """Pictures per second against a bare loop on one core, times the number of cores."""
    clocks: list[_ReadingClock] = []

    def prepare_anew() -> None:
        # A fresh folder: prepare would reuse a set that is there.
        out = folder / f"set-{len(clocks)}"
        clocks.append(_ReadingClock())
        prepare(PrepareConfig(sources=(source,), out=out, chip_size=SIZE), clocks[-1])

    times = interleaved({"bare": lambda: _bare_loop(pictures), "prepare": prepare_anew}, rounds)
    bare = [own.wall / len(pictures) for own in times["bare"]]
    seconds = {
        "reading": [clock.seconds for clock in clocks[1:]],
        "prepare": [own.wall for own in times["prepare"]],
    }
    cores, rows = os.cpu_count() or 1, len(ChipStore.open(folder / "set-0").manifest)
    measurements = []
    # With the search for labels, the comparison of every pair and the report, prepare takes longer.
    for name, bar in (("reading", 0.7), ("prepare", 0.45)):
        taken = seconds[name]
        ratios = Spread(tuple(rows / t * b / cores for t, b in zip(taken, bare, strict=True)))
        detail = f"{ratios}, {rows / Spread(tuple(taken)).median:.0f} pictures/s, {rows} pictures"
        unit = f"of bare Pillow times {cores} cores"
        measurements.append(Measurement(name, ratios.median, unit, at_least=bar, detail=detail))
    return measurements


class _ReadingClock(SilentReporter):
    """Times the part of ``prepare`` that reads, decodes and stores."""

    seconds = 0.0

    @contextmanager
    def progress(self, label: str, total: int | None) -> Iterator[Progress]:
        """Time the progress bars of sources."""
        started = time.perf_counter()
        with super().progress(label, total) as task:
            yield task
        if label.startswith("reading"):
            self.seconds += time.perf_counter() - started


def _bench_batch(pictures: list[bytes], store: ChipStore, rounds: int) -> Measurement:
    """Gathering random chips from the store, against decoding as many JPEGs."""
    faces = store.split("all")
    random = np.random.default_rng(0)
    count = min(BATCH, len(faces))
    chosen = random.choice(len(faces), count, replace=False)
    names = tuple(faces.names[index] for index in chosen)
    drawn = replace(faces, rows=faces.rows[chosen], names=names)
    runs = {
        "gather": lambda: next(drawn.batches(count, drawn.contract)),
        "decode": lambda: _bare_loop([pictures[i] for i in random.choice(len(pictures), count)]),
    }
    times = interleaved(runs, rounds)
    ratio = speeds(times["decode"], times["gather"]).median
    detail = f"{1000 * median_wall(times['gather']):.1f} ms for {count} random chips"
    return Measurement("batch", ratio, "times faster than decoding", at_least=20, detail=detail)


def _bare_loop(pictures: list[bytes]) -> None:
    for content in pictures:
        with Image.open(io.BytesIO(content)) as picture:
            np.asarray(picture.convert("RGB").resize((SIZE, SIZE)))
