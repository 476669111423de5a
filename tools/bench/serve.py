"""A server against ``predict`` on the same photographs, its times under load, and its memory.

The client is a process of its own with eight threads, each of which sends one photograph after the
other, as its own request on a connection of its own.
"""

from __future__ import annotations

import io
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from tools.bench.benchmark import BenchOptions, BenchResult, Measurement
from tools.bench.timing import timed
from tools.documents import Block, markdown
from utkage import Predictor
from utkage.images.discover import expand_inputs

ROUNDS = 5
CLIENTS = 8
# Requests after which memory is read; the first thousand fill caches.
MEMORY_STEPS = (0, 1000, 5000, 10_000)
# Width and height of the pictures of these requests, so that ten thousand take minutes.
SMALL_PIXELS = 96
# Options of the server of these requests.
_SMALL_OPTIONS = "--no-flip", "--rotate", "none"
CLIENT = """
import json, sys, time, urllib.request
from concurrent.futures import ThreadPoolExecutor
url, clients, count, *files = sys.argv[1:]
contents = [open(file, "rb").read() for file in files]
def ask(number):
    started = time.perf_counter()
    content = contents[number % len(contents)]
    request = urllib.request.Request(url, content, {"Content-Type": "image/jpeg"})
    with urllib.request.urlopen(request) as response:
        json.load(response)
    return time.perf_counter() - started
started = time.perf_counter()
with ThreadPoolExecutor(int(clients)) as pool:
    seconds = list(pool.map(ask, range(int(count))))
print(json.dumps([time.perf_counter() - started, seconds]))
"""


def bench(options: BenchOptions) -> BenchResult:
    """Measure photographs of the folder, repeated until there are enough."""
    rounds = options.scaled(ROUNDS, 1)
    found = expand_inputs([options.photos])
    count = options.scaled(options.count, 8)
    files = (found * (count // len(found) + 1))[:count]
    predictor = Predictor.shipped()
    ratios, seconds, loads = [], [], []
    with _server() as (url, _):
        _ask(url, files)
        for _ in range(rounds):
            plain = timed(lambda: list(predictor.predict(files))).wall
            served, each = _ask(url, files)
            ratios.append(plain / served)
            seconds += each
            loads.append(os.getloadavg()[0])
    ratio = statistics.median(ratios)
    rows = [
        ("speed, of `predict` on the same photographs", f"{ratio:.2f}"),
        *_times(seconds),
    ]
    origin = (
        f"{len(files)} photographs of {options.photos.name}, medians of {rounds} interleaved "
        f"rounds, {_load(loads)}"
    )
    return BenchResult(
        [Measurement("speed of a server", ratio, "of predict", at_least=0.85)],
        [Block("serve.md", "speed", markdown(("", "measured"), rows), origin)],
    )


def bench_memory(options: BenchOptions) -> BenchResult:
    """Measure the memory of a server over ten thousand requests with a small picture."""
    steps = (0, 4, 8) if options.quick else MEMORY_STEPS
    memory, seconds, loads = [], [], []
    with tempfile.TemporaryDirectory() as folder, _server(*_SMALL_OPTIONS) as (url, process):
        picture = Path(folder) / "small.jpg"
        picture.write_bytes(_small(expand_inputs([options.photos])[0]))
        for step, former in zip(steps, (0, *steps), strict=False):
            if step > former:
                _, each = _ask(url, [picture], step - former)
                seconds += each
            memory.append(_memory(process.pid))
            loads.append(os.getloadavg()[0])
            print(f"{memory[-1]:.0f} MB after {step:,} requests", file=sys.stderr, flush=True)
    rows = [
        *(
            (f"memory after {step:,} requests", f"{size:.0f} MB")
            for step, size in zip(steps, memory, strict=True)
        ),
        *_times(seconds),
    ]
    growth, detail = memory[-1] - memory[1], f"from {steps[1]} to {steps[-1]} requests"
    origin = (
        f"{steps[-1]:,} requests with one face of {SMALL_PIXELS} pixels, "
        f"`{' '.join(_SMALL_OPTIONS)}`, {_load(loads)}"
    )
    return BenchResult(
        [Measurement("memory of a server", growth, "MB", at_most=20, detail=detail)],
        [Block("serve.md", "memory", markdown(("", "measured"), rows), origin)],
    )


@contextmanager
def _server(*arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    command = [sys.executable, "-m", "utkage", "serve", "--port", "0", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            for line in process.stderr:
                listening = re.search(r"listening on (\S+);", line)
                if listening:
                    yield f"{listening[1]}/v1/predict", process
                    return
            raise RuntimeError("the server never listened")
        finally:
            process.terminate()


def _ask(url: str, files: list[Path], count: int | None = None) -> tuple[float, list[float]]:
    """Seconds of all requests together, and of each."""
    arguments = [url, str(CLIENTS), str(count or len(files)), *map(str, files)]
    done = subprocess.run(
        [sys.executable, "-c", CLIENT, *arguments], check=True, capture_output=True, text=True
    )
    whole, each = json.loads(done.stdout)
    return float(whole), list(each)


def _memory(pid: int) -> float:
    """Resident memory of a process, MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) / 1000


def _quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def _times(seconds: list[float]) -> list[tuple[str, str]]:
    """Rows with the times of requests."""
    return [
        (f"time of a request, {CLIENTS} clients: {name}", f"{_quantile(seconds, share):.2f} s")
        for name, share in (("median", 0.5), ("99 %", 0.99))
    ]


def _load(loads: list[float]) -> str:
    """The load of the machine, by this measurement and by others."""
    return f"load of the machine {min(loads):.1f} to {max(loads):.1f}"


def _small(photo: Path) -> bytes:
    """A photograph that is reduced to ``SMALL_PIXELS``, as JPEG."""
    content = io.BytesIO()
    with Image.open(photo) as picture:
        picture.thumbnail((SMALL_PIXELS, SMALL_PIXELS))
        picture.save(content, "JPEG", quality=90)
    return content.getvalue()
