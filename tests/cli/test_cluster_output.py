from __future__ import annotations

import doctest
import inspect
import json
import re
from pathlib import Path

import pytest

from utkage.cli import cluster_output
from utkage.cli.predict import predict_command


def test_reasons_name_options_in_processes_without_a_command():
    assert doctest.testmod(cluster_output).attempted


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--cluster needs --out FOLDER"),
        (["--out", "rows", "--save-images", "copies"], "--cluster and --save-images exclude"),
        (["--out", "rows", "--json"], "exclude each other"),
        (["--out", "rows", "--contact-sheet", "a.jpg"], "--cluster and --contact-sheet exclude"),
        (["--out", "rows", "--camera", "0"], "--cluster and --camera exclude"),
        (["--out", "rows", "--every", "2"], "--cluster and --every exclude"),
        (["--out", "rows", "--max-entry-bytes", "9"], "--cluster and --max-entry-bytes exclude"),
    ],
)
def test_options_of_single_machines_are_refused(invoke, arguments, message):
    done = invoke("predict", "a.jsonl", "--cluster", "local", *arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert not Path("rows").exists()


def test_every_option_is_passed_on_or_refused():
    source = inspect.getsource(predict_command)
    call = source[source.index("predict_inputs_on_cluster(") : source.index("return")]
    for name in inspect.signature(predict_command).parameters:
        assert re.search(rf"\b{name}\b", call) or name in ("quiet", "debug"), name


def test_a_missing_package_is_one_line(invoke, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "ray", None)
    done = invoke("predict", "a.jsonl", "--cluster", "local", "--out", "rows")
    assert done.exit_code == 2
    assert "pip install 'utkage[ray]'" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not Path("rows").exists()


def test_manifest_lists_a_folder(invoke, write_folder, picture, tmp_path):
    write_folder(tmp_path / "photos", {"b.png": picture(0), "a.png": picture(1), "c.txt": b"x"})
    done = invoke("manifest", "photos", "--out", "photos.jsonl")
    assert done.exit_code == 0
    assert "manifest: photos.jsonl (2 pictures)" in done.stderr
    lines = Path("photos.jsonl").read_text().splitlines()
    assert [json.loads(line)["path"] for line in lines] == ["photos/a.png", "photos/b.png"]
    done = invoke("manifest", "missing")
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
