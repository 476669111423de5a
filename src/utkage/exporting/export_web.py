"""``export --format web``: a folder with a page that predicts in the browser."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from utkage.core.errors import UsageError
from utkage.core.reporter import Reporter
from utkage.exporting.export import ExportRequest, ExportResult, export
from utkage.exporting.web_detectors import DEFAULT_DETECTOR, read_web_detector
from utkage.exporting.web_folder import MODEL_NAME, fill_web_folder, runtime_files
from utkage.models.locate import resolve_weights

WEB = "web"
DEFAULT_FOLDER = Path("utkage-web")


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
        detector: Face detector of the page, a key of ``WEB_DETECTORS``.

    Returns:
        The result of ``export`` for the model inside the folder.

    Raises:
        UsageError: the folder exists, or ``onnxruntime-web`` or the detector is missing.
        ParityError: as for ``export``.
    """
    out = request.out or DEFAULT_FOLDER
    if out.exists():
        raise UsageError(f"`out` {out}: already exists; remove it, or name another folder")
    runtime, network = runtime_files(modules), read_web_detector(detector, modules)
    weights = resolve_weights(request.weights)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as name:
        folder = Path(name) / out.name
        folder.mkdir()
        result = export(replace(request, weights=weights, out=folder / MODEL_NAME), reporter)
        fill_web_folder(folder, weights.card.contract, detector, network, runtime)
        shutil.move(folder, out)
    return replace(
        result, path=out / MODEL_NAME, format=WEB, parity_file=out / result.parity_file.name
    )
