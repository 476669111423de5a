"""A folder for any web server, whose page finds faces and predicts for them in the browser.

It contains an exported ONNX file, a face detector (``web_detectors``), ONNX Runtime for browsers
(from the npm package ``onnxruntime-web``) and the page. It loads nothing from other servers.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from utkage.core.files import write_text
from utkage.data.labels import RANGE_NAMES
from utkage.exporting.npm_files import npm_files
from utkage.faces.contract import CropContract

MODEL_NAME = "faces.onnx"
DETECTOR_NAME = "detector.onnx"
CONTRACT_NAME = "contract.json"
PAGE = ("index.html", "app.js", "faces.js", "detector.js", "networks.js", "pixels.js")
RUNTIME_PACKAGE = "onnxruntime-web"
# WebAssembly on the CPU, which every browser supports.
RUNTIME = (
    "dist/ort.wasm.min.mjs",
    "dist/ort-wasm-simd-threaded.mjs",
    "dist/ort-wasm-simd-threaded.wasm",
)


def runtime_files(modules: Path) -> list[Path]:
    """Find the files of ONNX Runtime for browsers in a ``node_modules`` folder.

    Raises:
        UsageError: a file is missing.
    """
    return npm_files(modules, RUNTIME_PACKAGE, *RUNTIME)


def fill_web_folder(
    folder: Path, contract: CropContract, detector: str, network: bytes, runtime: Sequence[Path]
) -> None:
    """Write all files except ``MODEL_NAME`` to an existing folder.

    ``network`` is the content of the detector's ONNX file; ``runtime`` is from ``runtime_files``.
    """
    (folder / "ort").mkdir()
    for path in runtime:
        shutil.copyfile(path, folder / "ort" / path.name)
    (folder / DETECTOR_NAME).write_bytes(network)
    settings = {
        "size": contract.size,
        "template": contract.template,
        "ranges": RANGE_NAMES,
        "detector": detector,
    }
    write_text(folder / CONTRACT_NAME, json.dumps(settings))
    page = files("utkage.exporting") / "web_page"
    for name in PAGE:
        write_text(folder / name, (page / name).read_text(encoding="utf-8"))
