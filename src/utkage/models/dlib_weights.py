"""Initial weights from dlib's face recognition network, trained on three million faces.

King (2017, github.com/davisking/dlib-models) published it in the public domain (CC0). The PyPI
package ``face-recognition-models`` contains the file. Importing that package needs
``pkg_resources``, which newer installations lack, so the file is found without importing it.
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
    """Find the file in the installed ``face-recognition-models``.

    Raises:
        UsageError: the package is not installed, or does not contain the file.
    """
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
