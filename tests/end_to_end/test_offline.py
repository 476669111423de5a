"""No command uses the network or leaves files outside its outputs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from command_cases import INT8

# ONNX Runtime's telemetry waits half a minute before it sends anything.
LONG_ENOUGH = 45
EXAMPLE = "photos/portrait.jpg"


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


class LongRun:
    """``predict`` under a tracer of sockets, waiting for the next line of its list."""

    def __init__(self, folder: Path, picture: Path) -> None:
        self.home, self.trace, self._picture = folder / "home", folder / "trace", picture
        self.home.mkdir()
        tracer = ["strace", "-f", "-qq", "-e", "trace=socket,connect,sendto", "-o", str(self.trace)]
        self.started = time.monotonic()
        self._process = subprocess.Popen(
            [*tracer, sys.executable, "-m", "utkage", "predict", "-", "--jsonl"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment(self.home),
            text=True,
        )

    def predict(self) -> None:
        """Predict one picture; both sessions of ONNX Runtime stay open."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{self._picture}\n")
        self._process.stdin.flush()
        assert '"ok"' in self._process.stdout.readline()

    def end(self) -> int:
        """End the list, and return the exit code."""
        self._process.communicate()
        return self._process.returncode


@pytest.fixture(scope="module", autouse=True)
def long_run(tmp_path_factory: pytest.TempPathFactory, examples: Path) -> Iterator[LongRun | None]:
    """Started before the other tests, so that they take up most of its time."""
    if shutil.which("strace") is None:
        yield None
        return
    run = LongRun(tmp_path_factory.mktemp("long"), examples / "portrait.jpg")
    run.predict()
    yield run
    run.end()


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
        pytest.param(INT8, marks=pytest.mark.slow),
    ],
)
def test_commands_leave_nothing_in_the_home_folder(
    arguments: Sequence[str], home: Path, folder: Path
) -> None:
    subprocess.run(
        [sys.executable, "-m", "utkage", *arguments],
        check=True,
        cwd=folder,
        env=_environment(home),
        capture_output=True,
    )
    assert _files(home) == []


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("strace") is None, reason="no strace")
def test_a_long_run_opens_no_socket(long_run: LongRun) -> None:
    time.sleep(max(0.0, long_run.started + LONG_ENOUGH - time.monotonic()))
    long_run.predict()
    assert long_run.end() == 0
    lines = long_run.trace.read_text().splitlines()
    assert [line for line in lines if "AF_UNIX" not in line] == []
    assert _files(long_run.home) == []
