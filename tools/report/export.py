"""Measure every export format and precision, and put the table into docs/export.md.

    python tools/write_export.py --data both [--web-modules node_modules]

The table holds what the parity gate measured, the MAE on faces of the test split, sizes, and speeds
as ratios from interleaved runs. With the ``node_modules`` that hold ``onnxruntime-web``, and
Chromium, the picture of the page in the browser is taken as well.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import shutil
import subprocess
import sys
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

from tools.bench.timing import speed_ratios
from tools.docs.numbers import fill_page
from utkage.core.errors import UtkageError
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

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "export.md"
PICTURE = ROOT / "docs" / "images" / "web_page.png"
EXAMPLE = ROOT / "examples" / "family.jpg"
FACES = 400
BATCH = 32
ROUNDS = 5
# The browser takes its picture when the page is loaded, and this keeps it from being so.
SHOT_SECONDS = 20

OPENS = """<img src="/wait" alt="" hidden>
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
    """A written file, and what runs it."""

    result: ExportResult
    predictor: ChipPredictor
    mae: float


def main() -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="prepared set of both sources")
    parser.add_argument("--web-modules", type=Path, help="node_modules with onnxruntime-web")
    arguments = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as name:
            fill_page(PAGE, "parity", table(arguments.data, Path(name)))
            if arguments.web_modules is not None:
                take_picture(arguments.web_modules, Path(name))
    except UtkageError as error:
        print(f"error: {error}", file=sys.stderr)
        return int(error.exit_code)
    return 0


def table(data: Path, folder: Path) -> str:
    """One line a file."""
    store = ChipStore.open(data)
    test = store.split("test")
    chosen = np.random.default_rng(0).choice(len(test), min(FACES, len(test)), replace=False)
    side, ages = read_card(shipped_weights()).contract.size, test.ages[chosen]
    pixels = (resize_square(chip, side) for chip in test.pixels[test.rows[chosen]])
    batches = np.array_split(np.stack(list(pixels)), len(chosen) // BATCH)
    files = []
    for form in FORMATS.values():
        for precision in form.precisions:
            out = folder / f"{form.name}-{precision}{form.suffix}"
            # Real faces set the ranges of int8; for the others drawn ones are the harder test.
            real = data if precision == "int8" else None
            request = ExportRequest(
                weights="shipped", format=form.name, out=out, data=real, precision=precision
            )
            result = export(request)
            predictor = form.open(out)
            mae = float(np.abs(predict_batches(predictor, batches).age - ages).mean())
            files.append(Exported(result, predictor, mae))
    chips = batches[0]
    session = open_session(files[0].result.path.read_bytes(), None, files[0].result.path)
    bare = partial(session.run, None, {"chips": chips})
    ratios = speed_ratios(
        bare, [partial(own.predictor.predict_chips, chips) for own in files], ROUNDS
    )
    lines = [
        "| file | MB | largest difference of the median age, years | ranges, genders that differ "
        f"| MAE, {len(ages)} test faces | chips/s against bare ONNX Runtime, fp32 |",
        "|---|---|---|---|---|---|",
    ]
    for own, ratio in zip(files, ratios, strict=True):
        parity = own.result.parity
        lines.append(
            f"| {own.result.format}, {own.result.precision} | {own.result.size / 1e6:.1f} "
            f"| {parity.max_median_difference:.4f} "
            f"| {parity.range_flips}, {parity.gender_flips} of {parity.chips} "
            f"| {own.mae:.3f} | {ratio:.2f} |"
        )
    (errors,) = (own.result.errors for own in files if own.result.errors is not None)
    lines += [
        "",
        "Shipped weights, flip averaging inside; compared on 256 drawn chips, int8 on "
        f"{errors.n} validation faces of `{store.split_hash}` as well (MAE "
        f"{errors.mae_exported:.3f} years, of the weights {errors.mae:.3f}); MAE on {len(ages)} "
        f"faces drawn from its test split; batches of {BATCH}, medians of {ROUNDS} interleaved "
        "rounds; speed includes our checks of the chips and the conversion of answers; "
        f"`tools/write_export.py`, {datetime.date.today()}.",
    ]
    return "\n".join(lines)


def take_picture(modules: Path, folder: Path) -> None:
    """Open the example in the exported page, and keep what the browser shows."""
    page = folder / "web"
    export_web(ExportRequest(weights="shipped", out=page, precision="fp16"), modules)
    shutil.copy(EXAMPLE, page / "example.jpg")
    text = (page / "index.html").read_text("utf-8").replace("</body>", OPENS)
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
    shutil.move(folder / "shot.png", PICTURE)


class _Waiting(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/wait":
            time.sleep(SHOT_SECONDS)
        super().do_GET()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextlib.contextmanager
def _served(folder: Path) -> Iterator[str]:
    handler = partial(_Waiting, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


if __name__ == "__main__":
    sys.exit(main())
