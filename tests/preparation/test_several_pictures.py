"""``prepare`` and ``evaluate`` use the first picture with a face of a file with several."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from utkage.core.reporter import SilentReporter
from utkage.data.sources.options import SourceOptions
from utkage.evaluation.inputs.labelled_faces import FaceSelection, labelled_faces
from utkage.faces.contract import utkface_contract
from utkage.images.decode import load_image
from utkage.preparation.prepare import PrepareConfig, prepare

PHOTOGRAPHS = SourceOptions(aligned=False)


class Notes(SilentReporter):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def info(self, message: str) -> None:
        self.notes.append(message)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, examples: Path) -> Path:
    folder = tmp_path_factory.mktemp("animations")
    portrait = Image.fromarray(load_image(examples / "portrait.jpg")).resize((200, 240))
    black = Image.new("RGB", portrait.size)
    green = Image.new("RGB", portrait.size, (0, 120, 0))
    for number, suffix in enumerate((".gif", ".webp", ".png", ".tif", ".mpo")):
        options = {"lossless": True} if suffix == ".webp" else {}
        # The files have different faces, so that none is a duplicate.
        turned = portrait.rotate(3 * number, fillcolor=(90, 90, 90))
        black.save(
            folder / f"{number}{suffix}",
            save_all=True,
            append_images=[green, turned],
            **options,
        )
    black.save(folder / "none.gif", save_all=True, append_images=[green])
    portrait.save(folder / "single.png")
    rows = [f"{path.name},30,female\n" for path in folder.iterdir()]
    (folder / "labels.csv").write_text("path,age,gender\n" + "".join(rows))
    return folder


def test_prepare(folder: Path, tmp_path: Path) -> None:
    reporter = Notes()
    result = prepare(
        PrepareConfig(sources=(folder,), out=tmp_path / "set", options=PHOTOGRAPHS), reporter
    )
    assert sum(result.splits.values()) >= 1
    assert result.audit is not None
    (dropped,) = result.audit.dropped
    assert [(picture.name, picture.reason) for picture in dropped.pictures] == [
        ("none.gif", "no face was found")
    ]
    (note,) = (note for note in reporter.notes if "several pictures" in note)
    assert note.startswith(
        "5 files with several pictures: the first picture with a face is used, such as "
        "0.gif (picture 3), "
    )


def test_evaluate(folder: Path) -> None:
    reporter = Notes()
    faces = labelled_faces(
        FaceSelection(data=folder, options=PHOTOGRAPHS), utkface_contract(160), reporter
    )
    assert len(faces.chips) == 6
    assert faces.misses == 1
    assert any("5 files with several pictures" in note for note in reporter.notes)
    # Every chip shows the portrait, none of them black or green.
    assert all(np.ptp(chip[40:120, 40:120]) > 60 for chip in faces.chips.pixels[:])
