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
from utkage.faces import face_appearance, quality
from utkage.faces.contract import UTKFACE_CHIP_SIZE, CropContract, utkface_contract
from utkage.images.formats import IMAGE_SUFFIXES
from utkage.models.calibration import Calibration
from utkage.models.locate import resolve_weights
from utkage.prediction.rows import FaceRow, RowOptions
from utkage.prediction.wider_intervals import shipped_wider_intervals

DEFAULT_FOLDER = Path("utkage-web")
MODEL_NAME = "faces.onnx"
DETECTOR_NAME = "detector.onnx"
CONTRACT_NAME = "contract.json"
OFFLINE_NAME = "offline.js"
PAGE = (
    *("index.html", "style.css", "manifest.json", "icon.svg", "icon.png"),
    *("app.js", "inputs.js", "pictures.js", "rows.js", "table.js", "viewer.js"),
    *("camera.js", "smoothing.js", "predictor.js", "worker.js", "service_worker.js"),
    *("faces.js", "detector.js", "networks.js", "pixels.js", "ages.js", "quality.js"),
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
        card = weights.card
        settings = page_settings(card.contract, detector, request.interval, card.calibration)
        fill_web_folder(folder, settings, network, runtime)
    return replace(
        result, path=out / MODEL_NAME, format=WEB, parity_file=out / result.parity_file.name
    )


def page_settings(
    contract: CropContract,
    detector: str,
    interval: float,
    calibration: Calibration | None = None,
) -> dict[str, Any]:
    """What the page needs: the crop contract, the calibration, and the settings of ``predict``."""
    standard, wider = contract.without_margin(), shipped_wider_intervals()
    knows_appearance = standard.fits(utkface_contract(UTKFACE_CHIP_SIZE))
    return {
        "size": contract.size,
        "inner_size": standard.size,
        "template": contract.template,
        "ranges": RANGE_NAMES,
        "detector": detector,
        "interval": interval,
        "uncertain_below": RowOptions().uncertain_below,
        "columns": FaceRow.columns_by_field(),
        "suffixes": IMAGE_SUFFIXES,
        "quality": {
            "small_below": quality.SMALL_BELOW,
            "blurred_below": quality.BLURRED_BELOW,
            "sharpness_size": quality.SHARPNESS_SIZE,
            "turned_from": quality.TURNED_FROM,
            "cut_off_from": quality.CUT_OFF_FROM,
            "inner_part": quality.INNER_PART,
            "grid": quality.GRID,
        },
        "appearance_size": face_appearance.INPUT_SIZE if knows_appearance else None,
        "wider": {"levels": wider.levels, "requested": wider.requested},
        "calibration": None
        if calibration is None
        else {
            "levels": calibration.levels,
            "bands": [
                {"first": band.first, "requested": band.requested} for band in calibration.bands
            ],
        },
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
    appearance = files("utkage") / "shipped" / face_appearance.SHIPPED_FILE
    (folder / face_appearance.SHIPPED_FILE).write_bytes(appearance.read_bytes())
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
