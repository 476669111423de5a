"""Several processes under torchrun learn what one does, and end cleanly when one is lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from tools.examples.demo_set import make_demo_set
from tools.warm_process import run_utkage
from utkage.models.weights_files import load_weights

pytestmark = pytest.mark.slow

# The rate is low because rounding grows with every step, and the faster, the higher it is.
TRAIN = (
    *("train", "--batch-size", "16", "--sizes", "48", "--backbone", "mobilenet_v3_small"),
    *("--init", "scratch", "--device", "cpu", "--seed", "3", "--lr", "1e-4"),
    *("--set", "teachers=shipped"),
)
# Enough that a process lost after the first epoch is lost before the end of the last.
EPOCHS = 3
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, examples: Path) -> Path:
    folder = tmp_path_factory.mktemp("several")
    make_demo_set(examples / "faces", folder / "faces", 120, 0)
    words = ("--chip-size", "48", "--val", "0.15", "--test", "0.15", "--near-distance", "-1")
    run_utkage(folder, "prepare", "faces", *words).check_returncode()
    return folder


def several(run: str, epochs: int, *options: str) -> list[str]:
    return [
        *(sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"),
        *("--standalone", *options, "-m", "utkage", *TRAIN),
        *("--epochs", str(epochs), "--run-folder", f"./{run}"),
    ]


def rows(folder: Path, run: str) -> list[dict[str, Any]]:
    lines = (folder / run / "metrics.jsonl").read_text().splitlines()
    return [row for row in map(json.loads, lines) if row["epoch"]]


def same_weights(folder: Path, first: str, second: str) -> bool:
    states = [load_weights(folder / run / "last.safetensors").state for run in (first, second)]
    return all(torch.equal(value, states[1][name]) for name, value in states[0].items())


@pytest.fixture(scope="module")
def undisturbed(folder: Path) -> subprocess.CompletedProcess[str]:
    """Two processes, and nobody is lost; its run folder has the same name."""
    done = subprocess.run(
        several("undisturbed", EPOCHS),
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done


def test_two_processes_learn_what_one_does(
    folder: Path, undisturbed: subprocess.CompletedProcess[str]
) -> None:
    # Only the first process speaks.
    assert undisturbed.stdout.count("best.safetensors") == 1
    assert undisturbed.stderr.count("epoch 2/3: loss") == 1
    assert "2 processes" in undisturbed.stderr
    assert "Warning" not in undisturbed.stderr
    one = ("--epochs", EPOCHS, "--run", "./one")
    run_utkage(folder, *TRAIN, *one).check_returncode()
    alone, together = rows(folder, "one"), rows(folder, "undisturbed")
    assert len(alone) == len(together) == EPOCHS
    for first, second in zip(alone, together, strict=True):
        assert second["train_loss"] == pytest.approx(first["train_loss"], abs=1e-4)
        assert second["val_mae"] == pytest.approx(first["val_mae"], abs=0.02)


def wait_for_checkpoint(folder: Path, run: str) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        if list((folder / run).glob("checkpoint-*.pt")):
            return
        time.sleep(0.05)
    raise AssertionError(f"{run} never wrote a checkpoint")


def workers(parent: int) -> list[int]:
    listed = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(parent)],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [line for line in listed.stdout.splitlines() if " utkage " in line]
    return [int(line.split()[0]) for line in lines]


def test_a_lost_process_ends_the_run_and_the_same_command_goes_on(
    folder: Path, undisturbed: subprocess.CompletedProcess[str]
) -> None:
    with subprocess.Popen(
        several("lost", EPOCHS), cwd=folder, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True
    ) as running:
        wait_for_checkpoint(folder, "lost")
        found = workers(running.pid)
        assert len(found) == 2
        os.kill(found[1], signal.SIGKILL)
        _, said = running.communicate(timeout=300)
    assert running.returncode != 0
    assert "another process of this training was lost" in said or "SIGTERM" in said
    again = subprocess.run(
        several("lost", EPOCHS),
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert again.returncode == 0, again.stderr
    assert "resuming from step" in again.stderr
    assert same_weights(folder, "undisturbed", "lost")


def test_torchrun_restarts_a_run_by_itself(
    folder: Path, undisturbed: subprocess.CompletedProcess[str]
) -> None:
    command = several("restarted", EPOCHS, "--max-restarts", "1")
    with subprocess.Popen(
        command, cwd=folder, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True
    ) as running:
        wait_for_checkpoint(folder, "restarted")
        os.kill(workers(running.pid)[0], signal.SIGKILL)
        _, said = running.communicate(timeout=300)
    assert running.returncode == 0, said
    assert "resuming from step" in said
    assert same_weights(folder, "undisturbed", "restarted")
