"""The pictures in ``examples/``: averaged faces and painted scenes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tools.documents import markdown, with_block
from tools.examples.averages import GROUPS, AverageFace, AverageOptions, average_group, write_chip
from tools.examples.scenes import paint_scene, scenes, write_scene
from utkage.core.files import write_text
from utkage.images.decode import load_image


def make_pictures(data: Path, out: Path, options: AverageOptions, seed: int) -> None:
    """Make everything in ``examples/`` from a folder of aligned 200x200 UTKFace chips.

    Raises:
        DataError: a group has too few usable chips.
    """
    table = face_table(make_faces(data, out, options))
    make_scenes(out / "faces", out, seed)
    page = out / "README.md"
    if page.is_file():
        write_text(page, with_block(page.read_text(encoding="utf-8"), "faces", table))


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
    faces = {
        path.stem: np.asarray(load_image(path), np.float32)
        for path in sorted(faces_dir.glob("*.jpg"))
    }
    paths = []
    for scene in scenes():
        path = out / scene.name
        write_scene(scene, paint_scene(scene, faces, seed), path)
        paths.append(path)
    return paths


def face_table(faces: Sequence[AverageFace]) -> str:
    """How many chips are behind each face, for ``examples/README.md``."""
    rows = [(face.group.name, str(face.used), str(face.seen)) for face in faces]
    return markdown(("face", "chips averaged", "chips in the data set"), rows)
