"""Start from dlib's face recognition: a network that tells three million faces apart.

King (2017, github.com/davisking/dlib-models) trained it and gave it to the public domain (CC0).
The PyPI package ``face-recognition-models`` carries the file. Importing that package needs
``pkg_resources``, which newer installations lack, so its file is found without importing it.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor

from utkage.core.errors import UsageError
from utkage.models.batch_norms import make_affine, reinsert_batch_norms
from utkage.models.dlib_format import DlibFaceWeights, read_face_resnet
from utkage.models.dlib_resnet import DlibFaceResNet
from utkage.models.multitask import MultiTaskNet

PACKAGE = "face_recognition_models"
FILE = Path("models", "dlib_face_recognition_resnet_model_v1.dat")
INSTALL = "pip install 'utkage[dlib]'"


def dlib_weights_path() -> Path:
    """The file inside the installed ``face-recognition-models``.

    Raises:
        UsageError: the package is not installed, or lacks the file.
    """
    found = find_spec(PACKAGE)
    for folder in (found.submodule_search_locations or ()) if found else ():
        path = Path(folder) / FILE
        if path.is_file():
            return path
    raise UsageError(f"--init dlib needs the package face-recognition-models: {INSTALL}")


def load_dlib(network: MultiTaskNet, data: bytes, origin: str, sample: Tensor) -> None:
    """Fill the backbone of ``network`` with dlib's weights, in place; the heads stay.

    Args:
        network: A ``MultiTaskNet`` with the ``dlib_face_resnet`` backbone.
        data: The whole file.
        origin: Its name, for messages.
        sample: Chips on which the batch norms are measured, float (N, 3, H, W), RGB, 0..255;
            a few hundred are enough.

    Raises:
        UsageError: another backbone.
        WeightsError: the file is damaged, or of another network.
    """
    if not isinstance(network.backbone, DlibFaceResNet):
        raise UsageError("--init dlib is for --backbone dlib_face_resnet only")
    fill_face_resnet(network.backbone, read_face_resnet(data, origin))
    reinsert_batch_norms(network, sample)


@torch.no_grad()
def fill_face_resnet(backbone: DlibFaceResNet, weights: DlibFaceWeights) -> None:
    """Let ``backbone`` compute, in evaluation mode, what dlib computes before its descriptor."""
    for unit, found in zip(backbone.convolutions(), weights.convolutions, strict=True):
        unit.conv.weight.copy_(torch.from_numpy(found.weight))
        # Our convolutions have no bias: the norm behind them takes it.
        shift = found.scale * found.bias + found.shift
        make_affine(unit.norm, torch.from_numpy(found.scale), torch.from_numpy(shift))
