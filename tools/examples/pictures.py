"""Make the pictures in examples/ from a folder of aligned UTKFace chips.

    python tools/make_examples.py DATA_FOLDER [--out examples]

The chips themselves may not be passed on; averages over many of them show nobody and may. The
same chips and seed give the same pictures (on one version of the libraries).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from tools.examples.averages import (
    GROUPS,
    AverageFace,
    AverageOptions,
    Pixels,
    average_group,
    write_chip,
)
from tools.examples.scenes import paint_scene, scenes, write_scene
from utkage.core.errors import UtkageError
from utkage.core.files import write_text

README = """# Example pictures

Nobody in these pictures exists. They are made by `tools/make_examples.py`:

    python tools/make_examples.py DATA_FOLDER --out examples

* `faces/` has {faces} averaged faces, one for each age group and gender, in the geometry of the
  aligned UTKFace chips (200x200). Each is the mean of many chips: the frontal, sharp and most
  typical ones of the group, moved onto common landmarks, registered onto their mean, averaged,
  and sharpened towards the contrast of single chips.
* `portrait.jpg` (one face), `couple.jpg` (two), `family.jpg` (seven, of different ages and sizes),
  `rotated.jpg` (one face, stored sideways with an EXIF orientation tag) and `landscape.jpg` (no
  face) are painted: averaged faces with drawn hair and shoulders before drawn backgrounds, with
  sensor noise.

`python tools/make_demo_set.py OUT` makes a small labelled set of chips from `faces/`, for trying
the training without any data.

How many chips went into each face:

| face | averaged | in the data set |
|---|---|---|
{rows}

The ages of averaged faces are the ages of groups: use these pictures to see the tools work, not
to measure them. An average face also looks smoother, and often younger, than a real one.

## Source and terms

The averages were computed from [UTKFace](https://susanqq.github.io/UTKFace/), which is available
for non-commercial research purposes only; its pictures belong to their owners, and none of them
is in this repository. Treat the pictures here as derived from that data, under the same terms.
"""


def make_faces(data: Path, out: Path, options: AverageOptions) -> list[AverageFace]:
    """Average all groups and write ``faces/<group>.jpg`` below ``out``.

    Raises:
        DataError: a group has too few usable chips.
    """
    made = []
    for group in GROUPS:
        face = average_group(data, group, options)
        write_chip(out / "faces" / f"{group.name}.jpg", face.pixels)
        made.append(face)
    return made


def make_scenes(faces_dir: Path, out: Path, seed: int) -> list[Path]:
    """Paint all scenes with the faces in ``faces_dir``."""
    faces = {path.stem: _load(path) for path in sorted(faces_dir.glob("*.jpg"))}
    paths = []
    for scene in scenes():
        path = out / scene.name
        write_scene(scene, paint_scene(scene, faces, seed), path)
        paths.append(path)
    return paths


def readme(faces: Sequence[AverageFace]) -> str:
    """The text of ``examples/README.md``."""
    rows = [f"| {face.group.name} | {face.used} | {face.seen} |" for face in faces]
    return README.format(faces=len(faces), rows="\n".join(rows))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Make examples/ from aligned UTKFace chips.")
    parser.add_argument("data", type=Path, help="folder of 200x200 chips")
    parser.add_argument("--out", type=Path, default=Path("examples"))
    parser.add_argument("--minimum", type=int, default=AverageOptions.minimum, help="chips a face")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    try:
        faces = make_faces(given.data, given.out, AverageOptions(minimum=given.minimum))
    except UtkageError as error:
        print(error, file=sys.stderr)
        return int(error.exit_code)
    make_scenes(given.out / "faces", given.out, given.seed)
    write_text(given.out / "README.md", readme(faces))
    return 0


def _load(path: Path) -> Pixels:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"), np.float32)


if __name__ == "__main__":
    raise SystemExit(main())
