"""Make the files that the package ships.

Each `ship` and each `measure` evaluates on the test split: note it in docs/model-card.md, and run
`make docs` afterwards.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from tools.documents import ROOT
from tools.program import new_app, run_app
from tools.release.average import average_runs
from tools.release.faceres import convert_faceres
from tools.release.package import (
    build,
    require_clean,
    require_version,
    try_distribution,
    write_hashes,
)
from tools.release.ship import SHIPPED, MeasureSettings, measure, store_half, write_graphs
from utkage.core.errors import UsageError
from utkage.models.locate import BEST_NAME
from utkage.models.weights import rewrite_card
from utkage.models.weights_files import read_card

app = new_app(__doc__)
Data = Annotated[Path, typer.Option(help="the prepared set of the run")]
PointEstimate = Annotated[str | None, typer.Option(help="default: as in the weights")]
MirroredView = Annotated[str | None, typer.Option(help="default: as in the weights")]
AgePrior = Annotated[float, typer.Option(help="share of an age prior to add; 0: none, 1: all")]
GenderShift = Annotated[float, typer.Option(help="to add to the logit of P(female)")]
LeftOut = Annotated[
    Path | None, typer.Option(help="levels of sources that such weights were not trained on")
]
Out = Annotated[Path, typer.Option(help="the weights file")]


@app.command("average")
def average_command(
    files: Annotated[list[Path], typer.Argument(help="weights files of one network")],
    start: Annotated[Path, typer.Option(help="the init of all runs")],
    data: Data,
    out: Out,
    share: Annotated[float, typer.Option(help="1: the average of the files; 0: the start")] = 1.0,
) -> None:
    """Average the weights of several runs, and move the average towards their start."""
    average_runs(files, start, share, data, out)


@app.command("ship")
def ship_run(
    weights: Annotated[Path, typer.Argument(help="run folder of utkage train, or a weights file")],
    data: Data,
    point_estimate: PointEstimate = None,
    mirrored_view: MirroredView = None,
    age_prior: AgePrior = 0.0,
    gender_shift: GenderShift = 0.0,
    left_out: LeftOut = None,
    out: Out = SHIPPED,
) -> None:
    """Store weights as the shipped ones: float16, calibrated, measured."""
    store_half(weights / BEST_NAME if weights.is_dir() else weights, data, out)
    measure_again(data, point_estimate, mirrored_view, age_prior, gender_shift, left_out, out)


@app.command("measure")
def measure_again(
    data: Data,
    point_estimate: PointEstimate = None,
    mirrored_view: MirroredView = None,
    age_prior: AgePrior = 0.0,
    gender_shift: GenderShift = 0.0,
    left_out: LeftOut = None,
    out: Out = SHIPPED,
) -> None:
    """Calibrate and measure the shipped weights again."""
    # Before anything is measured through them.
    write_graphs(out)
    measure(
        out,
        data,
        MeasureSettings(
            point_estimate=point_estimate,
            mirrored_view=mirrored_view,
            age_prior=age_prior,
            gender_shift=gender_shift,
            left_out=left_out,
        ),
    )


@app.command()
def graphs() -> None:
    """Write the ONNX graph templates of the shipped weights, after changes of the model."""
    write_graphs(SHIPPED)


@app.command()
def repetition(
    text: Annotated[str, typer.Argument(help="how it was trained, and its metrics")],
) -> None:
    """Note in the card how close another training of the same recipe came (utkage evaluate)."""
    card = read_card(SHIPPED)
    rewrite_card(SHIPPED, replace(card, repetitions=(*card.repetitions, text)), SHIPPED)


@app.command()
def import_faceres(
    model: Annotated[Path, typer.Argument(help="faceres-deep.json, with its .bin beside it")],
    out: Annotated[Path, typer.Argument(help="the safetensors file to write")],
) -> None:
    """Convert the npm package's faceres-deep into a file for utkage train --init."""
    convert_faceres(model, out)


@app.command("package")
def package_command(
    out: Annotated[Path, typer.Option(help="folder of the distributions, made anew")] = Path(
        "dist"
    ),
    trial: Annotated[
        bool, typer.Option(help="skip the checks of version, date and uncommitted files")
    ] = False,
) -> None:
    """Build wheel and source distribution, and predict with each in a clean environment."""
    if out.exists() and any(out.iterdir()):
        raise UsageError(f"{out}: is not empty; remove it, or name another folder")
    if not trial:
        require_clean(ROOT)
        require_version(ROOT)
    files = build(ROOT, out)
    for file in files:
        try_distribution(file, ROOT)
        print(f"{file}: {file.stat().st_size / 1e6:.1f} MB, installs and predicts")
    print(f"{write_hashes(files)}: SHA-256 of both")


if __name__ == "__main__":
    sys.exit(run_app(app, "tools.release"))
