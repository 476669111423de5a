"""``predict`` against the bound of its stages and against a plain loop, and its memory.

The bound is the number of cores over the core-seconds that decoding, detecting, cropping and
predicting take for a picture, each stage measured alone: on one core with the others idle, and on
all cores, which share caches and memory. The plain loop takes one picture after the other and
detects at its full size.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.bench.benchmark import BenchOptions, BenchResult, Measurement
from tools.bench.timing import interleaved, median_wall, timed
from tools.documents import ROOT, Block, markdown
from utkage import Predictor
from utkage.faces.detector import Face
from utkage.faces.retinaface import RetinaFaceDetector
from utkage.images.decode import load_image
from utkage.images.discover import expand_inputs
from utkage.images.save import save_image
from utkage.prediction.cropping import Cropper
from utkage.prediction.loading import load_predictor
from utkage.prediction.photos import THREAD_BATCH

ROUNDS = 7
# Long side of a large photograph, in pixels.
LARGE = 2400
# Numbers of small pictures after which memory is read.
MEMORY_STEPS = (300, 1000, 2000, 3000)
MEMORY_PROGRAM = """
import sys
import utkage
from tools.bench.timing import allocated
steps = {int(step) for step in sys.argv[2:]}
request = utkage.PredictRequest(inputs=(sys.argv[1],), weights='shipped')
for number, row in enumerate(utkage.predict(request), 1):
    if number in steps:
        print(allocated())
"""
ON_ALL = "{} on all cores"
CORES = len(os.sched_getaffinity(0))

Image = NDArray[np.uint8]


def bench(options: BenchOptions) -> BenchResult:
    """Measure photographs as they are and enlarged, the first prediction, and memory."""
    rounds = options.scaled(ROUNDS, 1)
    files = expand_inputs([options.photos])[: options.scaled(options.count, 4)]
    result, columns = BenchResult(), []
    with tempfile.TemporaryDirectory() as folder:
        large = _enlarged(files[: max(1, len(files) // 8)], Path(folder))
        names = (f"{len(files)} photographs as they are", f"{len(large)} of {LARGE} pixels")
        for name, chosen in zip(names, (files, large), strict=True):
            column, measurements = _compare(chosen, name, rounds)
            columns.append(column)
            result.measurements += measurements
    first = statistics.median(timed(_predict_one).wall for _ in range(rounds))
    unit = "s, whole process"
    result.measurements.append(Measurement("first prediction", first, unit, at_most=2))
    steps = MEMORY_STEPS if not options.quick else (4, 8)
    curve = _memory(files, steps)
    growth, detail = curve[-1] - curve[0], f"from {steps[0]} to {steps[-1]} small pictures"
    result.measurements.append(Measurement("memory", growth, "MB", at_most=20, detail=detail))
    rows = [(name, *(column[name] for column in columns)) for name in columns[0]]
    grown = ", ".join(f"{mb:.0f} MB after {n}" for n, mb in zip(steps, curve, strict=True))
    origin = (
        f"Cores of the machine: {CORES}; {options.photos.name}, medians of {rounds} interleaved "
        f"rounds. First prediction, as a whole process: {first:.2f} s. Memory of the process over "
        f"many small pictures: {grown}. Shipped weights"
    )
    result.blocks.append(Block("predict.md", "speed", markdown(("", *names), rows), origin))
    return result


def _compare(files: list[Path], name: str, rounds: int) -> tuple[dict[str, str], list[Measurement]]:
    """The ratios for some photographs, as text by label, and those with a bar."""
    predictor = load_predictor("shipped", threads=1)
    contract = predictor.card.contract
    images = [load_image(path) for path in files]
    long_side = max(max(image.shape[:2]) for image in images)
    coarse, full = RetinaFaceDetector(), RetinaFaceDetector(sides=(long_side,))
    found = [coarse.detect(image) for image in images]
    croppers = [Cropper(contract, _KnownFaces(faces)) for faces in found]
    pairs = list(zip(croppers, images, strict=True))
    chips = np.stack([chip for cropper, image in pairs for chip in cropper.cut(image)[1]])
    batches = np.split(chips, range(THREAD_BATCH, len(chips), THREAD_BATCH))
    stages: dict[str, tuple[Callable[[Any], object], Sequence[Any]]] = {
        "decode": (load_image, files),
        "detect": (coarse.detect, images),
        "crop": (lambda pair: pair[0].cut(pair[1]), pairs),
        "predict": (predictor.predict_chips, batches),
    }

    def loop() -> None:
        cropper = Cropper(contract, full)
        for path in files:
            own = cropper.cut(load_image(path))[1]
            if own:
                predictor.predict_chips(np.stack(own))

    shipped = Predictor.shipped()
    runs: dict[str, Callable[[], object]] = {
        **{stage: partial(_each, *work) for stage, work in stages.items()},
        **{ON_ALL.format(stage): partial(_on_all, *work) for stage, work in stages.items()},
        "detect at full size": lambda: _each(full.detect, images),
        "whole": lambda: list(shipped.predict(files)),
        "loop": loop,
    }
    times = interleaved(runs, rounds)
    wall = {run: median_wall(own) for run, own in times.items()}
    cpu = {run: statistics.median(each.cpu for each in own) for run, own in times.items()}
    work = sum(cpu[stage] for stage in stages)
    together = sum(wall[ON_ALL.format(stage)] for stage in stages) / wall["whole"]
    over_loop = wall["loop"] / wall["whole"]
    at_full_size = sum(len(full.detect(image)) for image in images)
    column = {
        **{f"share of {stage}": f"{cpu[stage] / work:.0%}" for stage in stages},
        "speed over the bound of the work": f"{work / CORES / wall['whole']:.2f}",
        "the same, each stage on all cores": f"{together:.2f}",
        "speed over a loop at full size": f"{over_loop:.1f}",
        "detection over that at full size": f"{cpu['detect at full size'] / cpu['detect']:.1f}",
        "faces found / at full size": f"{len(chips)} / {at_full_size}",
    }
    name, unit = f"predict, {name}", "of the bound, each stage on all cores"
    return column, [
        Measurement(name, together, unit, at_least=0.85),
        Measurement(name, over_loop, "of the speed of a loop", at_least=1),
    ]


class _KnownFaces:
    """A detector that returns faces found before."""

    def __init__(self, faces: list[Face]) -> None:
        self._faces = faces

    def detect(self, rgb: Image) -> list[Face]:
        return self._faces


def _each(work: Callable[[Any], object], items: Iterable[Any]) -> None:
    for item in items:
        work(item)


def _on_all(work: Callable[[Any], object], items: Iterable[Any]) -> None:
    with ThreadPoolExecutor(CORES) as pool:
        list(pool.map(work, items))


def _enlarged(files: Sequence[Path], folder: Path) -> list[Path]:
    """Copies with a long side of ``LARGE`` pixels, as JPEG files."""
    copies = []
    for path in files:
        rgb = load_image(path)
        scale = LARGE / max(rgb.shape[:2])
        big = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        copies.append(folder / f"{path.stem}.jpg")
        save_image(copies[-1], big.astype(np.uint8))
    return copies


def _predict_one() -> None:
    command = [sys.executable, "-m", "utkage", "predict", str(ROOT / "examples" / "portrait.jpg")]
    options = ["--json", "--quiet", "--weights", "shipped"]
    subprocess.run([*command, *options], check=True, capture_output=True)


def _memory(files: Sequence[Path], steps: Sequence[int]) -> list[float]:
    """Allocated megabytes of a process after each number of pictures of 128 pixels."""
    with tempfile.TemporaryDirectory() as folder:
        for index in range(steps[-1]):
            rgb = cv2.resize(load_image(files[index % len(files)]), (128, 128))
            save_image(Path(folder) / f"{index}.jpg", rgb.astype(np.uint8))
        command = [sys.executable, "-c", MEMORY_PROGRAM, folder, *map(str, steps)]
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return [float(line) for line in done.stdout.split()]
