"""JPEG losses against Pillow's files."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from tests.support.augmented_chips import images_of, only, photographs

from utkage.data.augment import AugmentConfig, augment
from utkage.data.augment.jpeg import jpeg_losses
from utkage.data.sample_random import SampleRandom


def varied(source: torch.Tensor, config: AugmentConfig) -> torch.Tensor:
    random = SampleRandom(0, 0, torch.arange(len(source)))
    return augment(source, source.shape[1], config, random)


def decibels(first: torch.Tensor, second: torch.Tensor) -> float:
    return float(10 * torch.log10(255**2 / (first - second).double().square().mean()))


@pytest.mark.parametrize("quality", [10, 30, 49, 50, 75, 95])
@pytest.mark.parametrize("size", [160, 100])
def test_jpeg_against_pillow(quality: int, size: int) -> None:
    source = photographs(size)
    plain = images_of(source)
    ours = jpeg_losses(plain, torch.full((5,), float(quality)))
    for index, chip in enumerate(source.numpy()):
        file = io.BytesIO()
        Image.fromarray(chip).save(file, "JPEG", quality=quality)
        theirs = images_of(torch.from_numpy(np.array(Image.open(file)))[None])[0]
        lost = decibels(theirs, plain[index])
        # Far nearer to the file than either is to the picture, and as much is lost.
        assert decibels(ours[index].round(), theirs) > max(40.0, lost + 6)
        assert decibels(ours[index], plain[index]) == pytest.approx(lost, abs=0.3)


def test_jpeg_takes_a_quality_for_each_image() -> None:
    plain = images_of(photographs(64))[:1].expand(3, -1, -1, -1)
    qualities = torch.tensor([20.0, 95.0, 50.0])
    together = jpeg_losses(plain, qualities)
    for index in range(3):
        alone = jpeg_losses(plain[:1], qualities[index : index + 1])[0]
        torch.testing.assert_close(together[index], alone, atol=1e-2, rtol=0)
    lost = [decibels(image, plain[0]) for image in together]
    assert lost[0] + 2 < lost[2] < lost[1] - 2


def test_jpeg_reaches_the_chosen_images_only() -> None:
    source = photographs(48)[:1].expand(400, -1, -1, -1)
    plain = images_of(source)
    images = varied(source, only(jpeg=0.2, jpeg_quality=40))
    changed = (images - plain).abs().amax((1, 2, 3)) > 0
    assert float(changed.float().mean()) == pytest.approx(0.2, abs=0.06)
    lost = [decibels(image, plain[0]) for image in images[changed]]
    bounds = [
        decibels(jpeg_losses(plain[:1], torch.tensor([q]))[0], plain[0]) for q in (40.0, 95.0)
    ]
    assert bounds[0] - 0.01 <= min(lost) < bounds[0] + 1.5
    assert bounds[1] - 3 < max(lost) <= bounds[1] + 0.01
