"""Videos: how steady ages are, how fast frames are processed, and what memory does."""

from __future__ import annotations

import argparse
import gc
import statistics
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tools.bench.timing import allocated, interleaved, speeds
from tools.documents import ROOT, Block, markdown
from tools.examples.clip import FRAME_RATE, moving_frames, write_clip
from tools.report.page import ReportPage
from utkage import Predictor
from utkage.images.decode import load_image
from utkage.images.video import Frame, open_video
from utkage.prediction.face_tracks import TrackedFrame, TrackingSettings

STILLS = ("portrait", "couple", "family")
FRAMES = 100
# The first predictions of a track are means of few frames, so they are not counted.
SETTLED = 20
EVERY = (1, 5, 10)
SIZES = ((640, 360), (1280, 720))
ROUNDS = 5
LONG = 1000


def measure(options: argparse.Namespace) -> dict[str, Block]:
    """Measure clips made from the examples."""
    predictor = Predictor.shipped()
    quick = options.quick
    text = "\n\n".join(
        [
            steadiness(predictor, 30 if quick else FRAMES),
            speed(predictor, 1 if quick else ROUNDS),
            memory(predictor, 200 if quick else LONG),
        ]
    )
    return {"videos": Block(text, "Shipped weights, flip averaging")}


def steadiness(predictor: Predictor, count: int) -> str:
    """Standard deviation of ages over the frames of clips made from stills."""
    rows = []
    for name in STILLS:
        with tempfile.TemporaryDirectory() as folder:
            clip = Path(folder) / "clip.mp4"
            write_clip(clip, load_image(ROOT / "examples" / f"{name}.jpg"), count, size=800)
            frames = list(open_video(clip).frames())
        alone = _frame_by_frame(predictor, frames)
        shown = {every: _shown_ages(predictor, frames, every) for every in EVERY}
        spread = {
            every: float(np.mean([ages.std() for ages in shown[every].values()])) for every in EVERY
        }
        ratio = f"{alone / spread[5]:.1f} times" if spread[5] else "does not move"
        cells = (f"{spread[every]:.2f}" for every in EVERY)
        rows.append((name, str(len(shown[5])), f"{alone:.2f}", *cells, ratio))
    tracked = (f"tracked, every {every} frames" for every in EVERY)
    columns = ("clip of", "faces", "frame by frame", *tracked, "steadier, every 5")
    return (
        f"{markdown(columns, rows)}\n\n"
        f"Standard deviation, in years, of the shown age over frames {SETTLED} to {count} of clips "
        "of still pictures that rotate, sway and come nearer in noise "
        f"({FRAME_RATE:.0f} frames a second, long side 800 pixels); mean over faces."
    )


def _frame_by_frame(predictor: Predictor, frames: list[Frame]) -> float:
    """Mean over faces, which are matched by their order from left to right."""
    rows = [
        sorted(predictor.predict(frame.image), key=lambda row: row.box or ()) for frame in frames
    ]
    usual = statistics.mode(len(found) for found in rows)
    ages = np.array([[row.age for row in found] for found in rows if len(found) == usual])
    return float(ages[SETTLED:].std(axis=0).mean())


def _shown_ages(
    predictor: Predictor, frames: list[Frame], every: int
) -> dict[int, NDArray[np.float64]]:
    """The shown ages of each track."""
    shown: dict[int, list[float]] = {}
    for event in predictor.watch(frames, TrackingSettings(every)):
        if isinstance(event, TrackedFrame) and event.frame.index >= SETTLED:
            for face in event.faces:
                shown.setdefault(face.track, []).append(face.shown_age)
    return {track: np.array(ages, dtype=np.float64) for track, ages in shown.items()}


def speed(predictor: Predictor, rounds: int) -> str:
    """Frames a second as a ratio to a loop that predicts for each frame."""
    still = load_image(ROOT / "examples" / "couple.jpg")
    rows = []
    for width, height in SIZES:
        images = [image[:height] for image in moving_frames(still, 40, size=width)]
        frames = [Frame(index, index / FRAME_RATE, image) for index, image in enumerate(images)]
        loop = partial(_predict_each, predictor, frames)
        watches = {str(every): partial(_watch, predictor, frames, every) for every in EVERY}
        times = interleaved({"loop": loop, **watches}, rounds)
        ratios = (f"{speeds(times['loop'], times[name]).median:.1f}" for name in watches)
        rows.append((f"{width} x {images[0].shape[0]}", *ratios))
    columns = ("frame", *(f"every {every} frames" for every in EVERY))
    return (
        f"{markdown(columns, rows)}\n\n"
        "Frames a second over those of a loop that predicts for each frame; two faces, "
        f"{predictor.settings.workers} cores, median of {rounds} interleaved rounds."
    )


def _predict_each(predictor: Predictor, frames: list[Frame]) -> None:
    for frame in frames:
        list(predictor.predict(frame.image))


def _watch(predictor: Predictor, frames: list[Frame], every: int) -> None:
    list(predictor.watch(frames, TrackingSettings(every)))


def memory(predictor: Predictor, count: int) -> str:
    """Growth of the process over a long video, after its first tenth."""
    still = load_image(ROOT / "examples" / "couple.jpg")
    few = list(moving_frames(still, 40, size=640))

    def stream() -> Iterator[Frame]:
        for index in range(count):
            yield Frame(index, index / FRAME_RATE, few[index % len(few)])

    curve = []
    for event in predictor.watch(stream()):
        if isinstance(event, TrackedFrame) and event.frame.index % (count // 20) == 0:
            gc.collect()
            curve.append(allocated())
    growth = max(curve[2:]) - curve[2]
    return (
        f"Over {count} frames of 640 pixels the process grew by {growth:.0f} MB after the first "
        f"{count // 10}."
    )


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quick", action="store_true", help="short clips; the numbers are rough")


PAGE = ReportPage(
    name="videos",
    summary="measure steadiness, speed and memory on videos",
    document="predict.md",
    add_options=_add_options,
    measure=measure,
)
