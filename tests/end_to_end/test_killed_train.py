"""kill -9, signals and full disks in real processes: no work is lost, and the end is the same."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
import torch

from tools.examples.demo_set import make_demo_set
from tools.warm_process import Running, run_utkage
from utkage.core.errors import ExitCode
from utkage.models.weights_files import load_weights

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="SIGKILL of POSIX"),
]

SMALL = ("--batch-size", "16", "--epochs", "3", "--device", "cpu", "--set", "checkpoint_steps=1")
SYSTEMS = {
    "multitask": ("--backbone", "mobilenet_v3_small", "--init", "scratch", "--sizes", "32"),
    "seed": ("--system", "seed", "--sizes", "32", "--gender-width", "0.02"),
}
KILLS = 3

# Dies in the middle of its third checkpoint, as of a power cut.
KILLED_WHILE_SAVING = """
import os, signal, sys
import torch

written = []
whole = torch.save

def half(value, file):
    written.append(1)
    if len(written) < 3:
        return whole(value, file)
    file.write(b"PK half a checkpoint" * 1000)
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)

torch.save = half
from utkage.cli.app import main
sys.exit(main())
"""

# Files may not grow over 1 MiB, as on a disk that has no more room.
WITHOUT_ROOM = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
from utkage.cli.app import main
sys.exit(main())
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, examples: Path) -> Path:
    """A working directory with a prepared set, and a run of each system that nobody disturbed."""
    folder = tmp_path_factory.mktemp("killed")
    make_demo_set(examples / "faces", folder / "faces", 90, 0)
    arguments = ("--chip-size", "48", "--val", "0.15", "--test", "0.1", "--near-distance", "-1")
    run_utkage(folder, "prepare", "faces", *arguments).check_returncode()
    return folder


@pytest.fixture(scope="module")
def undisturbed(folder: Path) -> dict[str, str]:
    for system in SYSTEMS:
        done = finish(folder, system, f"undisturbed-{system}")
        assert done.returncode == 0, done.stderr
    return {system: f"undisturbed-{system}" for system in SYSTEMS}


def start(folder: Path, system: str, run: str, code: str | None = None) -> Running:
    return Running(("train", "--run", f"./{run}", *SMALL, *SYSTEMS[system]), folder, code)


def finish(
    folder: Path, system: str, run: str, *options: str, code: str | None = None
) -> subprocess.CompletedProcess[str]:
    arguments = ("train", "--run", f"./{run}", *SMALL, *SYSTEMS[system], *options)
    return run_utkage(folder, *arguments, code=code)


def step_of(run: Path) -> int:
    """Of the newest checkpoint; 0 without one."""
    names = [path.name for path in run.glob("checkpoint-*.pt")]
    return max((int(re.sub(r"\D", "", name)) for name in names), default=0)


def wait_for_step(running: Running, run: Path, step: int) -> None:
    deadline = time.monotonic() + 240
    while step_of(run) < step:
        assert time.monotonic() < deadline, "the run stands still"
        assert running.poll() is None, "the run was over too soon"
        time.sleep(0.005)


def assert_same_ends(folder: Path, first: str, second: str) -> None:
    for name in ("last.safetensors", "best.safetensors"):
        one, other = (load_weights(folder / run / name) for run in (first, second))
        assert one.state.keys() == other.state.keys()
        for key, value in one.state.items():
            assert torch.equal(value, other.state[key]), f"{key} of {name}"
        assert one.card.metrics["val"].keys() == other.card.metrics["val"].keys()


@pytest.mark.parametrize(("system", "seed"), [("multitask", 0), ("multitask", 1), ("seed", 2)])
def test_killed_at_random_moments(
    folder: Path, undisturbed: dict[str, str], system: str, seed: int
) -> None:
    run = f"killed-{system}-{seed}"
    total = step_of(folder / undisturbed[system])
    moments = random.Random(seed)
    # One after the other in the same run: what a kill spoils, no later one repairs.
    for step in sorted(moments.sample(range(1, total), KILLS)):
        running = start(folder, system, run)
        wait_for_step(running, folder / run, step)
        # Anywhere within a step, a checkpoint, a validation.
        time.sleep(moments.uniform(0, 0.15))
        assert running.poll() is None, "it was over before the kill"
        running.kill()
        running.finish()
    done = finish(folder, system, run)
    assert done.returncode == 0, done.stderr
    assert "resuming from step" in done.stderr
    assert_same_ends(folder, undisturbed[system], run)


def test_killed_while_a_checkpoint_is_written(folder: Path, undisturbed: dict[str, str]) -> None:
    died = finish(folder, "multitask", "half", code=KILLED_WHILE_SAVING)
    assert died.returncode == -signal.SIGKILL
    run = folder / "half"
    (partial,) = run.glob(".checkpoint-*.partial.pt")
    assert partial.stat().st_size > 0
    assert step_of(run) == 2
    done = finish(folder, "multitask", "half")
    assert done.returncode == 0, done.stderr
    assert "resuming from step 2 of" in done.stderr
    assert not list(run.glob("*partial*")), "what was left is gone"
    assert_same_ends(folder, undisturbed["multitask"], "half")


@pytest.mark.parametrize(
    ("number", "system"), [(signal.SIGTERM, "multitask"), (signal.SIGINT, "seed")]
)
def test_signals_save_and_leave(
    folder: Path, undisturbed: dict[str, str], number: signal.Signals, system: str
) -> None:
    run = f"stopped-{number.name}"
    running = start(folder, system, run)
    wait_for_step(running, folder / run, 4)
    running.send_signal(number)
    stopped = running.finish()
    assert stopped.returncode == 128 + number
    assert f"--run {run} resumes it" in stopped.stderr
    step = step_of(folder / run)
    assert 4 <= step < step_of(folder / undisturbed[system])
    assert not list((folder / run).glob("*partial*"))
    done = finish(folder, system, run)
    assert f"resuming from step {step} of" in done.stderr
    assert_same_ends(folder, undisturbed[system], run)


def test_one_process_a_run_folder(folder: Path) -> None:
    running = start(folder, "multitask", "twice")
    wait_for_step(running, folder / "twice", 1)
    # It must still be there when the second process has started, however slow that is.
    running.send_signal(signal.SIGSTOP)
    second = finish(folder, "multitask", "twice")
    assert second.returncode == ExitCode.USAGE
    assert "twice: another utkage is writing here" in second.stderr
    running.kill()
    running.finish()


def test_no_room_for_a_checkpoint(folder: Path, undisturbed: dict[str, str]) -> None:
    pytest.importorskip("resource")
    running = start(folder, "multitask", "full")
    wait_for_step(running, folder / "full", 3)
    running.send_signal(signal.SIGTERM)
    running.finish()
    step = step_of(folder / "full")
    before = (folder / "full" / f"checkpoint-{step:08d}.pt").read_bytes()
    full = finish(folder, "multitask", "full", code=WITHOUT_ROOM)
    assert full.returncode == ExitCode.FAILED
    (line,) = [line for line in full.stderr.splitlines() if line.startswith("error: ")]
    # Whatever is written next: behind an epoch's last step, its weights.
    names = f"checkpoint-{step + 1:08d}.pt|last.safetensors"
    assert re.search(rf"full/({names}): File too large; the checkpoint in full", line)
    assert "make room" in line
    assert "--run full resumes the training" in line
    kept = [path.name for path in (folder / "full").iterdir() if "checkpoint" in path.name]
    assert kept == [f"checkpoint-{step:08d}.pt"]
    assert (folder / "full" / kept[0]).read_bytes() == before
    assert finish(folder, "multitask", "full").returncode == 0
    assert_same_ends(folder, undisturbed["multitask"], "full")


def test_other_settings_or_data_are_refused(folder: Path, undisturbed: dict[str, str]) -> None:
    for system, run in undisturbed.items():
        before = {path.name: path.read_bytes() for path in (folder / run).glob("*.*")}
        other = finish(folder, system, run, "--seed", "5")
        assert other.returncode == ExitCode.FAILED
        assert "seed: 0 there, 5 now" in other.stderr
        assert "use the same, or another --run" in other.stderr
        free = finish(folder, system, run, "--set", "keep_checkpoints=2")
        assert free.returncode == 0, free.stderr
        assert {path.name: path.read_bytes() for path in (folder / run).glob("*.*")} == before
    arguments = ("--chip-size", "48", "--val", "0.15", "--test", "0.1", "--near-distance", "-1")
    run_utkage(
        folder, "prepare", "faces", *arguments, "--seed", "9", "--out", "other"
    ).check_returncode()
    data = finish(folder, "multitask", undisturbed["multitask"], "--data", "other")
    assert data.returncode == ExitCode.FAILED
    assert re.search(r"split_hash: '\w+' there, '\w+' now", data.stderr)
