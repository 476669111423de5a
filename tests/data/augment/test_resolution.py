"""Blur and lower resolution against the usual implementations."""

import pytest
import torch
from tests.support.augmented_chips import images_of, only, photographs
from torch.nn import functional as F  # noqa: N812
from torchvision.transforms.functional import gaussian_blur

from utkage.data.augment import AugmentConfig, augment
from utkage.data.augment.resolution import gaussian_matrices, resampling_matrices
from utkage.data.sample_random import SampleRandom

CPU = torch.device("cpu")


def varied(source: torch.Tensor, config: AugmentConfig) -> torch.Tensor:
    random = SampleRandom(0, 0, torch.arange(len(source)))
    return augment(source, source.shape[1], config, random)


def applied(matrix: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
    return matrix @ image @ matrix.T


def test_blur_against_torchvision() -> None:
    image = images_of(photographs(96))[0]
    for sigma in (0.4, 1.0, 2.0):
        blurred = applied(gaussian_matrices(torch.tensor([sigma]), 96, CPU)[0], image)
        expected = gaussian_blur(image, [31, 31], [sigma, sigma])
        # The two differ in what they take for the surroundings.
        inner = (slice(None), slice(16, -16), slice(16, -16))
        torch.testing.assert_close(blurred[inner], expected[inner], atol=0.01, rtol=0)


@pytest.mark.parametrize("size", [48, 97, 160])
def test_soften_against_interpolation(size: int) -> None:
    sizes = torch.tensor([17.0, round(size * 0.5), round(size * 0.8), float(size)])
    image = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0)) * 255
    for matrix, small in zip(resampling_matrices(sizes, size, CPU), sizes.tolist(), strict=True):
        shrunk = F.interpolate(image, size=int(small), mode="bilinear", antialias=True)
        expected = F.interpolate(shrunk, size=size, mode="bilinear")
        torch.testing.assert_close(applied(matrix, image[0]), expected[0], atol=0.02, rtol=0)


def test_blur_and_soften_reach_the_chosen_images_only() -> None:
    source = photographs(128)[:1].expand(400, -1, -1, -1)
    plain = images_of(source)
    for config, share in ((only(blur=0.3), 0.3), (only(soften=0.15), 0.15)):
        images = varied(source, config)
        changed = (images - plain).abs().amax((1, 2, 3)) > 0
        assert float(changed.float().mean()) == pytest.approx(share, abs=0.06)
        # Each by an amount of its own.
        rough = (images[changed].diff(dim=3)).abs().mean((1, 2, 3))
        assert float(rough.max()) < 0.9999 * float(plain[0].diff(dim=2).abs().mean())
        assert len(rough.unique()) > 10


def test_soften_keeps_the_mean() -> None:
    source = photographs(64)
    images = varied(source, only(soften=1.0))
    torch.testing.assert_close(images.mean((2, 3)), images_of(source).mean((2, 3)), atol=2, rtol=0)


def test_the_strongest_blur_is_the_stated_one() -> None:
    dot = torch.zeros(300, 81, 81, 3, dtype=torch.uint8)
    dot[:, 40, 40] = 255
    images = varied(dot, only(blur=1.0, blur_sigma=0.02))[:, 0].double()
    place = (torch.arange(81.0) - 40).double()
    sigma = ((images.sum(1) * place.square()).sum(1) / images.sum((1, 2))).sqrt()
    assert float(sigma.max()) == pytest.approx(0.02 * 81, rel=0.03)
    assert float(sigma.max()) <= 0.02 * 81 * 1.001
    assert float(sigma.mean()) == pytest.approx(0.6 * 0.02 * 81, rel=0.1)
