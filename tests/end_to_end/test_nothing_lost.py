"""No command replaces an input, or a file that it did not write."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

import utkage
from utkage.cli.app import app
from utkage.core.errors import UsageError
from utkage.core.outputs import file_identity
from utkage.evaluation.calibration.calibrate import CalibrateRequest, _output_file
from utkage.evaluation.reports.report_outputs import check_report_folder, report_files
from utkage.exporting.export import ExportRequest, export
from utkage.faces.contract import utkface_contract
from utkage.images.save import save_image
from utkage.images.video import open_video
from utkage.images.video_writer import is_saved_video, video_file
from utkage.models.locate import shipped_weights
from utkage.models.weights import read_safetensors_card, rewrite_card
from utkage.prediction.annotated_pictures import PictureWriter
from utkage.prediction.row_files import check_rows_file, finished_files, rows_file
from utkage.preparation.prepare import PrepareConfig, prepare
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
    _unchanged(path, lambda: StoreWriter(tmp_path, contract), "not .*of a prepared set")


@pytest.mark.parametrize("redirected", [True, False])
def test_a_contact_sheet_does_not_replace_what_stdin_names(
    examples: Path, tmp_path: Path, redirected: bool
) -> None:
    sheet, other = tmp_path / "sheet.jpg", tmp_path / "other.jpg"
    shutil.copy(examples / "portrait.jpg", other)
    _predict(other, contact_sheet=sheet)
    before = sheet.read_bytes()
    request = utkage.PredictRequest(
        inputs=("-",), weights="shipped", flip=False, contact_sheet=sheet, overwrite=True
    )
    listed = io.BytesIO(f"{other}\n{sheet}\n".encode())
    with sheet.open("rb") as stdin, pytest.raises(UsageError, match="is an input of this command"):
        list(utkage.predict(request, stdin=stdin if redirected else listed))
    assert sheet.read_bytes() == before


def test_copies_do_not_replace_what_a_list_on_stdin_may_name(
    examples: Path, tmp_path: Path
) -> None:
    photo, out = tmp_path / "in" / "a.jpg", tmp_path / "out"
    photo.parent.mkdir()
    shutil.copy(examples / "portrait.jpg", photo)
    _predict(photo, save_images=out)
    (copy,) = out.iterdir()
    before = copy.read_bytes()
    request = utkage.PredictRequest(
        inputs=("-",), weights="shipped", flip=False, save_images=out, uncertain_below=0.99
    )
    list(utkage.predict(request, stdin=io.BytesIO(f"{photo}\n{copy}\n".encode())))
    assert copy.read_bytes() == before
    assert len(list(out.iterdir())) == 3


def _predict_to(out: Path, *arguments: object, stdin: str | None = None) -> Result:
    options = ("--out", out, "--overwrite", "--weights", "shipped", "--crop", "none", "--quiet")
    return CliRunner().invoke(app, ["predict", *map(str, (*arguments, *options))], input=stdin)


def test_rows_do_not_replace_what_stdin_lists(tmp_path: Path) -> None:
    out = tmp_path / "list.csv"
    out.write_text(FOREIGN)
    for listed in (f"gone.jpg\n{out}\n", out.as_uri()):
        result = _predict_to(out, "-", stdin=listed)
        assert (result.exit_code, out.read_text()) == (2, FOREIGN), result.output
        assert "is an input of this command" in result.stderr
    with out.open("rb") as stdin:
        check = partial(check_rows_file, out, resume=False, overwrite=True)
        _unchanged(out, lambda: check(inputs=[stdin.fileno()]), "is an input")
    assert [path.name for path in tmp_path.iterdir()] == ["list.csv"]


@pytest.mark.parametrize("given", ["pattern", "address", "list", "folder of a list", "link"])
def test_rows_do_not_replace_a_table_of_paths(
    examples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "list.parquet"
    shutil.copy(examples / "faces" / "28-38_female.jpg", "a.jpg")
    parquet.write_table(pyarrow.table({"path": ["a.jpg"]}), out)
    Path("link.parquet").symlink_to(out)
    before = out.read_bytes()
    inputs = {
        "pattern": "l*t.parquet",
        "address": out.as_uri(),
        "link": "link.parquet",
    }
    stdin = {"list": "list.parquet\n", "folder of a list": f"{tmp_path}/x/../list.parquet\n"}
    (tmp_path / "x").mkdir()
    result = _predict_to(out, inputs.get(given, "-"), stdin=stdin.get(given))
    assert result.exit_code == 2, result.output
    assert "is an input of this command" in result.stderr
    assert out.read_bytes() == before


def test_a_list_of_labels_is_no_list_of_rows(tmp_path: Path) -> None:
    path = tmp_path / "labels.json"
    path.write_text('[{"file": "a.jpg", "age": 3}]')
    _unchanged(path, lambda: check_rows_file(path, resume=False), "`overwrite=True`")


@pytest.mark.parametrize("content", ["my notes", '{"a": 1}', '{"file": 3', '[{"file": "a.jpg"}'])
def test_a_last_line_that_is_no_row_is_not_cut_off(tmp_path: Path, content: str) -> None:
    path = tmp_path / "notes.jsonl"
    path.write_text(content)
    _unchanged(path, lambda: finished_files(path), r"notes\.jsonl, line 1")
    path.write_text('{"file": "half a ro')
    assert not finished_files(path)
    assert path.read_text() == ""


def test_names_that_differ_in_capitals_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a disk that ignores capitals: the second name is another one of the first file."""
    writer = PictureWriter(images=tmp_path)
    first = writer._free_name(tmp_path, "in/A.jpg", ".annotated.jpg")
    save_image(first, np.zeros((8, 8, 3), np.uint8))
    writer._written.add(file_identity(first))
    (tmp_path / "in_a.annotated.jpg").hardlink_to(first)
    assert writer._free_name(tmp_path, "in/a.jpg", ".annotated.jpg").name == "in_a-2.annotated.jpg"


def test_links_and_foreign_videos_stay(tmp_path: Path) -> None:
    (tmp_path / "clips_a.annotated.mp4").write_bytes(b"somebody else's")
    (tmp_path / "clips_b.annotated.mp4").symlink_to(tmp_path / "missing")
    writer = PictureWriter(images=tmp_path)
    for name in "ab":
        path = writer.video_path(f"clips/{name}.mp4")
        assert path.name == f"clips_{name}-2.annotated.mp4"
    with video_file(path, 10) as write:
        write(np.zeros((32, 32, 3), np.uint8), 0.0)
    assert is_saved_video(path)
    assert sum(1 for _ in open_video(path).frames()) == 1
    assert PictureWriter(images=tmp_path).video_path("clips/b.mp4") == path


def test_every_file_of_a_report_is_checked(tmp_path: Path) -> None:
    for path in report_files(tmp_path, plot_cm=True, report=True):
        path.parent.mkdir(exist_ok=True)
        path.write_text(FOREIGN)
        check = partial(check_report_folder, tmp_path, report=True)
        _unchanged(path, lambda check=check: check(()), "`overwrite=True`")
        check((), overwrite=True)
        # Files in a folder that is read may be read as well.
        _unchanged(
            path, lambda check=check: check([tmp_path], overwrite=True), "in an input folder"
        )
        path.unlink()


def test_weights_of_the_installation_and_of_other_trainings_stay(tmp_path: Path) -> None:
    weights, other = tmp_path / "mine.safetensors", tmp_path / "best.safetensors"
    for path in (weights, other):
        shutil.copy(shipped_weights(), path)
    request = CalibrateRequest(out=shipped_weights(), overwrite=True)
    _unchanged(shipped_weights(), lambda: _output_file(weights, request), "installation")
    link = tmp_path / "link.safetensors"
    link.symlink_to(shipped_weights())
    with pytest.raises(UsageError, match="installation"):
        _output_file(link, CalibrateRequest())
    request = CalibrateRequest(out=other)
    assert _output_file(weights, request) == other, "a calibration of the same weights"
    card = read_safetensors_card(other)
    rewrite_card(other, replace(card, training={"command": "another"}), other)
    _unchanged(other, lambda: _output_file(weights, request), "`overwrite=True`")


def test_a_set_keeps_its_manifest_that_is_an_input(tmp_path: Path) -> None:
    faces, out, link = tmp_path / "faces", tmp_path / "out", tmp_path / "link.csv"
    faces.mkdir()
    out.mkdir()
    manifest = out / "manifest-0123456789ab.csv"
    manifest.write_text(FOREIGN)
    link.symlink_to(manifest)
    for path in (manifest, link):
        config = PrepareConfig(sources=(faces,), out=out, split_file=path)
        refused = f"`split_file` {path}: belongs to the set .*another `out`"
        _unchanged(path, partial(prepare, config), refused)
