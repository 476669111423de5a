"""Turning all pictures of a source into chips: on all cores, in order, at constant memory.

Small sources use threads, which start at once but share the interpreter lock. Large ones use
processes, which receive pictures in chunks and return chips through a memory-mapped file.
"""

from __future__ import annotations

import functools
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Executor, Future
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from utkage.core.pools import thread_pool
from utkage.core.reporter import Reporter
from utkage.data.records import Dropped
from utkage.data.sources.base import Entry, Source
from utkage.faces.choice import open_detector
from utkage.images.pillow_messages import silence_pillow
from utkage.preparation.ingest import Ingested, Ingestion, to_chip

# For smaller sources, processes take longer to start than they save.
PROCESSES_FROM_BYTES = 16_000_000
CHUNK = 128
# A chunk of large photographs is shorter, and fewer of them wait, so that they fit into memory.
CHUNK_BYTES = 16_000_000
WAITING_BYTES = 128_000_000
# Chunks given to the pool per worker: one being processed, one waiting.
CHUNKS_PER_WORKER = 2
# How often a worker checks that its parent is still running.
PARENT_SECONDS = 1.0
_NO_CHIP = np.empty(0, dtype=np.uint8)
# A worker process uses the same detector for all its chunks.
_open_detector_once = functools.cache(open_detector)

Item = Ingested | Dropped


def ingest(
    source: Source,
    name: str,
    ingestion: Ingestion,
    reporter: Reporter,
    exchange: Path | None = None,
) -> Generator[Item, None, None]:
    """Yield every picture of ``source`` as a chip or as dropped, in the order of the source.

    Args:
        source: The labelled pictures.
        name: Name of the source in the records, unique in the set.
        ingestion: How pictures become chips.
        reporter: Shows the progress in bytes of the source.
        exchange: Path of a temporary file through which worker processes return chips, each valid
            until the next item is requested. None: use threads.
    """
    entries = source.entries()
    # With an earlier run, little is left to decode, and processes would not share its chips.
    small = source.total_bytes < PROCESSES_FROM_BYTES or ingestion.known
    if exchange is None or small or ingestion.workers == 1:
        items = _by_threads(entries, name, ingestion)
    else:
        items = _by_processes(entries, name, ingestion, exchange)
    consumed = usable = dropped = 0
    with closing(items), reporter.progress(f"reading {name}", source.total_bytes) as task:
        for position, item in items:
            yield item
            usable += isinstance(item, Ingested)
            dropped += isinstance(item, Dropped)
            task.advance(position - consumed, f"{usable} usable, {dropped} dropped")
            consumed = position


def _by_threads(
    entries: Iterable[Entry], source: str, ingestion: Ingestion
) -> Generator[tuple[int, Item], None, None]:
    detector = functools.cache(lambda: open_detector(ingestion.detector, ingestion.min_face))
    waiting: deque[tuple[Entry, Future[Item]]] = deque()
    with thread_pool(ingestion.workers) as pool:
        for entry in entries:
            waiting.append((entry, pool.submit(to_chip, entry, source, ingestion, detector)))
            # A bounded window keeps memory constant however large the source is.
            while len(waiting) > 8 * ingestion.workers or _bytes_of(waiting) > WAITING_BYTES:
                done, future = waiting.popleft()
                yield done.position, future.result()
        while waiting:
            done, future = waiting.popleft()
            yield done.position, future.result()


def _bytes_of(waiting: Iterable[tuple[Entry, object]]) -> int:
    return sum(len(entry.content) for entry, _ in waiting)


def _chunks(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Lists of at most ``CHUNK`` entries that hold few bytes together."""
    chunk: list[Entry] = []
    size = 0
    for entry in entries:
        chunk.append(entry)
        size += len(entry.content)
        if len(chunk) == CHUNK or size > CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _by_processes(
    entries: Iterable[Entry], source: str, ingestion: Ingestion, exchange: Path
) -> Generator[tuple[int, Item], None, None]:
    size = ingestion.contract.size
    slots = CHUNKS_PER_WORKER * ingestion.workers + 1
    chunks = _chunks(entries)
    waiting: deque[tuple[int, list[int], Future[list[Item]]]] = deque()
    with _exchange_file(exchange, slots * CHUNK, size) as chips, _processes(ingestion) as pool:
        number = 0
        while True:
            while len(waiting) < slots - 1 and (chunk := next(chunks, None)):
                slot = number % slots
                number += 1
                work = pool.submit(_to_chips, chunk, source, ingestion, exchange, slot)
                waiting.append((slot, [entry.position for entry in chunk], work))
            if not waiting:
                return
            slot, positions, work = waiting.popleft()
            for offset, (position, item) in enumerate(zip(positions, work.result(), strict=True)):
                if isinstance(item, Ingested):
                    item = replace(item, chip=chips[slot * CHUNK + offset])
                yield position, item


def _to_chips(
    entries: list[Entry], source: str, ingestion: Ingestion, exchange: Path, slot: int
) -> list[Item]:
    """Process one chunk in a worker: write the chips into ``exchange``, return the rest."""
    size = ingestion.contract.size
    detector = functools.partial(_open_detector_once, ingestion.detector, ingestion.min_face)
    items: list[Item] = []
    with exchange.open("r+b") as file:
        for offset, entry in enumerate(entries):
            item = to_chip(entry, source, ingestion, detector)
            if isinstance(item, Ingested):
                file.seek((slot * CHUNK + offset) * size * size * 3)
                file.write(np.ascontiguousarray(item.chip).data)
                item = replace(item, chip=_NO_CHIP)
            items.append(item)
    return items


@contextmanager
def _exchange_file(path: Path, rows: int, size: int) -> Iterator[NDArray[np.uint8]]:
    try:
        mapped = np.memmap(path, dtype=np.uint8, mode="w+", shape=(rows, size, size, 3))
        yield mapped
        # Some systems refuse to remove a file that is mapped.
        del mapped
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def _processes(ingestion: Ingestion) -> Iterator[Executor]:
    # The standard library's pool imports the caller's main module again in every worker, which
    # breaks scripts without a main guard.
    from loky import ProcessPoolExecutor

    pool = ProcessPoolExecutor(ingestion.workers, initializer=_start_worker)
    finished = False
    try:
        yield pool
        finished = True
    finally:
        pool.shutdown(wait=True, kill_workers=not finished)


def _start_worker() -> None:
    silence_pillow()
    _follow_parent()


def _follow_parent() -> None:
    """Ignore interrupts, which the parent process handles, and exit when the parent has ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(PARENT_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
