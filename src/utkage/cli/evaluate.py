"""``utkage evaluate``."""

from __future__ import annotations

import shlex
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from utkage.cli.choices import choices
from utkage.cli.options import (
    Aligned,
    Columns,
    CsvSafe,
    Debug,
    DetectorChoice,
    Device,
    Flip,
    GenderCoding,
    Json,
    KeepColumns,
    Labels,
    MaxPixels,
    Overwrite,
    Quiet,
    TrustLabels,
    data_option,
    model_option,
    output_option,
    parse_label_settings,
    source_options,
    split_commas,
)
from utkage.cli.session import session
from utkage.cli.tables import print_json, print_table, print_text
from utkage.core.errors import ConfigError

if TYPE_CHECKING:
    from utkage.core.reporter import Reporter
    from utkage.evaluation.calibration.calibrate import CalibrateRequest
    from utkage.evaluation.result import EvaluateResult

calibration_option = partial(typer.Option, rich_help_panel="Calibration")
analysis_option = partial(typer.Option, rich_help_panel="Analysis")
guarantee_option = partial(typer.Option, rich_help_panel="A demand with a guarantee")


def evaluate_command(
    data: Annotated[
        list[Path] | None,
        data_option(
            "--data",
            help="A prepared set, or a folder or archive of labelled chips or photographs; "
            "repeatable: each data set is a source of its own.",
            show_default="prepared",
        ),
    ] = None,
    split: Annotated[
        str | None,
        data_option(
            help="Split of a prepared set.",
            **choices("train", "val", "test", "all"),
            show_default="test; val with --calibrate",
        ),
    ] = None,
    source: Annotated[str | None, data_option(help="Only this source of a prepared set.")] = None,
    labels: Labels = None,
    columns: Columns = None,
    gender_coding: GenderCoding = None,
    keep_columns: KeepColumns = None,
    trust_labels: TrustLabels = False,
    aligned: Aligned = "auto",
    detector: DetectorChoice = "retinaface",
    max_pixels: MaxPixels = None,
    allow_seen: Annotated[
        bool,
        data_option(
            "--allow-seen", help="Score training images of the weights instead of refusing them."
        ),
    ] = False,
    skip_seen: Annotated[
        bool,
        data_option(
            "--skip-seen",
            help="Leave training images of the weights and their duplicates out, and score the "
            "rest.",
        ),
    ] = False,
    allow_crop: Annotated[
        bool,
        data_option(
            "--allow-crop",
            help="Score chips that are cropped differently from those of the weights.",
        ),
    ] = False,
    allow_suspicious: Annotated[
        bool,
        data_option(
            "--allow-suspicious",
            help="Score predictions that look as if gender were inverted or the true age range had "
            "been an input.",
        ),
    ] = False,
    weights: Annotated[
        str,
        model_option(
            "--weights",
            "-w",
            help="auto (the newest run below runs/, else the shipped weights), shipped, latest, a "
            "file, a run folder or its name below runs/, an exported .onnx file, or a table of "
            "predictions such as rows of predict (.csv, .json, .jsonl or .parquet).",
            **choices("auto", "shipped", "latest", other="PATH"),
        ),
    ] = "auto",
    device: Device = "auto",
    flip: Flip = True,
    out: Annotated[Path, output_option("--out", "-o", help="Folder for the report.")] = Path(
        "evaluation"
    ),
    plot_cm: Annotated[
        bool, output_option("--plot-cm", help="Draw the confusion matrix of the age ranges.")
    ] = False,
    report: Annotated[
        bool,
        output_option(
            "--report",
            help="Draw every chart and write report.html, model_card.md and, if pyarrow is "
            "installed, predictions.parquet.",
        ),
    ] = False,
    compare: Annotated[
        list[str] | None,
        analysis_option(
            "--compare",
            help="Compare with other weights, an exported file or a table on the same faces, one "
            "by one and side by side by data set, with paired intervals; repeatable.",
            **choices("auto", "shipped", other="PATH"),
        ),
    ] = None,
    group_by: Annotated[
        list[str] | None,
        analysis_option(
            "--group-by",
            help="Measure groups of these columns of the label file as well, such as "
            "glasses,skin_tone or crossings such as glasses*gender, with commas between them; "
            "eye_distance (pixels) and flags (of quality) are always there; repeatable.",
            metavar="COLUMNS",
        ),
    ] = None,
    person_column: Annotated[
        str | None,
        analysis_option(
            "--person-column",
            help="Further column of the label file that says who is in each picture, such as "
            "subject: measure the spread within persons, and resample persons instead of pictures.",
            metavar="COLUMN",
        ),
    ] = None,
    threshold: Annotated[
        int | None,
        analysis_option(
            help="Measure the error rates of passing or failing at this age, such as 18.",
            metavar="AGE",
        ),
    ] = None,
    challenge: Annotated[
        list[int] | None,
        analysis_option(
            "--challenge",
            help="Measure who is estimated at or over this challenge age, such as 25, by true age "
            "and group: minors under --threshold who pass, adults who are challenged; repeatable.",
            metavar="AGE",
        ),
    ] = None,
    demand: Annotated[
        list[float] | None,
        analysis_option(
            "--demand",
            help="With --challenge: measure who passes if P(age >= --threshold) is at least this, "
            "such as 0.95; repeatable.",
            metavar="SHARE",
            show_default="that of --max-false-pass, else 0.5",
        ),
    ] = None,
    max_false_pass: Annotated[
        float | None,
        guarantee_option(
            "--max-false-pass",
            help="Choose the lowest P(age >= --threshold) to demand such that, with --confidence, "
            "at most this share of those under it passes, such as 0.01.",
            metavar="SHARE",
        ),
    ] = None,
    confidence: Annotated[
        float,
        guarantee_option(help="Probability with which --max-false-pass holds.", metavar="SHARE"),
    ] = 0.95,
    youngest: Annotated[
        int | None,
        guarantee_option(
            help="Youngest age of the minors of --max-false-pass and --challenge.",
            metavar="AGE",
            show_default="five years under --threshold",
        ),
    ] = None,
    guarantee_by: Annotated[
        list[str] | None,
        guarantee_option(
            "--guarantee-by",
            help="Choose a demand for each group of these columns as well: gender, race, source, "
            "or crossings such as gender*race, with commas between them; repeatable.",
            metavar="COLUMNS",
        ),
    ] = None,
    simulate: Annotated[
        bool,
        guarantee_option(
            "--simulate",
            help="Check by 1,000 simulated calibrations how often --max-false-pass holds.",
        ),
    ] = False,
    stress: Annotated[
        bool,
        analysis_option(
            "--stress",
            help="Measure how errors grow under corruptions (crop, rotation, blur, compression, "
            "darkness and more) on a sample of the faces, and which groups lose most.",
        ),
    ] = False,
    stress_faces: Annotated[
        int,
        analysis_option(
            "--stress-faces",
            help="Number of faces in the sample of --stress; each is predicted some forty times.",
            metavar="N",
        ),
    ] = 400,
    resamples: Annotated[int, analysis_option(help="Number of bootstrap resamples.")] = 2000,
    calibrate: Annotated[
        bool,
        calibration_option(
            "--calibrate",
            help="Fit temperatures and age intervals to validation faces and store them in the "
            "weights, instead of scoring.",
        ),
    ] = False,
    age_prior: Annotated[
        bool,
        calibration_option(
            "--age-prior",
            help="With --calibrate: first correct the prior over ages (seed system: over ranges) "
            "in the bias of that head. Predicted ages change.",
        ),
    ] = False,
    mirrored_view: Annotated[
        str | None,
        calibration_option(
            "--mirrored-view",
            help="With --calibrate: --flip averages with the 'whole' mirrored chip, or with its "
            "'enlarged' centre, from now on.",
            show_default="as in the weights",
        ),
    ] = None,
    out_weights: Annotated[
        Path | None,
        calibration_option(
            "--out-weights",
            help="File that --calibrate writes.",
            show_default="the weights file itself",
        ),
    ] = None,
    overwrite: Overwrite = False,
    csv_safe: CsvSafe = False,
    json_output: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Measure age and gender errors on labelled faces.

    Writes metrics.json, predictions.csv and, with --plot-cm, confusion_matrix.png; with --report
    also a page with all tables and charts. All metrics have 95 % bootstrap intervals.
    """
    with session(quiet=quiet, debug=debug) as reporter:
        from utkage.evaluation.calibration.calibrate import CalibrateRequest
        from utkage.evaluation.evaluate import evaluate
        from utkage.evaluation.request import EvaluateRequest

        selection: dict[str, Any] = {
            **({"data": data[0], "further_data": tuple(data[1:])} if data else {}),
            "source": source,
            "allow_seen": allow_seen,
            "skip_seen": skip_seen,
            "options": source_options(
                labels=labels,
                aligned=aligned,
                max_pixels=max_pixels,
                settings=parse_label_settings(columns, gender_coding, keep_columns),
                trust_labels=trust_labels,
            ),
            "detector": detector,
            "allow_crop": allow_crop,
            "weights": weights,
            "device": device,
            "flip": flip,
            "overwrite": overwrite,
        }
        if calibrate:
            request = CalibrateRequest(
                **selection,
                split=split or "val",
                out=out_weights,
                age_prior=age_prior,
                mirrored_view=mirrored_view,
            )
            _calibrate(request, json_output, reporter)
            return
        if age_prior:
            raise ConfigError("--age-prior is for --calibrate")
        if mirrored_view is not None:
            raise ConfigError("--mirrored-view is for --calibrate")
        if out_weights is not None:
            raise ConfigError("--out-weights is for --calibrate")
        result = evaluate(
            EvaluateRequest(
                **selection,
                split=split or "test",
                out=out,
                plot_cm=plot_cm,
                report=report,
                compare=tuple(compare or ()),
                group_by=split_commas(group_by),
                person_column=person_column,
                threshold=threshold,
                max_false_pass=max_false_pass,
                confidence=confidence,
                youngest=youngest,
                guarantee_by=split_commas(guarantee_by),
                simulate=simulate,
                challenge=tuple(challenge or ()),
                demand=tuple(demand or ()),
                stress=stress,
                stress_faces=stress_faces,
                allow_suspicious=allow_suspicious,
                resamples=resamples,
                csv_safe=csv_safe,
                command=shlex.join(["utkage", *sys.argv[1:]]),
            ),
            reporter,
        )
        if json_output:
            print_json(result.to_dict())
        else:
            _print_result(result)


def _print_result(result: EvaluateResult) -> None:
    from utkage.evaluation.reports.tables import result_tables

    for table in result_tables(result):
        print_table(table)
    for kind, path in result.files.items():
        print_text(f"{kind.replace('_', ' ')}: {path}")


def _calibrate(request: CalibrateRequest, json_output: bool, reporter: Reporter) -> None:
    from utkage.evaluation.calibration.calibrate import calibrate
    from utkage.evaluation.reports.tables import calibration_table

    result = calibrate(request, reporter)
    if json_output:
        print_json(result.to_dict())
    else:
        print_table(calibration_table(result.calibration, f"calibration in {result.out.name}"))
        print_text(f"weights: {result.out}")
