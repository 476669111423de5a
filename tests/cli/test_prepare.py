"""``utkage prepare`` as it is typed: counts, limits, the lock, a full disk."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from one_line_errors import assert_one_line_error
from PIL import Image

from utkage.core.locks import exclusive
from utkage.core.single_writer import LOCK_NAME
from utkage.data.store import ChipStore

Invoke = Callable[..., Any]
ARGUMENTS = ("--chip-size", 64, "--aligned", "yes", "--val", 0.3, "--test", 0.3)


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    folder = tmp_path / "faces"
    folder.mkdir()
    for index in range(40):
        pixels = np.random.default_rng(index).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{index + 10}_{index % 2}_1_{index}.png")
    (folder / "cat.png").write_bytes(b"no label")
    return folder


def _bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_the_report_is_written_without_matplotlib_and_torch(faces: Path, tmp_path: Path) -> None:
    # They would take longer to load than a small set takes to prepare.
    arguments = ["prepare", faces, *ARGUMENTS, "--out", tmp_path / "out"]
    code = (
        f"import sys; sys.argv[1:] = {[str(argument) for argument in arguments]!r}\n"
        "import utkage.cli.app as a\n"
        "try: a.main()\n"
        "finally: print('loaded:', *{'matplotlib', 'torch', 'onnxruntime'} & set(sys.modules))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "loaded:"
    page = (tmp_path / "out" / "audit.html").read_text(encoding="utf-8")
    assert page.count('title="age ') == 117


def test_a_dry_run_says_what_a_real_one_does(invoke: Invoke, faces: Path, tmp_path: Path) -> None:
    dry = invoke("prepare", faces, *ARGUMENTS, "--dry-run", "--json")
    assert dry.exit_code == 0, dry.output
    assert [path.name for path in tmp_path.iterdir()] == ["faces"]
    wet = invoke("prepare", faces, *ARGUMENTS, "--json")
    again = invoke("prepare", faces, *ARGUMENTS, "--json")
    first, second, third = (json.loads(result.stdout) for result in (dry, wet, again))
    assert first["splits"] == second["splits"] == third["splits"]
    assert sum(first["splits"].values()) == 40
    assert first["audit"] == second["audit"]
    assert [item["written"] for item in (first, second, third)] == [False, True, False]
    assert [item["unchanged"] for item in (first, second, third)] == [False, False, True]
    assert third["split_hash"] == second["split_hash"]
    table = invoke("prepare", faces, *ARGUMENTS, "--dry-run", "--out", "elsewhere")
    assert "40 usable faces" in table.stdout
    assert "audit.html" not in table.stdout
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("option", "value"), [("--max-entries", 1), ("--max-total-bytes", 1000), ("--max-ratio", 0.5)]
)
def test_a_limit_stops_the_run_and_is_named(
    invoke: Invoke, faces: Path, tmp_path: Path, option: str, value: float
) -> None:
    result = invoke("prepare", faces, *ARGUMENTS, option, value)
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert option.strip("-").replace("-", "_") in line.replace("-", "_")
    assert result.exit_code == (2 if value < 1 else 1)
    assert not (tmp_path / "prepared").exists()


@pytest.mark.parametrize(
    ("option", "value", "reason"),
    [("--max-entry-bytes", 200, "`max_entry_bytes`"), ("--max-pixels", 2000, "over the limit")],
)
def test_a_limit_of_one_picture_leaves_it_out(
    invoke: Invoke, faces: Path, tmp_path: Path, option: str, value: int, reason: str
) -> None:
    small = Image.new("RGB", (32, 32), (9, 9, 9))
    small.putpixel((3, 3), (255, 0, 0))
    small.save(faces / "90_0_1_99.png", optimize=True)
    assert (faces / "90_0_1_99.png").stat().st_size < 200
    result = invoke("prepare", faces, *ARGUMENTS, "--val", 0, "--test", 0, option, value)
    assert result.exit_code == 0, result.output
    store = ChipStore.open(tmp_path / "prepared")
    assert store.split("all").names == ("90_0_1_99.png",)
    reasons = [item.reason for item in store.dropped() if item.name != "cat.png"]
    assert len(reasons) == 40
    assert all(reason in given for given in reasons)


def test_ages_and_a_published_split(invoke: Invoke, faces: Path, tmp_path: Path) -> None:
    (tmp_path / "split.csv").write_text(
        "name,split\n" + "".join(f"{k + 10}_{k % 2}_1_{k}.png,val\n" for k in range(40))
    )
    more = ("--split-file", "split.csv", "--ages", "21-30", "--json")
    result = invoke("prepare", faces, *ARGUMENTS, *more)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["splits"] == {"train": 0, "val": 10, "test": 0}
    assert ChipStore.open(tmp_path / "prepared").split("val").ages.tolist() == [*range(21, 31)]
    (tmp_path / "split.csv").write_text("name,split\na.png,val\na.png,test\n")
    refused = invoke("prepare", faces, *ARGUMENTS, "--split-file", "split.csv")
    assert refused.exit_code == 1
    assert "line 3: a.png is in two splits" in refused.stderr
    assert invoke("prepare", faces, "--ages", "60-21").exit_code == 2


def test_the_detector_is_a_choice(invoke: Invoke, faces: Path, tmp_path: Path) -> None:
    refused = invoke("prepare", faces, *ARGUMENTS, "--detector", "mtcnn")
    assert refused.exit_code == 2
    assert "--detector mtcnn: choose retinaface or yunet:FILE" in refused.stderr
    assert invoke("prepare", faces, *ARGUMENTS, "--detector", "retinaface").exit_code == 0
    shown = json.loads(invoke("info", "prepared", "--json").stdout)
    assert shown["detector"] == {"name": "retinaface", "file": None}


def test_the_second_writer_is_told_to_wait(invoke: Invoke, faces: Path, tmp_path: Path) -> None:
    assert invoke("prepare", faces, *ARGUMENTS).exit_code == 0
    before = _bytes_of(tmp_path / "prepared")
    command = [
        sys.executable,
        "-m",
        "utkage",
        "prepare",
        "faces",
        *map(str, ARGUMENTS),
        "--seed",
        "5",
    ]
    with exclusive(tmp_path / "prepared" / LOCK_NAME, "the set"):
        second = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert second.returncode == 2
    (line,) = [line for line in second.stderr.splitlines() if line.startswith("error: ")]
    assert "prepared: another utkage is writing here; wait until it ends" in line
    assert _bytes_of(tmp_path / "prepared") == before
    third = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert third.returncode == 0, third.stderr


LIMITED = """
import resource, runpy, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)),) * 2)
runpy.run_module("utkage", run_name="__main__")
"""


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="file size limits of POSIX")
@pytest.mark.parametrize("limit", [100_000, 491_520 - 1])
def test_no_room_for_the_chips(invoke: Invoke, faces: Path, tmp_path: Path, limit: int) -> None:
    """Two fifths of the chips fit, or all but their last byte."""
    assert invoke("prepare", faces, *ARGUMENTS).exit_code == 0
    before = _bytes_of(tmp_path / "prepared")
    arguments = ["prepare", "faces", *map(str, ARGUMENTS), "--seed", "5"]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(limit), *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert "chips.partial.u8: File too large" in line
    assert "Traceback" not in done.stderr
    assert _bytes_of(tmp_path / "prepared") == before
    assert invoke("prepare", faces, *ARGUMENTS, "--seed", 5).exit_code == 0
    assert not list((tmp_path / "prepared").glob(".*partial*"))


def test_prepare_without_data_says_where_it_looked(invoke: Invoke) -> None:
    assert_one_line_error(invoke("prepare"), 2, "Dataset/UTKFace", "UTKFace.tar.gz")


def test_prepare_refuses_a_foreign_folder(invoke: Invoke, examples: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    result = invoke("prepare", examples / "faces", "--out", "mine")
    assert_one_line_error(result, 2, "mine", "empty folder")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "precious"


def test_prepare_with_only_bad_names(invoke: Invoke, examples: Path) -> None:
    assert_one_line_error(
        invoke("prepare", examples / "faces"), 1, "faces", "<age>_<gender>_<race>_<date>"
    )
