"""How fast ``predict`` is, as ratios measured in turns, on a quiet machine.

    python tools/bench_predict.py photos/congress

* Against the bound that the work sets: cores over the sum of what decoding, detecting, cropping
  and answering take of one core for a picture, each measured alone; once with the other cores idle,
  once with all of them at the same stage, as they share caches and memory.
* Against a loop over pictures, one after the other, that detects at their full size.
* What the coarse look gains, and what it misses.
* The first answer: one photograph, a whole process.
"""

from __future__ import annotations

import argparse
import datetime
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from tools.bench.timing import clocked
from tools.docs.numbers import fill_page
from utkage import Predictor
from utkage.faces.detector import Detector
from utkage.faces.retinaface import RetinaFaceDetector
from utkage.images.decode import load_image
from utkage.images.discover import expand_inputs
from utkage.images.save import save_image
from utkage.prediction.chip_predictor import ChipPredictor
from utkage.prediction.cropping import Cropper
from utkage.prediction.loading import load_predictor
from utkage.prediction.photos import THREAD_BATCH

ROOT = Path(__file__).resolve().parent.parent.parent
TURNS = 7
# Side of a large photograph, in pixels; its faces are as large in it as in the small one.
LARGE = 2400
ON_ALL = "{} on all cores"
LONG = 3000
STEPS = (300, 1000, 2000, 3000)
MEASURED = """
import sys
from pathlib import Path
import utkage
request = utkage.PredictRequest(inputs=(sys.argv[1],), weights='shipped')
for number, row in enumerate(utkage.predict(request), 1):
    if number in {steps}:
        print(int(Path('/proc/self/statm').read_text().split()[1]) * 4096 / 1e6)
"""
PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "predict.md"

Item = TypeVar("Item")


def main() -> int:
    """Measure, print, and with ``--write`` put it into docs/predict.md."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("photos", type=Path, help="folder of photographs")
    parser.add_argument("--count", type=int, default=64, help="photographs of it")
    parser.add_argument("--write", action="store_true", help="into docs/predict.md as well")
    arguments = parser.parse_args()
    files = expand_inputs([arguments.photos])[: arguments.count]
    with tempfile.TemporaryDirectory() as folder:
        large = enlarged(files[: max(1, len(files) // 8)], Path(folder))
        columns = [compare(files), compare(large)]
    sizes = [f"{len(files)} photographs as they are", f"{len(large)} of {LARGE} pixels"]
    lines = ["| | " + " | ".join(sizes) + " |", "|---|---|---|"]
    lines += [
        f"| {name} | {' | '.join(column[name] for column in columns)} |" for name in columns[0]
    ]
    curve = ", ".join(f"{resident:.0f} MB after {count}" for count, resident in memory(files))
    content = "\n".join(lines) + (
        f"\n\nCores of the machine: {cores()}; portraits of {arguments.photos.name}, medians of "
        f"{TURNS} interleaved turns. First answer, as a whole process: {first_answer():.2f} s. "
        f"Memory of the process over many small pictures: {curve}. Shipped weights; "
        f"`tools/bench_predict.py`, {datetime.date.today().isoformat()}."
    )
    print(content)
    if arguments.write:
        fill_page(PAGE, "speed", content)
    return 0


def cores() -> int:
    """How many may be used."""
    return len(os.sched_getaffinity(0))


def memory(files: Sequence[Path]) -> list[tuple[int, float]]:
    """Resident megabytes of a process after so many pictures of 128 pixels."""
    import cv2

    with tempfile.TemporaryDirectory() as folder:
        for index in range(LONG):
            rgb = cv2.resize(load_image(files[index % len(files)]), (128, 128))
            save_image(Path(folder) / f"{index}.jpg", rgb.astype(np.uint8))
        code = MEASURED.format(steps=STEPS)
        words = [sys.executable, "-c", code, folder]
        out = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    return list(zip(STEPS, map(float, out.split()), strict=True))


def enlarged(files: Sequence[Path], folder: Path) -> list[Path]:
    """Copies with a long side of ``LARGE`` pixels, as JPEG files."""
    import cv2

    copies = []
    for path in files:
        rgb = load_image(path)
        scale = LARGE / max(rgb.shape[:2])
        big = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        copies.append(folder / f"{path.stem}.jpg")
        save_image(copies[-1], big.astype(np.uint8))
    return copies


def compare(files: list[Path]) -> dict[str, str]:
    """The ratios for some photographs, in words."""
    answers = load_predictor("shipped", threads=1)
    images = [load_image(path) for path in files]
    coarse, full = RetinaFaceDetector(), RetinaFaceDetector(sides=(full_side(images),))
    found = [coarse.detect(image) for image in images]
    crop = Cropper(answers.card.contract, coarse)
    chips = np.concatenate([cut(crop, *pair) for pair in zip(images, found, strict=True)])
    predictor = Predictor.shipped()
    batches = [chips[at : at + THREAD_BATCH] for at in range(0, len(chips), THREAD_BATCH)]
    stages: dict[str, tuple[Callable[[Any], object], Sequence[Any]]] = {
        "decode": (load_image, files),
        "detect": (coarse.detect, images),
        "crop": (lambda pair: cut(crop, *pair), list(zip(images, found, strict=True))),
        "answer": (answers.predict_chips, batches),
    }
    runs: dict[str, Callable[[], object]] = {
        **{name: partial(each, *stage) for name, stage in stages.items()},
        **{ON_ALL.format(name): partial(on_all_cores, *stage) for name, stage in stages.items()},
        "detect at full size": lambda: each(full.detect, images),
        "predict": lambda: list(predictor.predict(files)),
        "loop": partial(loop, files, full, answers),
    }
    times, work_of = in_turns(runs)
    work = sum(work_of[name] for name in stages)
    together = sum(times[ON_ALL.format(name)] for name in stages)
    fine = sum(len(full.detect(image)) for image in images)
    return {
        **{f"share of {name}": f"{work_of[name] / work:.0%}" for name in stages},
        "speed over the bound of the work": f"{work / cores() / times['predict']:.2f}",
        "the same, each stage on all cores": f"{together / times['predict']:.2f}",
        "speed over a loop at full size": f"{times['loop'] / times['predict']:.1f}",
        "detection over that at full size": (
            f"{work_of['detect at full size'] / work_of['detect']:.1f}"
        ),
        "faces found / at full size": f"{sum(map(len, found))} / {fine}",
    }


def full_side(images: Sequence[NDArray[np.uint8]]) -> int:
    """The long side of the largest picture."""
    return max(int(max(image.shape[:2])) for image in images)


def cut(crop: Cropper, image: NDArray[np.uint8], faces: object) -> NDArray[np.uint8]:
    """Chips of faces that are known already, (n, size, size, 3)."""

    class Known:
        def detect(self, rgb: NDArray[np.uint8]) -> object:
            return faces

    known: Detector = Known()  # type: ignore[assignment]
    chips = Cropper(crop.contract, known).cut(image)[1]
    size = crop.contract.size
    return np.stack(chips) if chips else np.empty((0, size, size, 3), np.uint8)


def each(work: Callable[[Item], object], items: Sequence[Item]) -> None:
    """Do something with each."""
    for item in items:
        work(item)


def on_all_cores(work: Callable[[Item], object], items: Sequence[Item]) -> None:
    """Do something with each, on a thread a core."""
    with ThreadPoolExecutor(cores()) as pool:
        list(pool.map(work, items))


def loop(files: Sequence[Path], detector: Detector, answers: ChipPredictor) -> None:
    """The way the usual loops work: one picture after the other, at its full size."""
    crop = Cropper(answers.card.contract, detector)
    for path in files:
        chips = crop.cut(load_image(path))[1]
        if chips:
            answers.predict_chips(np.stack(chips))


def in_turns(
    runs: dict[str, Callable[[], object]],
) -> tuple[dict[str, float], dict[str, float]]:
    """Median seconds of each by the clock, and of all cores, run in turns again and again."""
    for run in runs.values():
        run()
    times: dict[str, list[float]] = {name: [] for name in runs}
    work: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(TURNS):
        for name, run in runs.items():
            before = time.process_time()
            times[name].append(clocked(run))
            work[name].append(time.process_time() - before)
    by_clock = {name: statistics.median(found) for name, found in times.items()}
    return by_clock, {name: statistics.median(found) for name, found in work.items()}


def first_answer() -> float:
    """Median seconds of ``utkage predict`` for one photograph."""
    words = [sys.executable, "-m", "utkage", "predict", ROOT / "examples" / "portrait.jpg"]
    command = [*words, "--json", "--quiet", "--weights", "shipped"]
    run = partial(subprocess.run, command, check=True, capture_output=True)
    return statistics.median(clocked(run) for _ in range(TURNS))


if __name__ == "__main__":
    sys.exit(main())
