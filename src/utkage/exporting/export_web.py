"""``export --format web``: a folder that answers in the browser, around a file that was proven."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from utkage.core.errors import UsageError
from utkage.core.reporter import Reporter
from utkage.exporting.export import ExportRequest, ExportResult, export
from utkage.exporting.web_detectors import DEFAULT_DETECTOR, find_detector

WEB = "web"
DEFAULT_FOLDER = Path("utkage-web")


def export_web(
    request: ExportRequest,
    modules: Path,
    reporter: Reporter | None = None,
    *,
    detector: str = DEFAULT_DETECTOR,
) -> ExportResult:
    """Write the folder; it gets its name when all of it is there.

    Args:
        request: What to write; ``out`` is the folder, and the format ``"onnx"``.
        modules: The ``node_modules`` with ``onnxruntime-web``.
        reporter: Hears what is done.
        detector: What finds the faces, a key of ``WEB_DETECTORS``.

    Returns:
        As ``export``, for the model inside the folder.

    Raises:
        UsageError: the folder is there already, or ``onnxruntime-web`` or the detector is not.
        ParityError: as for ``export``.
    """
    from utkage.exporting.web_folder import MODEL_NAME, fill_web_folder, runtime_files
    from utkage.models.weights_files import read_card

    out = request.out or DEFAULT_FOLDER
    if out.exists():
        raise UsageError(f"{out}: is there already; remove it, or name another `out`")
    runtime, finder = runtime_files(modules), find_detector(detector, modules)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as name:
        folder = Path(name) / out.name
        folder.mkdir()
        result = export(replace(request, out=folder / MODEL_NAME), reporter)
        fill_web_folder(folder, read_card(result.weights).contract, finder, runtime)
        shutil.move(folder, out)
    return replace(
        result, path=out / MODEL_NAME, format=WEB, parity_file=out / result.parity_file.name
    )
