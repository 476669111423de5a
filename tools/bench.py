"""Measure what the documents promise, as ratios from interleaved runs on this machine.

    python tools/bench.py UTKFace.tar.gz

``prepare``: pictures a second of reading, decoding, hashing and storing, against a bare loop of
Pillow's decode and resize on one core, times the number of cores (promised: at least 0.7).
``batch``: seconds to gather 256 random chips from the store, against decoding the same JPEGs
(promised: at least 20 times faster).
"""

from __future__ import annotations

import argparse
import io
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from utkage.data.sources.registry import open_source
from utkage.data.store import ChipStore
from utkage.workflows.prepare import PrepareConfig, prepare

SIZE = 160
ROUNDS = 5
PICTURES = 3000
BATCH = 256


def main() -> int:
    """Print one line a benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("source", type=Path, help="an archive or folder of aligned chips")
    arguments = parser.parse_args()
    entries = islice(open_source(arguments.source).entries(), PICTURES)
    pictures = [entry.content for entry in entries if entry.problem is None]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        chips = folder / "chips"
        chips.mkdir()
        entries = islice(open_source(arguments.source).entries(), PICTURES)
        for entry in entries:
            if entry.problem is None:
                (chips / entry.name).write_bytes(entry.content)
        _bench_prepare(pictures, chips, folder)
        _bench_batch(pictures, ChipStore.open(folder / "set"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of this process {peak:.0f} MB")
    return 0


def _bench_prepare(pictures: list[bytes], chips: Path, folder: Path) -> None:
    cores = os.cpu_count() or 1
    count = 0

    def ours() -> None:
        nonlocal count
        # Another chip size first would make the store known; a fresh folder never is.
        count += 1
        out = folder / ("set" if count == 1 else f"set-{count}")
        prepare(PrepareConfig(sources=(chips,), out=out, chip_size=SIZE))

    bare, full = _interleaved(lambda: _bare_loop(pictures), ours)
    ratios = [b / f / cores for b, f in zip(bare, full, strict=True)]
    rate = len(pictures) / statistics.median(full)
    print(
        f"prepare: {rate:.0f} pictures/s, {statistics.median(ratios):.2f} x cores x bare Pillow "
        f"({min(ratios):.2f}..{max(ratios):.2f}, {cores} cores, {len(pictures)} pictures, "
        f"{ROUNDS} rounds)"
    )


def _bench_batch(pictures: list[bytes], store: ChipStore) -> None:
    faces = store.split("all")
    random = np.random.default_rng(0)
    chosen = random.choice(len(faces), BATCH, replace=False)
    faces_chosen = replace(
        faces, rows=faces.rows[chosen], names=tuple(faces.names[index] for index in chosen)
    )

    def gather() -> None:
        next(faces_chosen.batches(BATCH, SIZE))

    def decode() -> None:
        _bare_loop([pictures[index] for index in random.choice(len(pictures), BATCH)])

    slow, fast = _interleaved(decode, gather)
    ratios = [s / f for s, f in zip(slow, fast, strict=True)]
    print(
        f"batch: {1000 * statistics.median(fast):.1f} ms for {BATCH} random chips, "
        f"{statistics.median(ratios):.0f} x faster than decoding "
        f"({min(ratios):.0f}..{max(ratios):.0f})"
    )


def _bare_loop(pictures: list[bytes]) -> None:
    for content in pictures:
        with Image.open(io.BytesIO(content)) as picture:
            np.asarray(picture.convert("RGB").resize((SIZE, SIZE)))


def _interleaved(
    first: Callable[[], None], second: Callable[[], None]
) -> tuple[list[float], list[float]]:
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS + 1):
        for index, run in enumerate((first, second)):
            started = time.perf_counter()
            run()
            times[index].append(time.perf_counter() - started)
    # The first round warms caches.
    return times[0][1:], times[1][1:]


if __name__ == "__main__":
    sys.exit(main())
