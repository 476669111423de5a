"""Write face networks as dlib does, to test the reader without dlib's 22 megabytes."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from utkage.models.dlib_resnet import BLOCKS
from utkage.models.dlib_weights import DlibConvolution, DlibFaceWeights

Floats = NDArray[np.float32]


def made_weights(seed: int = 0) -> DlibFaceWeights:
    """Weights of the right shapes, scaled so that activations neither die nor explode."""
    random = np.random.default_rng(seed)

    def normal(*shape: int, scale: float = 1.0) -> Floats:
        return (random.standard_normal(shape) * scale).astype(np.float32)

    def convolution(inputs: int, outputs: int, kernel: int) -> DlibConvolution:
        return DlibConvolution(
            weight=normal(outputs, inputs, kernel, kernel, scale=(inputs * kernel**2) ** -0.5),
            bias=normal(outputs, scale=0.1),
            scale=(1 + normal(outputs, scale=0.1)).astype(np.float32),
            shift=normal(outputs, scale=0.2),
        )

    convolutions, channels = [convolution(3, 32, 7)], 32
    for outputs, _ in BLOCKS:
        convolutions += [convolution(channels, outputs, 3), convolution(outputs, outputs, 3)]
        channels = outputs
    return DlibFaceWeights(tuple(convolutions), normal(256, 128, scale=0.06))


@dataclass(frozen=True)
class Settings:
    """What a test may get wrong on purpose."""

    loss: str = "loss_metric_2"
    means: tuple[float, ...] = (122.782, 117.001, 104.298)
    layer_version: int = 2
    tensor_version: int = 2


def integer(value: int) -> bytes:
    """Control byte and little-endian bytes."""
    length = max(1, (abs(value).bit_length() + 7) // 8)
    return bytes([length | (0x80 if value < 0 else 0)]) + abs(value).to_bytes(length, "little")


def real(value: float, digits: int = 24) -> bytes:
    """Mantissa and exponent of two, without zero bytes at the end of the mantissa.

    24 digits are a float's, 53 a double's.
    """
    fraction, exponent = math.frexp(np.float32(value) if digits == 24 else value)
    mantissa, exponent = int(fraction * 2**digits), exponent - digits
    for _ in range(8):
        if mantissa % 256 == 0:
            mantissa, exponent = mantissa // 256, exponent + 8
    return integer(mantissa) + integer(exponent)


def text(value: str) -> bytes:
    """Length and bytes."""
    return integer(len(value)) + value.encode()


def alias(*sides: int) -> bytes:
    """The shape of a part of a tensor."""
    return b"".join(map(integer, (1, *sides)))


def face_resnet(weights: DlibFaceWeights, settings: Settings | None = None) -> bytes:
    """The whole file."""
    settings = settings or Settings()
    write = _Layers(settings)
    layers = list(weights.convolutions)
    parts = [
        _head(settings),
        write.convolution(layers.pop(0), 2, write.below_relu, integer(1)),
        write.plain("relu_"),
        write.plain("max_pool_2", 3, 3, 2, 2, 0, 0),
    ]
    for _, halves in BLOCKS:
        parts += [
            write.convolution(layers.pop(0), 2 if halves else 1, write.below_relu),
            write.plain("relu_"),
            write.convolution(layers.pop(0), 1, write.trailer),
            write.plain("avg_pool_2", 2, 2, 2, 2, 0, 0) if halves else b"",
            text("add_prev_"),
            write.below_relu,
            write.plain("relu_"),
        ]
    parts += [write.plain("avg_pool_2", 0, 0, 1, 1, 0, 0), write.descriptor(weights.descriptor)]
    return b"".join(parts)


def _head(settings: Settings) -> bytes:
    """What stands before the layers, from the last to the first: the loss, versions, the input."""
    versions = [settings.layer_version] * 2
    for _, halves in reversed(BLOCKS):
        versions += [2, 2, *([2, 1, 1] if halves else []), 2, 2, 2, 2, 2, 1]
    versions += [2, 2, 2, 3]
    return b"".join(
        (
            integer(1),
            text(settings.loss),
            real(0.04),
            real(0.6),
            *map(integer, versions),
            text("input_rgb_image_sized"),
            *map(real, settings.means),
            integer(150),
            integer(150),
        )
    )


class _Layers:
    """Writes single layers."""

    def __init__(self, settings: Settings) -> None:
        self._tensor_version = settings.tensor_version
        nothing = 3 * self._tensor(np.empty(0, dtype=np.float32))
        self.trailer = b"110" + nothing
        # A relu above works in place, and keeps the layer below it from having an output.
        self.below_relu = b"111" + nothing
        self._multipliers = 3 * real(1.0, 53) + real(0.0, 53)

    def plain(self, name: str, *numbers: int) -> bytes:
        """A layer without weights."""
        return text(name) + b"".join(map(integer, numbers)) + self.trailer

    def convolution(
        self, layer: DlibConvolution, stride: int, end: bytes, behind: bytes = b""
    ) -> bytes:
        """A convolution and its affine layer, which ends with ``end``."""
        outputs, inputs, kernel, _ = layer.weight.shape
        padding = 0 if stride == 2 else kernel // 2
        return b"".join(
            (
                text("con_4"),
                self._tensor(np.concatenate([layer.weight.ravel(), layer.bias])),
                *map(integer, (outputs, kernel, kernel, stride, stride, padding, padding)),
                alias(outputs, inputs, kernel, kernel),
                alias(1, outputs, 1, 1),
                self._multipliers,
                self.trailer,
                behind,
                text("affine_"),
                self._tensor(np.concatenate([layer.scale, layer.shift])),
                alias(1, outputs, 1, 1),
                alias(1, outputs, 1, 1),
                integer(0),
                end,
            )
        )

    def descriptor(self, weight: Floats) -> bytes:
        """The last layer, whose output is the descriptor."""
        return b"".join(
            (
                text("fc_2"),
                integer(128),
                integer(256),
                self._tensor(weight),
                alias(256, 128, 1, 1),
                alias(0, 0, 0, 0),
                integer(1),
                self._multipliers,
                self.trailer,
            )
        )

    def _tensor(self, values: Floats) -> bytes:
        sides = (*values.shape, 1, 1, 1)[:4] if values.size else (0, 0, 0, 0)
        head = b"".join(map(integer, (self._tensor_version, *sides)))
        return head + struct.pack(f"<{values.size}f", *values.ravel())
