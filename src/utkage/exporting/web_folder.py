"""A folder that any web server can hand out: finds faces and answers for them in the browser.

Inside are an exported ONNX file, the network of a face detector (``web_detectors``), ONNX Runtime
for browsers (from the npm package ``onnxruntime-web``), our page, and nothing that asks another
server for anything.
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
from utkage.exporting.web_detectors import WebDetector
from utkage.faces.contract import CropContract

MODEL_NAME = "faces.onnx"
DETECTOR_NAME = "detector.onnx"
CONTRACT_NAME = "contract.json"
PAGE = ("index.html", "app.js", "faces.js", "detector.js", "networks.js", "pixels.js")
# Of onnxruntime-web: WebAssembly on the processor, which every browser has.
RUNTIME_PACKAGE = "onnxruntime-web"
RUNTIME = (
    "dist/ort.wasm.min.mjs",
    "dist/ort-wasm-simd-threaded.mjs",
    "dist/ort-wasm-simd-threaded.wasm",
)


def runtime_files(modules: Path) -> list[Path]:
    """The files of ONNX Runtime for browsers.

    Args:
        modules: The ``node_modules`` in which npm installed ``onnxruntime-web``.

    Raises:
        UsageError: they are not there.
    """
    return npm_files(modules, RUNTIME_PACKAGE, *RUNTIME)


def fill_web_folder(
    folder: Path, contract: CropContract, detector: WebDetector, runtime: Sequence[Path]
) -> None:
    """Put everything but ``MODEL_NAME`` into a folder.

    Args:
        folder: Is there.
        contract: Of the model.
        detector: Finds the faces.
        runtime: From ``runtime_files``.
    """
    (folder / "ort").mkdir()
    for path in runtime:
        shutil.copyfile(path, folder / "ort" / path.name)
    (folder / DETECTOR_NAME).write_bytes(detector.network)
    known = {
        "size": contract.size,
        "template": contract.template,
        "ranges": RANGE_NAMES,
        "detector": detector.name,
    }
    write_text(folder / CONTRACT_NAME, json.dumps(known))
    page = files("utkage.exporting") / "web_page"
    for name in PAGE:
        write_text(folder / name, (page / name).read_text(encoding="utf-8"))
