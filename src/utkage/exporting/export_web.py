"""``export --format web``: a folder for any web server, whose page predicts in the browser.

It contains an exported ONNX file, a face detector (``web_detectors``), ONNX Runtime for browsers
(from the npm package ``onnxruntime-web``) and the page. It loads nothing from other servers.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from utkage.core.errors import UsageError
from utkage.core.files import write_text
from utkage.core.json_text import json_text
from utkage.core.partials import partial_folder
from utkage.core.reporter import Reporter
from utkage.core.single_writer import holding_files
from utkage.data.labels import RANGE_NAMES
from utkage.exporting.export import ExportRequest, ExportResult, export
from utkage.exporting.formats import WEB
from utkage.exporting.npm_files import npm_files
from utkage.exporting.web_detectors import DEFAULT_DETECTOR, read_web_detector
from utkage.faces.contract import CropContract
from utkage.models.locate import resolve_weights

DEFAULT_FOLDER = Path("utkage-web")
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
    if out.exists():
        raise UsageError(f"`out` {out}: already exists; remove it, or name another folder")
    runtime = npm_files(modules, RUNTIME_PACKAGE, *RUNTIME)
    network = read_web_detector(detector, modules)
    weights = resolve_weights(request.weights)
    with holding_files(out), partial_folder(out) as folder:
        result = export(replace(request, weights=weights, out=folder / MODEL_NAME), reporter)
        fill_web_folder(folder, weights.card.contract, detector, network, runtime)
        try:
            folder.rename(out)
        except OSError as error:
            raise UsageError(f"`out` {out}: was made meanwhile; name another folder") from error
    return replace(
        result, path=out / MODEL_NAME, format=WEB, parity_file=out / result.parity_file.name
    )


def fill_web_folder(
    folder: Path, contract: CropContract, detector: str, network: bytes, runtime: Sequence[Path]
) -> None:
    """Write all files except ``MODEL_NAME`` to an existing folder.

    ``network`` is the content of the detector's ONNX file; ``runtime`` has the ``RUNTIME`` files.
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
    write_text(folder / CONTRACT_NAME, json_text(settings))
    page = files("utkage.exporting") / "web_page"
    for name in PAGE:
        write_text(folder / name, (page / name).read_text(encoding="utf-8"))
