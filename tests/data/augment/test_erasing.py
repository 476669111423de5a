import math

import numpy as np
import pytest
import torch

from utkage.data.augment import NO_AUGMENTATION, AugmentConfig, augment
from utkage.data.sample_random import SampleRandom

SIDE = 100
COUNT = 800


def erased(count: int = COUNT, share: float = 1.0) -> torch.Tensor:
    # Noise never equals this value exactly.
    flat = torch.full((count, SIDE, SIDE, 3), 100, dtype=torch.uint8)
    config = AugmentConfig(**{**vars(NO_AUGMENTATION), "erase": share})
    return augment(flat, SIDE, config, SampleRandom(0, 0, torch.arange(count)))


@pytest.fixture(scope="module")
def boxes() -> np.ndarray:
    """Top, bottom, left, right of every rectangle, whose filling is checked on the way."""
    found = []
    for image in erased():
        changed = (image - 100).abs().amax(dim=0) > 1e-3
        rows, columns = changed.any(1).nonzero().squeeze(1), changed.any(0).nonzero().squeeze(1)
        box = (int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1)
        assert int(changed.sum()) == (box[1] - box[0]) * (box[3] - box[2])
        found.append(box)
    return np.array(found)


def test_areas_and_shapes(boxes: np.ndarray) -> None:
    height, width = boxes[:, 1] - boxes[:, 0], boxes[:, 3] - boxes[:, 2]
    share = height * width / SIDE**2
    assert share.min() >= 0.017
    assert share.max() <= 0.21
    # Uniform from 2 to 20 %, and as often high as wide.
    assert share.mean() == pytest.approx(0.11, abs=0.006)
    assert share.std() == pytest.approx(0.18 / math.sqrt(12), rel=0.06)
    aspect = np.log(height / width)
    assert np.abs(aspect).max() < 1.15
    assert aspect.mean() == pytest.approx(0, abs=0.08)
    assert aspect.std() == pytest.approx(1 / math.sqrt(3), rel=0.07)


def test_places_are_all_over(boxes: np.ndarray) -> None:
    for first, last in ((0, 1), (2, 3)):
        free = boxes[:, first] / (SIDE - (boxes[:, last] - boxes[:, first]))
        assert free.min() < 0.02
        assert free.max() > 0.98
        assert free.mean() == pytest.approx(0.5, abs=0.04)


def test_noise_is_uniform_and_of_its_own_for_every_pixel() -> None:
    images = erased(60)
    noise = images[images != 100].double()
    assert noise.min() < 1
    assert 254 < noise.max() <= 255
    assert float(noise.mean()) == pytest.approx(127.5, abs=1)
    assert float(noise.std()) == pytest.approx(255 / math.sqrt(12), rel=0.01)
    shares = np.histogram(noise.numpy(), bins=16, range=(0, 255))[0] / len(noise)
    np.testing.assert_allclose(shares, 1 / 16, rtol=0.05)
    inside = (images != 100).all(1)
    # Neither neighbours nor channels follow each other.
    both = inside[:, :, 1:] & inside[:, :, :-1]
    left, right = images[:, 0, :, 1:][both], images[:, 0, :, :-1][both]
    red, green = images[:, 0][inside], images[:, 1][inside]
    for one, other in ((left, right), (red, green)):
        assert abs(float(torch.corrcoef(torch.stack([one, other]))[0, 1])) < 4 / math.sqrt(len(one))


def test_the_share_of_erased_images() -> None:
    changed = (erased(share=0.25) != 100).flatten(1).any(1)
    assert float(changed.float().mean()) == pytest.approx(0.25, abs=0.05)
