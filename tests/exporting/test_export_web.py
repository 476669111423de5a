import json
from pathlib import Path

import pytest

from utkage.core.errors import UsageError
from utkage.exporting.export_web import (
    CONTRACT_NAME,
    DETECTOR_NAME,
    MODEL_NAME,
    PAGE,
    RUNTIME,
    RUNTIME_PACKAGE,
    fill_web_folder,
)
from utkage.exporting.npm_files import npm_files
from utkage.faces.contract import utkface_contract


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
    fill_web_folder(folder, contract, "retinaface", b"network", runtime)
    written = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert written == {
        *PAGE,
        CONTRACT_NAME,
        DETECTOR_NAME,
        *(f"ort/{Path(n).name}" for n in RUNTIME),
    }
    assert MODEL_NAME not in written
    assert (folder / DETECTOR_NAME).read_bytes() == b"network"
    settings = json.loads((folder / CONTRACT_NAME).read_text())
    assert (settings["size"], settings["detector"]) == (96, "retinaface")
    assert len(settings["template"]) == 5
    assert len(settings["ranges"]) == 9


def test_the_page_loads_only_files_of_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "page"
    folder.mkdir()
    fill_web_folder(folder, utkface_contract(96), "retinaface", b"", [])
    for name in PAGE:
        text = (folder / name).read_text(encoding="utf-8")
        assert "https://" not in text
        assert "http://" not in text


def test_a_missing_runtime_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="npm install onnxruntime-web"):
        npm_files(tmp_path, RUNTIME_PACKAGE, *RUNTIME)
