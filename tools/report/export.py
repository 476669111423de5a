"""Every export format and precision: parity, error, size and speed.

The table holds what the parity gate measured, the MAE on faces of the test split, sizes, and speeds
as ratios of interleaved rounds. With the ``node_modules`` that hold ``onnxruntime-web``, and
Chromium, a screenshot of the page in the browser is taken as well.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.bench.timing import interleaved, speeds
from tools.documents import DOCS, ROOT, Block, markdown
from tools.report.evaluation import add_data_option
from tools.report.page import ReportPage
from utkage.data.store import ChipStore
from utkage.exporting.export import ExportRequest, ExportResult, export
from utkage.exporting.export_web import export_web
from utkage.exporting.formats import FORMATS
from utkage.exporting.parity import predict_batches
from utkage.images.resize import resize_square
from utkage.models.export_metadata import open_session
from utkage.models.locate import shipped_weights
from utkage.models.weights_files import read_card
from utkage.prediction.chip_predictor import ChipPredictor

SCREENSHOT = DOCS / "images" / "web_page.png"
EXAMPLE = ROOT / "examples" / "family.jpg"
FACES = 400
BATCH = 32
ROUNDS = 5
# The browser takes the screenshot when the page has loaded; a request that waits delays that.
SHOT_SECONDS = 20

OPEN_EXAMPLE = """<img src="/wait" alt="" hidden>
<script type="module">
const content = await (await fetch("example.jpg")).blob();
const chosen = new DataTransfer();
chosen.items.add(new File([content], "family.jpg", { type: "image/jpeg" }));
const input = document.getElementById("pictures");
input.files = chosen.files;
input.dispatchEvent(new Event("change"));
</script>
</body>"""


@dataclass(frozen=True)
class Exported:
    """A written file, its predictor, and its MAE on test faces in years."""

    result: ExportResult
    predictor: ChipPredictor
    mae: float


def add_options(parser: argparse.ArgumentParser) -> None:
    """The prepared set, and what the screenshot needs."""
    add_data_option(parser)
    parser.add_argument("--count", type=int, default=FACES, help="number of test faces")
    parser.add_argument("--web-modules", type=Path, help="node_modules with onnxruntime-web")


def measure(options: argparse.Namespace) -> dict[str, Block]:
    """Export every format and precision, and compare."""
    store = ChipStore.open(options.data)
    test = store.split("test")
    count = min(options.count, len(test))
    chosen = np.random.default_rng(0).choice(len(test), count, replace=False)
    size, ages = read_card(shipped_weights()).contract.size, test.ages[chosen]
    chips = np.stack([resize_square(chip, size) for chip in test.pixels[test.rows[chosen]]])
    with tempfile.TemporaryDirectory() as name:
        files = _export_all(Path(name), options.data, chips, ages)
        ratios = _speeds(files, chips[:BATCH])
        if options.web_modules is not None:
            take_screenshot(options.web_modules, Path(name))
    rows = []
    for own, ratio in zip(files, ratios, strict=True):
        parity = own.result.parity
        rows.append(
            (
                f"{own.result.format}, {own.result.precision}",
                f"{own.result.size / 1e6:.1f}",
                f"{parity.max_median_difference:.4f}",
                f"{parity.range_flips}, {parity.gender_flips} of {parity.chips}",
                f"{own.mae:.3f}",
                f"{ratio:.2f}",
            )
        )
    columns = (
        *("file", "MB", "largest difference of the median age, years"),
        *("ranges, genders that differ", f"MAE, {count} test faces"),
        "chips/s against bare ONNX Runtime, fp32",
    )
    (errors,) = (own.result.errors for own in files if own.result.errors is not None)
    origin = (
        "Shipped weights, flip averaging inside; compared on 256 drawn chips, int8 on "
        f"{errors.n} validation faces of `{store.split_hash}` as well (MAE "
        f"{errors.mae_exported:.3f} years, of the weights {errors.mae:.3f}); MAE on {count} "
        f"faces drawn from its test split; batches of {BATCH}, medians of {ROUNDS} interleaved "
        "rounds; speed includes checks of the chips and conversion of the outputs"
    )
    return {"parity": Block(markdown(columns, rows), origin)}


def _export_all(
    folder: Path, data: Path, chips: NDArray[np.uint8], ages: NDArray[np.int64]
) -> list[Exported]:
    """Write every format and precision, bare fp32 ONNX first."""
    batches = np.array_split(chips, max(1, len(chips) // BATCH))
    files = []
    for form in FORMATS.values():
        for precision in form.precisions:
            out = folder / f"{form.name}-{precision}{form.suffix}"
            # Real faces set the ranges of int8; for the others synthetic chips are the harder test.
            real = data if precision == "int8" else None
            request = ExportRequest(
                weights="shipped", format=form.name, out=out, data=real, precision=precision
            )
            result = export(request)
            predictor = form.open(out)
            mae = float(np.abs(predict_batches(predictor, batches).age - ages).mean())
            files.append(Exported(result, predictor, mae))
    return files


def _speeds(files: list[Exported], chips: NDArray[np.uint8]) -> list[float]:
    """Speed of each file as a ratio to a bare session of the first one."""
    path = files[0].result.path
    session = open_session(path.read_bytes(), None, path)
    bare = partial(session.run, None, {"chips": chips})
    runs = {
        str(index): partial(own.predictor.predict_chips, chips) for index, own in enumerate(files)
    }
    times = interleaved({"bare": bare, **runs}, ROUNDS)
    return [speeds(times["bare"], times[name]).median for name in runs]


def take_screenshot(modules: Path, folder: Path) -> None:
    """Open the example in the exported page, and keep a screenshot of the browser."""
    page = folder / "web"
    export_web(ExportRequest(weights="shipped", out=page, precision="fp16"), modules)
    shutil.copy(EXAMPLE, page / "example.jpg")
    text = (page / "index.html").read_text("utf-8").replace("</body>", OPEN_EXAMPLE)
    (page / "shot.html").write_text(text, encoding="utf-8")
    with _served(page) as address:
        subprocess.run(
            [
                *("chromium", "--headless=new", "--no-sandbox", "--disable-gpu"),
                *(f"--user-data-dir={folder / 'profile'}", "--window-size=960,1000"),
                *(f"--screenshot={folder / 'shot.png'}", f"{address}/shot.html"),
            ],
            check=True,
            capture_output=True,
            timeout=6 * SHOT_SECONDS,
        )
    shutil.move(folder / "shot.png", SCREENSHOT)


class _Waiting(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/wait":
            time.sleep(SHOT_SECONDS)
        super().do_GET()

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@contextlib.contextmanager
def _served(folder: Path) -> Iterator[str]:
    handler = partial(_Waiting, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


PAGE = ReportPage(
    name="export",
    summary="export the shipped weights in every format and precision, and compare",
    document="export.md",
    add_options=add_options,
    measure=measure,
)
