"""Worker processes give what threads give, and leave nothing behind."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from progress_recorder import ProgressRecorder

from utkage.core.reporter import SilentReporter
from utkage.data.labels import FaceLabel
from utkage.data.records import Dropped
from utkage.data.sources.base import Entry
from utkage.faces.contract import utkface_contract
from utkage.preparation import workers
from utkage.preparation.ingest import Ingested, Ingestion
from utkage.preparation.workers import CHUNK, ingest

Picture = Callable[..., bytes]

pytestmark = pytest.mark.slow


class LargeSource:
    """Says that it is large enough for processes."""

    name = "large"
    total_bytes = workers.PROCESSES_FROM_BYTES

    def __init__(self, entries: list[Entry]) -> None:
        self._entries = entries
        self.taken = 0

    def fingerprint(self) -> str:
        return "0"

    def entries(self) -> Iterator[Entry]:
        for entry in self._entries:
            self.taken += 1
            yield entry


@pytest.fixture
def entries(picture: Picture) -> list[Entry]:
    """Three chunks and a bit, with damaged pictures and bad names among them."""
    made = []
    for index in range(3 * CHUNK + 17):
        content = picture(index)[: 40 if index % 29 == 0 else None]
        label = FaceLabel(index % 117, index % 2, index % 5)
        problem = "a bad name" if index % 31 == 0 else None
        made.append(
            Entry(
                name=f"{index}.png",
                content=content,
                position=index + 1,
                label=label,
                aligned=True,
                problem=problem,
            )
        )
    return made


def read(source: LargeSource, exchange: Path | None) -> tuple[list[Ingested | Dropped], list[int]]:
    ingestion = Ingestion(contract=utkface_contract(32), workers=2)
    reporter = ProgressRecorder()
    items = [
        # A chip that was handed over is valid until the next one is asked for.
        replace(item, chip=np.array(item.chip)) if isinstance(item, Ingested) else item
        for item in ingest(source, "large", ingestion, reporter, exchange)
    ]
    return items, reporter.positions


def test_processes_give_what_threads_give(entries: list[Entry], tmp_path: Path) -> None:
    exchange = tmp_path / "exchange"
    by_processes, positions = read(LargeSource(entries), exchange)
    by_threads, positions_of_threads = read(LargeSource(entries), None)
    assert positions == positions_of_threads == [entry.position for entry in entries]
    assert len(by_processes) == len(by_threads) == len(entries)
    for theirs, ours in zip(by_processes, by_threads, strict=True):
        if isinstance(ours, Ingested):
            assert isinstance(theirs, Ingested)
            assert theirs.record == ours.record
            assert np.array_equal(theirs.chip, ours.chip)
        else:
            assert theirs == ours
    assert not exchange.exists()


def test_stopping_early_ends_the_workers(entries: list[Entry], tmp_path: Path) -> None:
    exchange, source = tmp_path / "exchange", LargeSource(entries * 8)
    ingestion = Ingestion(contract=utkface_contract(32), workers=2)
    stream = ingest(source, "large", ingestion, SilentReporter(), exchange)
    next(stream)
    assert exchange.exists()
    assert source.taken <= CHUNK * (workers.CHUNKS_PER_WORKER * 2 + 1)
    stream.close()
    assert not exchange.exists()


def test_an_error_of_the_source_comes_through(entries: list[Entry], tmp_path: Path) -> None:
    class Breaking(LargeSource):
        def entries(self) -> Iterator[Entry]:
            yield from super().entries()
            raise OSError("the disk went away")

    with pytest.raises(OSError, match="went away"):
        read(Breaking(entries), tmp_path / "exchange")
    assert not (tmp_path / "exchange").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="parents of POSIX")
def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    # Not written for the standard library's pool, as scripts are: no guard around the work.
    script = tmp_path / "script.py"
    script.write_text(
        "import os, time\n"
        "from utkage.preparation.workers import _processes\n"
        "from utkage.preparation.ingest import Ingestion\n"
        "from utkage.faces.contract import utkface_contract\n"
        "with _processes(Ingestion(contract=utkface_contract(32), workers=1)) as pool:\n"
        "    print(pool.submit(os.getpid).result(), flush=True)\n"
        "    time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    os.kill(worker, 0)
    parent.kill()
    parent.communicate()
    deadline = time.monotonic() + 10 * workers.PARENT_SECONDS
    while time.monotonic() < deadline:
        try:
            os.kill(worker, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    raise AssertionError("the worker outlives its parent")
