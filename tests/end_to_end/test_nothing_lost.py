"""No command replaces an input, or a file that it did not write."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import utkage
from utkage.core.errors import UsageError
from utkage.evaluation.calibrate import CalibrateRequest, _output_file
from utkage.evaluation.report_outputs import check_report_folder
from utkage.exporting.export import ExportRequest, export
from utkage.faces.contract import utkface_contract
from utkage.models.locate import shipped_weights
from utkage.prediction.row_files import check_rows_file, rows_file
from utkage.preparation.store_writer import StoreWriter

FOREIGN = "id,name\n1,somebody else's\n"


def _predict(*inputs: Path, **settings: Any) -> list[utkage.FaceRow]:
    names = tuple(map(str, inputs))
    request = utkage.PredictRequest(inputs=names, weights="shipped", flip=False, **settings)
    return list(utkage.predict(request))


def _unchanged(path: Path, action: Callable[[], object], match: str) -> None:
    before = path.read_bytes()
    with pytest.raises(UsageError, match=match):
        action()
    assert path.read_bytes() == before


def test_a_contact_sheet_replaces_neither_inputs_nor_foreign_pictures(
    examples: Path, tmp_path: Path
) -> None:
    photo, other = tmp_path / "a.jpg", tmp_path / "b.jpg"
    shutil.copy(examples / "portrait.jpg", photo)
    shutil.copy(examples / "couple.jpg", other)
    for overwrite in (True, False):
        _unchanged(
            photo, lambda o=overwrite: _predict(photo, contact_sheet=photo, overwrite=o), "an input"
        )
    _unchanged(other, lambda: _predict(photo, contact_sheet=other), "`overwrite=True`")
    _predict(photo, contact_sheet=other, overwrite=True)
    # Its own sheet is replaced without a question.
    assert _predict(photo, contact_sheet=other)[0].status == "ok"


def test_copies_and_crops_take_free_names(examples: Path, tmp_path: Path) -> None:
    photo = tmp_path / "in" / "a.jpg"
    photo.parent.mkdir()
    shutil.copy(examples / "portrait.jpg", photo)
    out = tmp_path / "out"
    out.mkdir()
    for name in ("in_a.annotated.jpg", "in_a.face1.png"):
        Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save(out / name)
    before = {path: path.read_bytes() for path in out.iterdir()}
    for _ in range(2):
        _predict(photo, save_images=out, save_crops=out)
    assert {path: path.read_bytes() for path in before} == before
    assert {path.name for path in set(out.iterdir()) - set(before)} == {
        *("in_a-2.annotated.jpg", "in_a-2.face1.png")
    }


def test_a_copy_does_not_replace_an_input(examples: Path, tmp_path: Path) -> None:
    photo, copy = tmp_path / "a.jpg", tmp_path / f"{tmp_path.name}_a.annotated.jpg"
    shutil.copy(examples / "portrait.jpg", photo)
    _predict(photo, save_images=tmp_path)
    before = copy.read_bytes()
    _predict(photo, copy, save_images=tmp_path)
    assert copy.read_bytes() == before


def test_a_resumed_run_keeps_the_copies_of_the_former_one(examples: Path, tmp_path: Path) -> None:
    photos = [tmp_path / part / "in" / "a.jpg" for part in ("x", "y", "z")]
    for photo, name in zip(photos, ("portrait", "couple", "rotated"), strict=True):
        photo.parent.mkdir(parents=True)
        shutil.copy(examples / f"{name}.jpg", photo)
    whole, parts, rows = tmp_path / "whole", tmp_path / "parts", tmp_path / "rows.jsonl"
    _predict(*photos, save_images=whole, save_crops=whole)
    for count in (1, 2, 3):
        with rows_file(rows, resume=True) as write:
            for row in _predict(*photos[:count], save_images=parts, save_crops=parts, resume=rows):
                write(row)
    assert {path.name: path.read_bytes() for path in parts.iterdir()} == {
        path.name: path.read_bytes() for path in whole.iterdir()
    }


@pytest.mark.parametrize("suffix", [".csv", ".json"])
def test_rows_replace_rows_only(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"mine{suffix}"
    path.write_text(FOREIGN)
    _unchanged(path, lambda: check_rows_file(path, resume=False), "`overwrite=True`")
    for _ in range(2):
        with rows_file(path, overwrite=path.read_text() == FOREIGN) as write:
            write(utkage.FaceRow("a.jpg", "no_face"))
    check_rows_file(path, resume=False)


def test_an_export_does_not_replace_weights(tmp_path: Path) -> None:
    weights, other = tmp_path / "best.safetensors", tmp_path / "other.safetensors"
    for path in (weights, other):
        shutil.copy(shipped_weights(), path)
    request = ExportRequest(weights=weights, format="torchscript", out=weights, overwrite=True)
    _unchanged(weights, lambda: export(request), "an input")
    request = ExportRequest(weights=weights, format="torchscript", out=other)
    _unchanged(other, lambda: export(request), "`overwrite=True`")
    record = tmp_path / "faces.onnx.parity.json"
    record.write_text(FOREIGN)
    request = ExportRequest(weights=weights, out=tmp_path / "faces.onnx")
    _unchanged(record, lambda: export(request), "`overwrite=True`")


def test_a_calibration_replaces_its_own_weights_only(tmp_path: Path) -> None:
    weights, other = tmp_path / "best.safetensors", tmp_path / "other.csv"
    shutil.copy(shipped_weights(), weights)
    other.write_text(FOREIGN)
    request = CalibrateRequest(out=other)
    _unchanged(other, lambda: _output_file(weights, request), "`overwrite=True`")
    request = CalibrateRequest(out=other, data=other, overwrite=True)
    _unchanged(other, lambda: _output_file(weights, request), "an input")
    assert _output_file(weights, CalibrateRequest(out=weights)) == weights


@pytest.mark.parametrize("name", ["metrics.json", "predictions.csv", "report.html"])
def test_a_report_replaces_reports_only(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(FOREIGN)
    check = partial(check_report_folder, tmp_path, report=True)
    _unchanged(path, lambda: check(()), "overwrite")
    check((), overwrite=True)
    _unchanged(path, lambda: check([path], overwrite=True), "an input")


@pytest.mark.parametrize("name", ["store.json", "audit.html", "audit.json"])
def test_a_set_replaces_sets_only(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(FOREIGN)
    contract = utkface_contract(32)
    _unchanged(path, lambda: StoreWriter(tmp_path, contract), "is not of a prepared set")
