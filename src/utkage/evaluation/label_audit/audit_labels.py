"""``audit-labels``: a ranked list of labels that are probably wrong, for a person to look at."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.core.device import resolve_device
from utkage.core.errors import ConfigError, UsageError
from utkage.core.files import replacing, require_folder, write_text
from utkage.core.memory_errors import explaining_memory_errors
from utkage.core.outputs import contains, require_output
from utkage.core.reporter import Reporter, SilentReporter
from utkage.core.single_writer import holding_folder
from utkage.core.text import counted, spreadsheet_safe
from utkage.data.chips import LabelledChips
from utkage.data.label_files.further_columns import NOTHING
from utkage.data.labels import GENDERS
from utkage.data.split import SPLITS
from utkage.evaluation.inputs.labelled_faces import (
    FaceSelection,
    guard_leakage,
    labelled_faces,
    without_seen,
)
from utkage.evaluation.inputs.labelled_predictions import LabelledPredictions
from utkage.evaluation.inputs.prediction_sources import PredictionSource, open_prediction_source
from utkage.evaluation.label_audit.label_errors import AGE_LABEL, LabelErrors, label_errors
from utkage.evaluation.metrics.bootstrap import rounded
from utkage.preparation.drop_list import has_marks

DEFAULT_FOLDER = Path("label-audit")
LIST, PAGE = "suspects.csv", "suspects.html"
COLUMNS = ("source", "file", "label", "given", "predicted", "p_wrong", "drop")
SCHEMA = 1
_CHIP_SIZE = 136


@dataclass(frozen=True, kw_only=True)
class LabelAuditRequest(FaceSelection):
    """Which labels to check, and by which predictions.

    Attributes:
        weights: As in ``open_prediction_source``. They must not have been trained on these faces:
            what a network has learned by heart looks right.
        device: As in ``core.device.resolve_device``.
        flip: Average each prediction with that for the mirrored chip.
        out: Folder of the list and the page.
        worst: Number of labels in them, the most suspicious first.
        csv_safe: Whether spreadsheets must not take texts in the list for formulas.
        overwrite: Whether files in ``out`` that are not of an earlier audit, and a list in which a
            person has filled in the column ``drop``, may be replaced.
    """

    split: str = "all"
    weights: str = "auto"
    device: str = "auto"
    flip: bool = True
    out: Path = DEFAULT_FOLDER
    worst: int = 100
    csv_safe: bool = False
    overwrite: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.split not in (*SPLITS, "all"):
            raise ConfigError(f"`split` {self.split}: choose one of {', '.join(SPLITS)}, all")
        if self.worst < 1:
            raise ConfigError(f"`worst` {self.worst}: use 1 or more")


@dataclass(frozen=True)
class Suspect:
    """One label that may be wrong.

    Attributes:
        source: Name of the face's source.
        file: Name of the picture.
        label: ``"age"`` or ``"gender"``.
        given: The label.
        predicted: What is predicted instead.
        p_wrong: Probability that the label is wrong, 0..1.
    """

    source: str
    file: str
    label: str
    given: str
    predicted: str
    p_wrong: float

    @property
    def probability(self) -> str:
        """``p_wrong`` in percent; never 0 or 100 %."""
        if 0.0005 <= self.p_wrong < 0.9995:
            return f"{self.p_wrong:.1%}"
        return "< 0.1%" if self.p_wrong < 0.5 else "> 99.9%"


@dataclass(frozen=True, kw_only=True)
class LabelAuditResult:
    """The most suspicious labels.

    Attributes:
        faces: Number of faces whose labels were checked.
        shares: Estimated share of wrong labels, by the kind of label; None where these predictions
            cannot show it.
        suspects: The labels, the most suspicious first.
        files: The files written, by kind.
    """

    faces: int
    shares: dict[str, float | None]
    suspects: tuple[Suspect, ...]
    files: dict[str, Path]

    @property
    def share_texts(self) -> tuple[str, ...]:
        """A sentence on the share of wrong labels of each kind."""
        return tuple(
            f"Estimated share of wrong {label} labels: {share:.1%}."
            if share is not None
            else f"These predictions cannot show how many {label} labels are wrong."
            for label, share in self.shares.items()
        )

    def to_dict(self) -> dict[str, Any]:
        """The documented object of ``audit-labels --json``."""
        return {
            "schema": SCHEMA,
            "n": self.faces,
            "estimated_share_wrong": rounded(self.shares),
            "suspects": [vars(each) for each in self.suspects],
            "files": {kind: str(path) for kind, path in self.files.items()},
        }


@explaining_memory_errors("check fewer faces (`source` or `split`)")
def audit_labels(request: LabelAuditRequest, reporter: Reporter | None = None) -> LabelAuditResult:
    """Predict the faces, rank their labels, and write the list and the page.

    Raises:
        UsageError: as for ``evaluate``.
        DataError: no usable labelled face, or training images of the weights.
        WeightsError: not a weights file of utkage.
    """
    reporter = reporter or SilentReporter()
    inputs = [Path(request.weights), *request.input_paths]
    check = partial(_check_folder, request, inputs)
    check()
    with holding_folder(request.out, {LIST, PAGE}.__contains__):
        check()
        source = open_prediction_source(
            request.weights, resolve_device(request.device), flip=request.flip
        )
        reporter.info(f"weights {source.path} ({source.weights.origin})")
        chips = _faces(request, source, reporter)
        return _audit(request, source.predict(chips, reporter), chips, reporter)


def _check_folder(request: LabelAuditRequest, inputs: list[Path]) -> None:
    require_folder(request.out, "out")
    for name, mark in ((LIST, ",".join(COLUMNS)), (PAGE, "The most suspicious labels")):
        require_output(
            request.out / name,
            "out",
            inputs=inputs,
            is_ours=partial(contains, text=mark),
            overwrite=request.overwrite,
        )
    marked = request.out / LIST
    is_list = marked.exists() and marked.stat().st_size > 0
    if is_list and not request.overwrite and has_marks(marked):
        raise UsageError(
            f"`out` {marked}: its column drop has been filled in; name another folder, or replace "
            "the list with `overwrite=True`"
        )


def _faces(
    request: LabelAuditRequest, source: PredictionSource, reporter: Reporter
) -> LabelledChips:
    """The labelled faces, none of which trained the weights unless the request allows it."""
    # Only labels are of interest; a message on further columns would name an option of others.
    settings = replace(request.options.settings, keep_columns=(NOTHING,))
    request = replace(request, options=replace(request.options, settings=settings))
    labelled = labelled_faces(request, source.contract, reporter)
    images = source.training_images
    if images is None:
        reporter.warn(
            f"{source.path}: has no record of its training images; labels that it was trained on "
            "look right"
        )
        return labelled.chips
    if request.skip_seen:
        labelled = without_seen(labelled, images, reporter)
    guard_leakage(labelled.chips, images, request, reporter, str(source.path))
    return labelled.chips


def _audit(
    request: LabelAuditRequest,
    faces: LabelledPredictions,
    chips: LabelledChips,
    reporter: Reporter,
) -> LabelAuditResult:
    found = label_errors(faces)
    if not found:
        raise UsageError(
            f"{request.data}: no face has both a label and a prediction of it with a probability"
        )
    ranked = _ranked(faces, found)[: request.worst]
    suspects = tuple(_suspect(faces, row, errors) for row, errors in ranked)
    files = {"list": request.out / LIST, "page": request.out / PAGE}
    result = LabelAuditResult(
        faces=len(faces),
        shares={errors.label: errors.share for errors in found},
        suspects=suspects,
        files=files,
    )
    _write_list(suspects, files["list"], safe=request.csv_safe)
    reporter.info(f"drawing the page of {counted(len(suspects), 'label')}")
    write_text(files["page"], _page(result, [row for row, _ in ranked], faces, chips))
    return result


def _ranked(
    faces: LabelledPredictions, found: tuple[LabelErrors, ...]
) -> list[tuple[int, LabelErrors]]:
    """Face and kind of every label, the most suspicious first; of equals, in their order."""
    entries = [
        (-float(errors.probability[row]), int(row), errors)
        for errors in found
        for row in np.flatnonzero(~np.isnan(errors.probability))
    ]
    entries.sort(key=lambda entry: entry[:2])
    return [(row, errors) for _, row, errors in entries]


def _suspect(faces: LabelledPredictions, row: int, errors: LabelErrors) -> Suspect:
    of_age = errors.label == AGE_LABEL
    return Suspect(
        faces.sources[row],
        faces.names[row],
        errors.label,
        faces.age_text(row) if of_age else faces.gender_text(row),
        f"{faces.age[row]:.0f}" if of_age else GENDERS[faces.gender[row]],
        round(float(errors.probability[row]), 4),
    )


def _write_list(suspects: tuple[Suspect, ...], path: Path, *, safe: bool) -> None:
    """The list; a person writes ``yes`` into its last column, which ``prepare --drop`` reads."""
    with replacing(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for each in suspects:
            cells = (*vars(each).values(), "")
            writer.writerow(tuple(map(spreadsheet_safe, cells)) if safe else cells)


def _page(
    result: LabelAuditResult, rows: list[int], faces: LabelledPredictions, chips: LabelledChips
) -> str:
    from utkage.reporting.page import render_page

    places = dict(zip(zip(chips.sources, chips.names, strict=True), chips.rows, strict=True))
    pictures = [
        _picture(chips.pixels[places[faces.sources[row], faces.names[row]]]) for row in rows
    ]
    entries = list(zip(result.suspects, pictures, strict=True))
    return render_page("suspects.html.j2", result=result, entries=entries)


def _picture(chip: NDArray[np.uint8]) -> str:
    import cv2

    from utkage.images.resize import resize_square
    from utkage.reporting.page import data_uri

    small = resize_square(chip, _CHIP_SIZE)
    _, content = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])
    return data_uri(content.tobytes(), "image/jpeg")
