"""Measure videos: how calm ages are, how fast frames go, what memory does; into docs/predict.md.

python tools/write_video_numbers.py
"""

from __future__ import annotations

import datetime
import gc
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tools.docs.numbers import fill_page
from tools.examples.clip import RATE, moving, write_clip
from utkage import Predictor
from utkage.images.decode import load_image
from utkage.images.video import Frame, open_video
from utkage.prediction.face_tracks import TrackedFrame, TrackingSettings

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "predict.md"
STILLS = ("portrait", "couple", "family")
FRAMES = 100
# From the second second on; the first looks are nearly single ones themselves.
SETTLED = 20
EVERY = (1, 5, 10)
SIZES = ((640, 360), (1280, 720))
TURNS = 5
LONG = 1000


def main() -> int:
    """Measure and write."""
    predictor = Predictor.shipped()
    content = "\n".join([calmness(predictor), "", speed(predictor), "", memory(predictor), ""])
    today = datetime.date.today().isoformat()
    content += f"\nShipped weights, flip averaging; `tools/write_video_numbers.py`, {today}."
    fill_page(PAGE, "videos", content)
    return 0


def calmness(predictor: Predictor) -> str:
    """Standard deviation of ages over the frames of clips made from stills."""
    lines = [
        "| clip of | faces | frame by frame | "
        + " | ".join(f"tracked, a look every {every}" for every in EVERY)
        + " | calmer, every 5 |",
        "|---" * (len(EVERY) + 4) + "|",
    ]
    for name in STILLS:
        with tempfile.TemporaryDirectory() as folder:
            clip = Path(folder) / "clip.mp4"
            write_clip(clip, load_image(ROOT / "examples" / f"{name}.jpg"), FRAMES, side=800)
            frames = list(open_video(clip).frames())
        alone = _alone(predictor, frames)
        shown = {every: _shown(predictor, frames, every) for every in EVERY}
        spread = {
            every: float(np.mean([ages.std() for ages in shown[every].values()])) for every in EVERY
        }
        ratio = f"{alone / spread[5]:.1f} times" if spread[5] else "does not move"
        cells = " | ".join(f"{spread[every]:.2f}" for every in EVERY)
        lines.append(f"| {name} | {len(shown[5])} | {alone:.2f} | {cells} | {ratio} |")
    lines.append(
        "\nStandard deviation, in years, of the age that is shown, over frames "
        f"{SETTLED} to {FRAMES} of clips of still pictures that nod, sway and come nearer in noise "
        f"({RATE:.0f} frames a second, long side 800 pixels); mean over faces."
    )
    return "\n".join(lines)


def _alone(predictor: Predictor, frames: list[Frame]) -> float:
    """Mean over faces; a face is known by its place from left to right in all frames."""
    rows = [
        sorted(predictor.predict(frame.image), key=lambda row: row.box or ()) for frame in frames
    ]
    usual = statistics.mode(len(found) for found in rows)
    ages = np.array([[row.age for row in found] for found in rows if len(found) == usual])
    return float(ages[SETTLED:].std(axis=0).mean())


def _shown(predictor: Predictor, frames: list[Frame], every: int) -> dict[int, np.ndarray]:
    shown: dict[int, list[int]] = {}
    for event in predictor.watch(frames, TrackingSettings(every)):
        if isinstance(event, TrackedFrame) and event.frame.index >= SETTLED:
            for face in event.faces:
                shown.setdefault(face.track, []).append(face.shown_age)
    return {track: np.array(ages) for track, ages in shown.items()}


def speed(predictor: Predictor) -> str:
    """Frames a second as a ratio to looking at each frame, one after the other."""
    still = load_image(ROOT / "examples" / "couple.jpg")
    lines = ["| frame | " + " | ".join(f"a look every {every}" for every in EVERY) + " |"]
    lines.append("|---" * (len(EVERY) + 1) + "|")
    for width, height in SIZES:
        frames = [
            Frame(index, index / RATE, image)
            for index, image in enumerate(moving(still, 40, side=width))
        ]
        frames = [Frame(f.index, f.seconds, f.image[:height]) for f in frames]
        ratios: dict[int, list[float]] = {every: [] for every in EVERY}
        for _ in range(TURNS):
            started = time.perf_counter()
            for frame in frames:
                list(predictor.predict(frame.image))
            one_by_one = time.perf_counter() - started
            for every in EVERY:
                started = time.perf_counter()
                list(predictor.watch(frames, TrackingSettings(every)))
                ratios[every].append(one_by_one / (time.perf_counter() - started))
        cells = [f"{statistics.median(ratios[every]):.1f}" for every in EVERY]
        lines.append(f"| {width} x {frames[0].image.shape[0]} | {' | '.join(cells)} |")
    lines.append(
        "\nFrames a second over those of a loop that looks at each frame and answers for it; two "
        f"faces, {predictor.settings.workers} cores, median of {TURNS} turns."
    )
    return "\n".join(lines)


def memory(predictor: Predictor) -> str:
    """Growth of the process over a long video, after its first tenth."""
    still = load_image(ROOT / "examples" / "couple.jpg")
    few = list(moving(still, 40, side=640))

    def stream() -> Iterator[Frame]:
        for index in range(LONG):
            yield Frame(index, index / RATE, few[index % len(few)])

    curve = []
    for event in predictor.watch(stream()):
        if isinstance(event, TrackedFrame) and event.frame.index % 50 == 0:
            gc.collect()
            curve.append(_resident())
    growth = max(curve[2:]) - curve[2]
    return (
        f"Over {LONG} frames of 640 pixels the process grew by {growth:.0f} MB behind the "
        "first 100."
    )


def _resident() -> float:
    pages = Path("/proc/self/statm").read_text(encoding="utf-8").split()[1]
    return int(pages) * 4096 / 1e6


if __name__ == "__main__":
    sys.exit(main())
