"""``export --format web``: a folder for any web server, whose page predicts in the browser.

It contains an exported ONNX file, a face detector (``web_detectors``), ONNX Runtime for browsers
(from the npm package ``onnxruntime-web``) and the page. It loads nothing from other servers, and
after the first visit it works offline.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from utkage.core.files import file_hash, write_text
from utkage.core.json_text import json_text
from utkage.core.reporter import Reporter
from utkage.core.single_writer import new_folder, require_new_folder
from utkage.data.labels import RANGE_NAMES
from utkage.exporting.export import ExportRequest, ExportResult, export
from utkage.exporting.formats import WEB
from utkage.exporting.npm_files import npm_files
from utkage.exporting.web_detectors import DEFAULT_DETECTOR, read_web_detector
from utkage.faces.contract import CropContract
from utkage.images.formats import IMAGE_SUFFIXES
from utkage.models.locate import resolve_weights
from utkage.prediction.rows import FaceRow, RowOptions

DEFAULT_FOLDER = Path("utkage-web")
MODEL_NAME = "faces.onnx"
DETECTOR_NAME = "detector.onnx"
CONTRACT_NAME = "contract.json"
OFFLINE_NAME = "offline.js"
PAGE = (
    *("index.html", "style.css", "manifest.json", "icon.svg", "icon.png"),
    *("app.js", "inputs.js", "pictures.js", "rows.js", "table.js", "viewer.js"),
    *("camera.js", "smoothing.js", "predictor.js", "worker.js", "service_worker.js"),
    *("faces.js", "detector.js", "networks.js", "pixels.js"),
)
RUNTIME_PACKAGE = "onnxruntime-web"
# WebAssembly on the CPU, which every browser supports.
RUNTIME = (
    "dist/ort.wasm.min.mjs",
    "dist/ort-wasm-simd-threaded.mjs",
    "dist/ort-wasm-simd-threaded.wasm",
)


def export_web(
    request: ExportRequest,
    modules: Path,
    reporter: Reporter | None = None,
    *,
    detector: str = DEFAULT_DETECTOR,
) -> ExportResult:
    """Write the folder; it gets its name when it is complete.

    Args:
        request: The export; ``out`` is the folder, and the format ``"onnx"``.
        modules: The ``node_modules`` folder that contains ``onnxruntime-web``.
        reporter: Receives messages and progress.
        detector: A key of ``WEB_DETECTORS``.

    Raises:
        UsageError: the folder exists, another process is writing it, or ``onnxruntime-web`` or the
            detector is missing.
        ParityError: as for ``export``.
    """
    out = request.out or DEFAULT_FOLDER
    require_new_folder(out)
    runtime = npm_files(modules, RUNTIME_PACKAGE, *RUNTIME)
    network = read_web_detector(detector, modules)
    weights = resolve_weights(request.weights)
    with new_folder(out) as folder:
        result = export(replace(request, weights=weights, out=folder / MODEL_NAME), reporter)
        settings = page_settings(weights.card.contract, detector, request.interval)
        fill_web_folder(folder, settings, network, runtime)
    return replace(
        result, path=out / MODEL_NAME, format=WEB, parity_file=out / result.parity_file.name
    )


def page_settings(contract: CropContract, detector: str, interval: float) -> dict[str, Any]:
    """What the page has to know: the crop contract, and the rows and pictures of ``predict``."""
    return {
        "size": contract.size,
        "template": contract.template,
        "ranges": RANGE_NAMES,
        "detector": detector,
        "interval": interval,
        "uncertain_below": RowOptions().uncertain_below,
        "columns": FaceRow.columns_by_field(),
        "suffixes": IMAGE_SUFFIXES,
    }


def fill_web_folder(
    folder: Path, settings: Mapping[str, Any], network: bytes, runtime: Sequence[Path]
) -> None:
    """Add all files except ``MODEL_NAME`` to an existing folder.

    Args:
        folder: The folder; what it contains already works offline as well.
        settings: Those of ``page_settings``.
        network: The content of the detector's ONNX file.
        runtime: The ``RUNTIME`` files.
    """
    (folder / "ort").mkdir()
    for path in runtime:
        shutil.copyfile(path, folder / "ort" / path.name)
    (folder / DETECTOR_NAME).write_bytes(network)
    write_text(folder / CONTRACT_NAME, json_text(settings))
    page = files("utkage.exporting") / "web_page"
    for name in PAGE:
        (folder / name).write_bytes((page / name).read_bytes())
    write_text(folder / OFFLINE_NAME, _offline_files(folder))


def _offline_files(folder: Path) -> str:
    """A script with the files that the service worker keeps, and a version of their contents.

    Browsers compare this script with that of the last visit, so every change of a file arrives.
    """
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    kept = [path for path in paths if not path.name.endswith(".parity.json")]
    names = [path.relative_to(folder).as_posix() for path in kept]
    version = hashlib.sha256("".join(file_hash(path) for path in kept).encode()).hexdigest()[:16]
    return f"self.OFFLINE = {json_text({'version': version, 'files': names}).rstrip()};\n"
