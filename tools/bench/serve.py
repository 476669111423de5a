"""A server against ``predict`` on the same photographs, its times under load, and its memory.

The client is a process of its own with eight threads, each of which sends one photograph after the
other, as its own request.
"""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.bench.benchmark import BenchOptions, BenchResult, Measurement
from tools.bench.timing import timed
from tools.documents import Block, markdown
from utkage import Predictor
from utkage.images.discover import expand_inputs

ROUNDS = 5
CLIENTS = 8
# Requests after which memory is read; the first thousand fill caches.
MEMORY_STEPS = (1000, 10_000)
CLIENT = """
import json, sys, time, urllib.request
from concurrent.futures import ThreadPoolExecutor
url, clients, count, *files = sys.argv[1:]
contents = [open(file, "rb").read() for file in files]
def ask(number):
    started = time.perf_counter()
    content = contents[number % len(contents)]
    request = urllib.request.Request(url, content, {"Content-Type": "image/jpeg"})
    with urllib.request.urlopen(request) as answer:
        json.load(answer)
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
    result = BenchResult()
    ratios, seconds = [], []
    with _server() as (url, process):
        _ask(url, files)
        for _ in range(rounds):
            plain = timed(lambda: list(predictor.predict(files))).wall
            served, each = _ask(url, files)
            ratios.append(plain / served)
            seconds += each
        steps = MEMORY_STEPS if not options.quick else (4, 8)
        curve, asked = [], 0
        # The smallest is enough to see whether anything is kept.
        smallest = [min(files, key=lambda path: path.stat().st_size)]
        for step in steps:
            _ask(url, smallest, step - asked)
            asked = step
            curve.append(_memory(process.pid))
    p50, p99 = (_quantile(seconds, share) for share in (0.5, 0.99))
    ratio = statistics.median(ratios)
    growth = curve[-1] - curve[0]
    detail = f"from {steps[0]} to {steps[-1]} requests"
    result.measurements += [
        Measurement("speed of a server", ratio, "of predict", at_least=0.85),
        Measurement("memory of a server", growth, "MB", at_most=20, detail=detail),
    ]
    rows = [
        ("speed, of `predict` on the same photographs", f"{ratio:.2f}"),
        (f"time of a request, {CLIENTS} clients: median", f"{p50:.2f} s"),
        (f"time of a request, {CLIENTS} clients: 99 %", f"{p99:.2f} s"),
        (f"memory after {steps[0]:,} requests", f"{curve[0]:.0f} MB"),
        (f"memory after {steps[-1]:,} requests", f"{curve[-1]:.0f} MB"),
    ]
    origin = f"{len(files)} photographs of {options.photos.name}, medians of {rounds} rounds"
    result.blocks.append(Block("serve.md", "speed", markdown(("", "measured"), rows), origin))
    return result


@contextmanager
def _server() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    command = [sys.executable, "-m", "utkage", "serve", "--port", "0"]
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
    words = [url, str(CLIENTS), str(count or len(files)), *map(str, files)]
    done = subprocess.run(
        [sys.executable, "-c", CLIENT, *words], check=True, capture_output=True, text=True
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
