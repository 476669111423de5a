import numpy as np
import pytest
import torch

from utkage.models.mobilenet_v1 import BLOCKS, ConvUnit, MobileNetV1


def slow_same_convolution(
    image: np.ndarray, kernel: np.ndarray, stride: int, groups: int
) -> np.ndarray:
    """TensorFlow's "SAME": padding by formula, the odd pixel to the right and bottom."""
    outputs, _, side, _ = kernel.shape
    height, width = image.shape[1:]
    rows, columns = -(-height // stride), -(-width // stride)
    tall = max((rows - 1) * stride + side - height, 0)
    wide = max((columns - 1) * stride + side - width, 0)
    padded = np.pad(image, ((0, 0), (tall // 2, tall - tall // 2), (wide // 2, wide - wide // 2)))
    inside, outside = image.shape[0] // groups, outputs // groups
    result = np.zeros((outputs, rows, columns))
    for channel in range(outputs):
        first = channel // outside * inside
        for row in range(rows):
            for column in range(columns):
                top, left = row * stride, column * stride
                patch = padded[first : first + inside, top : top + side, left : left + side]
                result[channel, row, column] = (patch * kernel[channel]).sum()
    return result


@pytest.mark.parametrize(
    ("inputs", "outputs", "kernel", "stride", "groups"),
    [(3, 4, 3, 2, 1), (4, 4, 3, 2, 4), (4, 4, 3, 1, 4), (3, 5, 1, 1, 1), (3, 4, 3, 1, 1)],
)
def test_a_unit_equals_a_slow_reference(
    inputs: int, outputs: int, kernel: int, stride: int, groups: int
) -> None:
    torch.manual_seed(0)
    unit = ConvUnit(inputs, outputs, kernel, stride, groups).eval()
    norm = unit.norm
    assert norm.running_mean is not None
    assert norm.running_var is not None
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.5, 2)
    norm.weight.data.normal_(2, 1)
    norm.bias.data.normal_()
    image = torch.randn(1, inputs, 8, 10)
    with torch.inference_mode():
        found = unit(image)[0].double().numpy()
    raw = slow_same_convolution(
        image[0].double().numpy(), unit.conv.weight.detach().double().numpy(), stride, groups
    )
    mean, variance, scale, shift = (
        value.detach().double().numpy()[:, None, None]
        for value in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
    )
    expected = (raw - mean) / np.sqrt(variance + norm.eps) * scale + shift
    assert found.shape == expected.shape == (outputs, 8 // stride, 10 // stride)
    np.testing.assert_allclose(found, np.clip(expected, 0, 6), atol=1e-4)
    assert (found == 6).any() or (found == 0).any()


def test_strides_and_channels() -> None:
    network = MobileNetV1().eval()
    shapes: dict[str, tuple[int, ...]] = {}
    for name, unit in network.units.named_children():
        unit.register_forward_hook(
            lambda module, inputs, output, name=name: shapes.update({name: tuple(output.shape[1:])})
        )
    with torch.inference_mode():
        assert network(torch.zeros(1, 3, 64, 96)).shape == (1, 1024)
    assert shapes["stem"] == (32, 32, 48)
    scale = 2
    for index, (channels, stride) in enumerate(BLOCKS, start=1):
        scale *= stride
        assert shapes[f"pointwise_{index}"] == (channels, 64 // scale, 96 // scale)
        assert shapes[f"depthwise_{index}"][1:] == (64 // scale, 96 // scale)
    assert scale == 32
    assert len(shapes) == 27


def test_features_are_the_mean_over_all_positions() -> None:
    network = MobileNetV1().eval()
    maps: list[torch.Tensor] = []
    network.units.register_forward_hook(lambda module, inputs, output: maps.append(output))
    with torch.inference_mode():
        features = network(torch.randn(2, 3, 64, 64))
    torch.testing.assert_close(features, maps[0].flatten(2).mean(2))
