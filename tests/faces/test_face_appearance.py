"""The classifier of covered and unusual faces: its file, its arithmetic, and made faces."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F  # noqa: N812 - the field's usual name

from tools.quality import coverings, looks
from tools.quality.face_frame import Image
from utkage.core.errors import WeightsError
from utkage.faces.contract import utkface_contract
from utkage.faces.face_appearance import (
    INPUT_SIZE,
    FaceAppearance,
    shipped_face_appearance,
)
from utkage.faces.quality import weaknesses
from utkage.faces.recrop import recrop_aligned
from utkage.images.decode import load_image

CONTRACT = utkface_contract(200)
KINDS = {
    **{name: ("covered", painter) for name, painter in coverings.COVERINGS.items()},
    **{name: ("unusual", painter) for name, painter in looks.LOOKS.items()},
}


@pytest.fixture(scope="module")
def made_faces(examples: Path) -> list[Image]:
    """The averaged faces of the repository."""
    return [load_image(path) for path in sorted((examples / "faces").glob("*.jpg"))]


def small_classifier() -> FaceAppearance:
    random = np.random.default_rng(0)

    def layer(inputs: int, outputs: int) -> tuple[np.ndarray, np.ndarray]:
        weights = random.normal(0, 0.2, (inputs, outputs)).astype(np.float16)
        return weights.astype(np.float32), np.linspace(-0.5, 0.5, outputs, dtype=np.float16)

    side = INPUT_SIZE // 4
    return FaceAppearance(
        [layer(27, 4), layer(36, 5)],
        [layer(side * side * 5, 6), layer(6, 2)],
        np.array([0.25, 0.75], dtype=np.float32),
        {"made": "at random"},
    )


def test_the_arithmetic_is_that_of_convolutions_in_torch() -> None:
    classifier = small_classifier()
    chip = np.random.default_rng(1).integers(0, 256, (INPUT_SIZE, INPUT_SIZE, 3), dtype=np.uint8)
    values = torch.from_numpy(chip).permute(2, 0, 1)[None].float() / 255 - 0.5
    for weights, bias in classifier.convolutions:
        kernels = torch.from_numpy(weights).reshape(3, 3, -1, weights.shape[1]).permute(3, 2, 0, 1)
        values = F.relu(F.conv2d(values, kernels, torch.from_numpy(bias).float(), 2, 1))
    flat = values.permute(0, 2, 3, 1).flatten()
    (first, one), (last, two) = (map(torch.from_numpy, pair) for pair in classifier.dense)
    expected = torch.sigmoid(F.relu(flat @ first + one.float()) @ last + two.float())
    np.testing.assert_allclose(classifier.probabilities(chip), expected, atol=1e-5)


def test_a_file_keeps_everything(tmp_path: Path) -> None:
    classifier, path = small_classifier(), tmp_path / "one.safetensors"
    classifier.save(path)
    again = FaceAppearance.open(path)
    chip = np.random.default_rng(2).integers(0, 256, (90, 90, 3), dtype=np.uint8)
    np.testing.assert_allclose(again.probabilities(chip), classifier.probabilities(chip), atol=1e-4)
    assert list(again.thresholds) == [0.25, 0.75]
    assert again.lineage == {"made": "at random"}


@pytest.mark.parametrize("content", [b"", b"nothing of ours", b"\x02\0\0\0\0\0\0\0{}"])
def test_a_damaged_file_is_one_error(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bad.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"bad\.safetensors: the classifier of quality flags"):
        FaceAppearance.open(path)


def test_the_shipped_file_names_its_lineage() -> None:
    shipped = shipped_face_appearance()
    assert {"training", "thresholds", "validation_faces", "date"} <= set(shipped.lineage)
    assert ((shipped.thresholds > 0.1) & (shipped.thresholds < 0.9)).all()


def test_plain_made_faces_have_no_flag(made_faces: list[Image]) -> None:
    assert len(made_faces) == 12
    for chip in made_faces:
        assert weaknesses(chip, CONTRACT, appearance=shipped_face_appearance()) == ()
        grey = looks.grey_picture(chip, CONTRACT.template, np.random.default_rng(0))
        assert weaknesses(grey, CONTRACT, appearance=shipped_face_appearance()) == ()


@pytest.mark.parametrize("kind", KINDS)
def test_painted_made_faces_are_flagged(kind: str, made_faces: list[Image]) -> None:
    flag, painter = KINDS[kind]
    random = np.random.default_rng(0)
    painted = [painter(chip, CONTRACT.template, random) for chip in made_faces * 2]
    flagged = [
        flag in weaknesses(chip, CONTRACT, appearance=shipped_face_appearance()) for chip in painted
    ]
    assert np.mean(flagged) >= 0.8


@pytest.mark.parametrize("kind", coverings.PLAIN_ADDITIONS)
def test_what_hides_little_is_rarely_flagged(kind: str, made_faces: list[Image]) -> None:
    random = np.random.default_rng(0)
    painter = coverings.PLAIN_ADDITIONS[kind]
    painted = [painter(chip, CONTRACT.template, random) for chip in made_faces * 2]
    flags = [weaknesses(chip, CONTRACT, appearance=shipped_face_appearance()) for chip in painted]
    assert np.mean(["covered" in own for own in flags]) <= 0.15


def test_chips_of_any_size_and_margin_give_the_same_flags(made_faces: list[Image]) -> None:
    random = np.random.default_rng(0)
    masked = coverings.mask(made_faces[3], CONTRACT.template, random)
    for contract in (utkface_contract(96), utkface_contract(160, 0.1), utkface_contract(192, 0.25)):
        chip = recrop_aligned(masked, contract)
        assert weaknesses(chip, contract, appearance=shipped_face_appearance()) == ("covered",)


def test_chips_of_another_crop_have_neither_flag(made_faces: list[Image]) -> None:
    masked = coverings.mask(made_faces[3], CONTRACT.template, np.random.default_rng(0))
    narrower = CONTRACT.with_margin(-0.2)
    chip = np.ascontiguousarray(masked[40:160, 40:160])
    assert weaknesses(chip, narrower, appearance=shipped_face_appearance()) == ()
