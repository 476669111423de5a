"""Videos: how steady ages are, how fast frames are processed, and what memory does."""

from __future__ import annotations

import statistics
import tempfile
from collections import deque
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from tools.bench.timing import interleaved, peak_growth, speeds
from tools.documents import ROOT, Block, markdown
from tools.examples.clip import FRAME_RATE, moving_frames, write_clip
from utkage import Predictor
from utkage.images.decode import load_image
from utkage.images.video import Frame, open_video
from utkage.prediction.face_tracks import TrackedFrame, TrackingSettings

STILLS = ("portrait", "couple", "family")
FRAMES = 100
# The first predictions of a track are means of few frames, so they are not counted.
SETTLED = 20
EVERY = {1: "every frame", 5: "every 5 frames", 10: "every 10 frames"}
SIZES = ((640, 360), (1280, 720))
ROUNDS = 5
LONG = 1000


def measure_videos(
    quick: Annotated[bool, typer.Option("--quick", help="short clips, rough numbers")] = False,
) -> list[Block]:
    """Measure steadiness, speed and memory on clips made from the examples."""
    predictor = Predictor.shipped()
    parts = (
        steadiness(predictor, 30 if quick else FRAMES),
        speed(predictor, 1 if quick else ROUNDS),
        memory(predictor, 200 if quick else LONG),
    )
    origin = "Shipped weights, flip averaging"
    return [Block("predict.md", "videos", "\n\n".join(parts), origin)]


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
        spread = {every: np.mean([ages.std() for ages in shown[every].values()]) for every in EVERY}
        ratio = f"{alone / spread[5]:.1f} times" if spread[5] else "does not move"
        cells = (f"{value:.2f}" for value in spread.values())
        rows.append((name, str(len(shown[5])), f"{alone:.2f}", *cells, ratio))
    tracked = (f"tracked, {label}" for label in EVERY.values())
    columns = ("clip of", "faces", "frame by frame", *tracked, "steadier, every 5")
    return (
        f"{markdown(columns, rows)}\n\n"
        f"Standard deviation, in years, of the shown age over frames {SETTLED} to {count} of clips "
        "of still pictures that rotate, sway and come nearer in noise "
        f"({FRAME_RATE:.0f} frames a second, long side 800 pixels); mean over faces."
    )


def _frame_by_frame(predictor: Predictor, frames: list[Frame]) -> float:
    """Mean over faces, which are matched by their order from left to right."""
    found_in = (predictor.predict(frame.image) for frame in frames)
    rows = [sorted(found, key=lambda row: row.box or ()) for found in found_in]
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
    columns = ("frame", *EVERY.values())
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
    stream = (Frame(index, index / FRAME_RATE, few[index % len(few)]) for index in range(count))
    tenth = count // 10
    events = predictor.watch(stream)
    deque(islice(events, tenth), maxlen=0)
    growth = peak_growth(lambda: deque(events, maxlen=0))
    return (
        f"Over {count} frames of 640 pixels memory grew by {growth:.0f} MB after the first {tenth}."
    )
