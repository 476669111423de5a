"""``utkage audit-labels``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
)
from utkage.cli.session import session
from utkage.cli.tables import print_json, print_table, print_text

if TYPE_CHECKING:
    from utkage.evaluation.label_audit.audit_labels import LabelAuditResult

analysis_option = partial(typer.Option, rich_help_panel="Analysis")
# Labels that the table on the terminal shows; the list and the page have all.
_SHOWN = 10


def audit_labels_command(
    data: Annotated[
        Path,
        typer.Argument(
            help="A prepared set, or a folder or archive of labelled chips or photographs."
        ),
    ] = Path("prepared"),
    split: Annotated[
        str,
        data_option(help="Split of a prepared set.", **choices("train", "val", "test", "all")),
    ] = "all",
    source: Annotated[str | None, data_option(help="Only this source of a prepared set.")] = None,
    labels: Labels = None,
    columns: Columns = None,
    gender_coding: GenderCoding = None,
    trust_labels: TrustLabels = False,
    aligned: Aligned = "auto",
    detector: DetectorChoice = "retinaface",
    max_pixels: MaxPixels = None,
    allow_seen: Annotated[
        bool,
        data_option(
            "--allow-seen",
            help="Check training images of the weights, too, whose labels look right to them.",
        ),
    ] = False,
    skip_seen: Annotated[
        bool,
        data_option(
            "--skip-seen",
            help="Leave training images of the weights and their duplicates out, and check the "
            "rest.",
        ),
    ] = False,
    weights: Annotated[
        str,
        model_option(
            "--weights",
            "-w",
            help="auto (the newest run below runs/, else the shipped weights), shipped, latest, a "
            "file, a run folder or its name below runs/, an exported .onnx file, or a table of "
            "predictions. They must not have been trained on these faces.",
            **choices("auto", "shipped", "latest", other="PATH"),
        ),
    ] = "auto",
    device: Device = "auto",
    flip: Flip = True,
    worst: Annotated[
        int, analysis_option(help="Number of labels in the list and on the page.")
    ] = 100,
    out: Annotated[
        Path, output_option("--out", "-o", help="Folder for suspects.csv and suspects.html.")
    ] = Path("label-audit"),
    overwrite: Overwrite = False,
    csv_safe: CsvSafe = False,
    json_output: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Rank labels that are probably wrong, for you to look at.

    Writes the list suspects.csv and the page suspects.html with the faces. Write yes into the
    column drop of the list for pictures to leave out, and pass the list to
    `utkage prepare FACES --drop suspects.csv`.
    """
    with session(quiet=quiet, debug=debug) as reporter:
        from utkage.evaluation.label_audit.audit_labels import LabelAuditRequest, audit_labels

        request = LabelAuditRequest(
            data=data,
            split=split,
            source=source,
            allow_seen=allow_seen,
            skip_seen=skip_seen,
            options=source_options(
                labels=labels,
                aligned=aligned,
                max_pixels=max_pixels,
                settings=parse_label_settings(columns, gender_coding, None),
                trust_labels=trust_labels,
            ),
            detector=detector,
            weights=weights,
            device=device,
            flip=flip,
            worst=worst,
            out=out,
            overwrite=overwrite,
            csv_safe=csv_safe,
        )
        result = audit_labels(request, reporter)
        if json_output:
            print_json(result.to_dict(), ensure_ascii=False)
        else:
            _print_result(result)


def _print_result(result: LabelAuditResult) -> None:
    from utkage.reporting.table import Cell, Table

    columns = ("file", "label", "given", "predicted", "probability wrong")
    rows = [
        (
            Cell(each.file, is_path=True),
            each.label,
            each.given,
            each.predicted,
            Cell(each.probability, each.p_wrong),
        )
        for each in result.suspects[:_SHOWN]
    ]
    shown = min(_SHOWN, len(result.suspects))
    print_table(
        Table.of(f"the {shown} most suspicious labels of {result.faces} faces", columns, rows)
    )
    for text in result.share_texts:
        print_text(text)
    for kind, path in result.files.items():
        print_text(f"{kind}: {path}")
