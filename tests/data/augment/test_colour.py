import torch
from tests.support.augmented_chips import chips, images_of, only, varied


def test_grey_has_no_colour() -> None:
    images = varied(chips(), 40, only(grey=1.0))
    torch.testing.assert_close(images[:, 0], images[:, 1])
    torch.testing.assert_close(images[:, 0], images[:, 2])
    assert float(images.std()) > 1


def test_brightness_multiplies() -> None:
    flat = torch.full((50, 40, 40, 3), 100, dtype=torch.uint8)
    levels = varied(flat, 40, only(brightness=0.3))[:, 0, 20, 20]
    assert 65 < float(levels.min()) < 80
    assert 120 < float(levels.max()) < 135


def test_colours_as_one_would_compute_them_one_after_the_other() -> None:
    source = chips(50)
    config = only(brightness=0.3, contrast=0.3, saturation=0.4)
    images = varied(source, 40, config)
    plain = images_of(source).double()
    luma = (plain * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
    middle = luma.mean((1, 2, 3), keepdim=True)
    for index in range(50):
        # Three unknown strengths, found by least squares where nothing was cut off.
        inside = (images[index] > 0) & (images[index] < 255)
        terms = [plain[index], luma[index].expand(3, -1, -1), middle[index].expand(3, 40, 40)]
        matrix = torch.stack([term[inside] for term in terms], dim=1)
        values = images[index][inside].double()
        solution = torch.linalg.lstsq(matrix, values.unsqueeze(1)).solution.squeeze(1)
        torch.testing.assert_close(matrix @ solution, values, atol=0.01, rtol=0)
        own, from_luma, from_middle = solution.tolist()
        brightness = own + from_luma + from_middle
        contrast = (own + from_luma) / brightness
        saturation = own / (own + from_luma)
        assert 0.7 <= brightness <= 1.3
        assert 0.7 - 1e-4 <= contrast <= 1.3 + 1e-4
        assert 0.6 - 1e-4 <= saturation <= 1.4 + 1e-4
