import numpy as np
import pytest

from utkage.core.errors import ImageError
from utkage.images.resize import resize_square


def test_same_size_is_the_same_array():
    rgb = np.zeros((50, 50, 3), np.uint8)
    assert resize_square(rgb, 50) is rgb


def test_shrinking_averages_areas():
    checks = np.indices((80, 80)).sum(axis=0) % 2 * 200
    rgb = np.repeat(checks[..., None], 3, 2).astype(np.uint8)
    assert set(np.unique(resize_square(rgb, 20))) == {100}


@pytest.mark.parametrize("shape", [(20, 20), (20, 90), (90, 20), (33, 47)])
@pytest.mark.parametrize("size", [1, 33, 64])
def test_any_shape_becomes_square_and_keeps_its_mean(shape, size):
    rgb = np.zeros((*shape, 3), np.uint8)
    rgb[..., 1] = np.linspace(40, 200, shape[1])
    result = resize_square(rgb, size)
    assert result.shape == (size, size, 3)
    assert result.dtype == np.uint8
    assert abs(result[..., 1].mean() - 120) < 3
    assert result[..., 0].max() == 0


def test_enlarging_is_smooth():
    rgb = np.zeros((8, 8, 3), np.uint8)
    rgb[:, 4:] = 200
    row = resize_square(rgb, 64)[32, :, 0].astype(int)
    assert np.abs(np.diff(row)).max() < 60


@pytest.mark.parametrize(("shape", "size"), [((0, 5, 3), 10), ((5, 5, 3), 0)])
def test_impossible_sizes(shape, size):
    with pytest.raises(ImageError, match="cannot resize"):
        resize_square(np.zeros(shape, np.uint8), size)
