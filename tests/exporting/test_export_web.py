from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from utkage.core.errors import UsageError
from utkage.exporting.export_web import (
    CONTRACT_NAME,
    DETECTOR_NAME,
    MODEL_NAME,
    OFFLINE_NAME,
    PAGE,
    RUNTIME,
    RUNTIME_PACKAGE,
    fill_web_folder,
    page_settings,
)
from utkage.exporting.npm_files import npm_files
from utkage.faces.contract import utkface_contract
from utkage.faces.face_appearance import SHIPPED_FILE
from utkage.prediction.rows import FaceRow


def installed(modules: Path) -> Path:
    for name in RUNTIME:
        path = modules / RUNTIME_PACKAGE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return modules


def test_the_folder_has_everything_but_the_model(tmp_path: Path) -> None:
    folder, contract = tmp_path / "page", utkface_contract(96)
    folder.mkdir()
    runtime = npm_files(installed(tmp_path / "node_modules"), RUNTIME_PACKAGE, *RUNTIME)
    fill_web_folder(folder, page_settings(contract, "retinaface", 0.9), b"network", runtime)
    written = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert written == {
        *PAGE,
        CONTRACT_NAME,
        DETECTOR_NAME,
        OFFLINE_NAME,
        SHIPPED_FILE,
        *(f"ort/{Path(n).name}" for n in RUNTIME),
    }
    assert MODEL_NAME not in written
    assert (folder / DETECTOR_NAME).read_bytes() == b"network"
    settings = json.loads((folder / CONTRACT_NAME).read_text())
    assert (settings["size"], settings["detector"]) == (96, "retinaface")
    assert len(settings["template"]) == 5
    assert len(settings["ranges"]) == 9
    assert (settings["interval"], settings["uncertain_below"]) == (0.9, 0.75)
    assert tuple(settings["columns"]) == FaceRow.field_names()
    columns = [column for own in settings["columns"].values() for column in own]
    assert tuple(columns) == FaceRow.column_names()
    assert ".jpg" in settings["suffixes"]


def offline_files(folder: Path) -> dict[str, Any]:
    text = (folder / OFFLINE_NAME).read_text(encoding="utf-8")
    found = re.fullmatch(r"self\.OFFLINE = (.*);\n", text, re.DOTALL)
    assert found is not None
    files: dict[str, Any] = json.loads(found[1])
    return files


def test_all_files_but_the_record_of_the_export_work_offline(tmp_path: Path) -> None:
    kept = []
    for model in (b"model", b"model", b"other"):
        folder = tmp_path / str(len(kept))
        folder.mkdir()
        (folder / MODEL_NAME).write_bytes(model)
        (folder / f"{MODEL_NAME}.parity.json").write_text(f"{len(kept)}")
        fill_web_folder(folder, page_settings(utkface_contract(96), "own", 0.8), b"", [])
        kept.append(offline_files(folder))
    first, same, other = kept
    assert set(first["files"]) == {
        *PAGE,
        *(CONTRACT_NAME, DETECTOR_NAME, MODEL_NAME, SHIPPED_FILE),
    }
    assert first == same
    assert first["version"] != other["version"]


def test_every_module_of_the_page_is_written() -> None:
    page = Path(str(files("utkage.exporting"))) / "web_page"
    assert {path.name for path in page.iterdir()} == set(PAGE)
    for path in page.glob("*.js"):
        for name in re.findall(r"""(?:from|import|new URL\()\s*"\./([\w.]+)\"""", path.read_text()):
            assert name in {*PAGE, CONTRACT_NAME, DETECTOR_NAME, MODEL_NAME, "ort"}, path


def test_the_page_loads_only_files_of_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "page"
    folder.mkdir()
    fill_web_folder(folder, page_settings(utkface_contract(96), "retinaface", 0.8), b"", [])
    for name in PAGE:
        # The name of the SVG language looks like an address, but nothing is loaded from it.
        content = (folder / name).read_bytes().replace(b'xmlns="http://www.w3.org/2000/svg"', b"")
        assert b"https://" not in content
        assert b"http://" not in content
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in page
    assert "unsafe" not in page
    assert not re.search(r"<style|style=|<script(?! type=\"module\" src=)|\son\w+=", page)


def test_a_missing_runtime_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="npm install onnxruntime-web"):
        npm_files(tmp_path, RUNTIME_PACKAGE, *RUNTIME)
