"""No command uses the network or leaves files outside its outputs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

# ONNX Runtime's telemetry waits half a minute before it sends anything.
LONG_ENOUGH = 45
EXAMPLE = "examples/portrait.jpg"


def _environment(home: Path) -> dict[str, str]:
    """An environment with an empty home folder and without a switch against telemetry."""
    unwanted = ("ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    return {**kept, "HOME": str(home), "USERPROFILE": str(home)}


def _files(home: Path) -> list[Path]:
    return [path for path in home.rglob("*") if path.is_file()]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def test_importing_utkage_turns_telemetry_off_unless_the_user_chose(home: Path) -> None:
    code = "import os, sys, utkage; print(os.environ['ORT_DISABLE_TELEMETRY'], *sys.modules)"
    for chosen, expected in (({}, "1"), ({"ORT_DISABLE_TELEMETRY": "0"}, "0")):
        printed = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={**_environment(home), **chosen},
        ).stdout.split()
        assert printed[0] == expected
        # The switch comes first: nothing has loaded ONNX Runtime yet.
        assert "onnxruntime" not in printed


@pytest.mark.parametrize(
    "arguments",
    [
        ["predict", EXAMPLE, "--csv"],
        pytest.param(["predict", EXAMPLE, "--csv", "--engine", "torch"], marks=pytest.mark.slow),
        pytest.param(["export", "--out", "faces.onnx"], marks=pytest.mark.slow),
        pytest.param(
            ["export", "--precision", "int8", "--out", "faces.onnx"], marks=pytest.mark.slow
        ),
    ],
)
def test_commands_leave_nothing_in_the_home_folder(
    arguments: list[str], home: Path, tmp_path: Path, examples: Path
) -> None:
    shutil.copytree(examples, tmp_path / "examples")
    subprocess.run(
        [sys.executable, "-m", "utkage", *arguments],
        check=True,
        cwd=tmp_path,
        env=_environment(home),
        capture_output=True,
    )
    assert _files(home) == []


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("strace") is None, reason="no strace")
def test_a_long_run_opens_no_socket(home: Path, tmp_path: Path, examples: Path) -> None:
    trace = tmp_path / "trace"
    tracer = ["strace", "-f", "-qq", "-e", "trace=socket,connect,sendto", "-o", str(trace)]
    with subprocess.Popen(
        [*tracer, sys.executable, "-m", "utkage", "predict", "-", "--jsonl"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=_environment(home),
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for _ in range(2):
            # Both sessions of ONNX Runtime stay open until stdin ends.
            process.stdin.write(f"{examples / 'portrait.jpg'}\n")
            process.stdin.flush()
            assert '"ok"' in process.stdout.readline()
            time.sleep(LONG_ENOUGH / 2)
        process.stdin.close()
    assert process.returncode == 0
    assert [line for line in trace.read_text().splitlines() if "AF_UNIX" not in line] == []
    assert _files(home) == []
