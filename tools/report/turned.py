"""``predict`` on portraits turned by quarters, and the cost of rotation on upright ones."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from tools.documents import ROOT, Block, markdown
from utkage import Predictor
from utkage.data.sources.registry import open_source
from utkage.images.decode import load_image
from utkage.images.discover import expand_inputs

EACH = 20
ROUNDS = 5
ANGLES = (90, 180, 270)

Image = NDArray[np.uint8]


def measure_turned(
    congress: Annotated[Path, typer.Option(help="folder of portraits")],
    aaf: Annotated[Path, typer.Option(help="archive of AAF photographs")],
) -> list[Block]:
    """Compare predictions for turned portraits with those for upright ones, and time the latter."""
    portraits = [*_spread(congress), *_photographs(aaf)]
    auto, plain = (Predictor.shipped(rotate=rotate, workers=1) for rotate in ("auto", "none"))
    rows = [
        (f"{angle}°", *_compare(auto, portraits, angle), *_compare(plain, portraits, angle))
        for angle in ANGLES
    ]
    family = load_image(ROOT / "examples" / "family.jpg")
    counts = [len(auto.predict_all(_turned(family, angle))) for angle in (0, *ANGLES)]
    cost = _cost(auto, plain, portraits)
    origin = (
        f"{len(portraits)} portraits of members of Congress and of AAF, turned clockwise; the "
        "ages are compared with those of the upright pictures. Faces of `examples/family.jpg` at "
        f"0, 90, 180 and 270 degrees: {', '.join(map(str, counts))}. CPU time of upright "
        f"portraits with `--rotate auto` over that with `none`: {cost:.3f} (median "
        f"of {ROUNDS} interleaved rounds). Shipped weights"
    )
    names = ("found", "mean age difference", "genders that change")
    columns = ("turned by", *names, *(f"{name}, `--rotate none`" for name in names))
    return [Block("predict.md", "turned", markdown(columns, rows), origin)]


def _spread(folder: Path) -> Iterator[Image]:
    files = expand_inputs([folder])
    yield from map(load_image, files[:: len(files) // EACH][:EACH])


def _photographs(archive: Path) -> Iterator[Image]:
    entries = [entry.content for entry in open_source(archive).entries() if entry.label]
    yield from map(load_image, entries[:: len(entries) // EACH][:EACH])


def _turned(rgb: Image, angle: int) -> Image:
    return np.ascontiguousarray(np.rot90(rgb, -angle // 90))


def _compare(predictor: Predictor, portraits: list[Image], angle: int) -> tuple[str, str, str]:
    """Portraits found, mean age difference, and genders that change, when turned by ``angle``."""
    differences, flips = [], 0
    for rgb in portraits:
        upright, turned = (predictor.predict_all(_turned(rgb, a))[0] for a in (0, angle))
        if upright.age is None or turned.age is None:
            continue
        differences.append(abs(turned.age - upright.age))
        flips += ((turned.p_female or 0) >= 0.5) != ((upright.p_female or 0) >= 0.5)
    found = f"{len(differences)} of {len(portraits)}"
    return found, f"{np.mean(differences):.2f} years", str(flips)


def _cost(auto: Predictor, plain: Predictor, portraits: list[Image]) -> float:
    """CPU time for upright portraits with rotation over that without."""

    def seconds(predictor: Predictor) -> float:
        start = time.process_time()
        predictor.predict_all(portraits)
        return time.process_time() - start

    return float(np.median([seconds(auto) / seconds(plain) for _ in range(ROUNDS)]))
