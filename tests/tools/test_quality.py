"""Painting is repeatable, and the fitted network is the one that predict computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tools.quality import coverings, looks
from tools.quality.fit import AppearanceNet, fitted_layers, thresholds_of
from tools.quality.unseen import UNSEEN_COVERINGS, UNSEEN_LOOKS
from utkage.faces.contract import utkface_contract
from utkage.faces.face_appearance import INPUT_SIZE, FaceAppearance
from utkage.images.decode import load_image

PAINTERS = {
    **coverings.COVERINGS,
    **coverings.PLAIN_ADDITIONS,
    **looks.LOOKS,
    **looks.USUAL_LOOKS,
    **UNSEEN_COVERINGS,
    **UNSEEN_LOOKS,
}


@pytest.mark.parametrize("kind", PAINTERS)
def test_painting_is_repeatable_and_leaves_its_picture_alone(kind: str, examples: Path) -> None:
    chip = load_image(examples / "faces" / "28-38_female.jpg")
    before = chip.copy()
    landmarks = utkface_contract(200).template
    one, two = (PAINTERS[kind](chip, landmarks, np.random.default_rng(5)) for _ in range(2))
    assert one.dtype == np.uint8
    assert one.shape == chip.shape
    assert (one == two).all()
    assert (chip == before).all()
    assert (one != chip).any()


def test_batch_norms_are_folded_into_the_convolutions() -> None:
    torch.manual_seed(0)
    network = AppearanceNet()
    chips = torch.randint(0, 256, (8, 3, INPUT_SIZE, INPUT_SIZE), dtype=torch.uint8)
    for _ in range(3):
        network(chips)
    network.eval()
    classifier = FaceAppearance(*fitted_layers(network), np.zeros(2, dtype=np.float32), {})
    with torch.inference_mode():
        expected = torch.sigmoid(network(chips)).numpy()
    own = [classifier.probabilities(chip.permute(1, 2, 0).numpy()) for chip in chips]
    np.testing.assert_allclose(own, expected, atol=1e-5)


def test_thresholds_hold_in_each_source() -> None:
    random = np.random.default_rng(0)
    plain = random.uniform(0, 1, (4000, 2)).astype(np.float32)
    sources = np.array(["easy"] * 3000 + ["hard"] * 1000)
    plain[:3000] *= 0.5
    thresholds = thresholds_of(plain, sources)
    assert (plain[sources == "hard"] >= thresholds).mean() == pytest.approx(0.01, abs=0.002)
    assert (plain[sources == "easy"] < thresholds).all()
    assert (thresholds_of(plain * 0.1, sources) == np.float32(0.3)).all()
