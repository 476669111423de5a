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
from tools.warm_process import Running, run_utkage
from utkage.models.weights_files import load_weights

pytestmark = pytest.mark.slow

# The rate is low because rounding grows with every step, and the faster, the higher it is.
TRAIN = (
    *("train", "--batch-size", "16", "--sizes", "48", "--backbone", "mobilenet_v3_small"),
    *("--init", "scratch", "--device", "cpu", "--seed", "3", "--lr", "1e-4"),
    *("--set", "teachers=shipped"),
)
# Enough that processes lost after the first epoch and after another one leave steps to do.
EPOCHS = 4
# A machine that does other work as well.
PATIENCE = 300
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
# torchrun, whose processes are forked from it, so that they need not import everything again.
TORCHRUN = """
import sys
from torch.distributed import run
from utkage.cli.app import main

elastic_launch = run.elastic_launch

def utkage(*arguments):
    sys.argv = list(arguments[arguments.index("utkage"):])
    try:
        main()
    except SystemExit as end:
        if end.code:
            raise

def launch(config, entrypoint):
    config.start_method = "fork"
    return elastic_launch(config, utkage)

run.elastic_launch = launch
run.main(sys.argv[1:])
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, examples: Path) -> Path:
    folder = tmp_path_factory.mktemp("several")
    make_demo_set(examples / "faces", folder / "faces", 120, 0)
    arguments = ("--chip-size", "48", "--val", "0.15", "--test", "0.15", "--near-distance", "-1")
    run_utkage(folder, "prepare", "faces", *arguments).check_returncode()
    return folder


def several(run: str, *options: str) -> list[str]:
    """Arguments of torchrun."""
    return [
        *("--nproc-per-node", "2", "--standalone", *options, "-m", "utkage", *TRAIN),
        *("--epochs", str(EPOCHS), "--run-folder", f"./{run}"),
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
        [sys.executable, "-m", "torch.distributed.run", *several("undisturbed")],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=2 * PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    return done


def test_two_processes_learn_what_one_does(
    folder: Path, undisturbed: subprocess.CompletedProcess[str]
) -> None:
    # Only the first process prints.
    assert undisturbed.stdout.count("best.safetensors") == 1
    assert undisturbed.stderr.count(f"epoch 2/{EPOCHS}: loss") == 1
    assert "2 processes" in undisturbed.stderr
    assert "Warning" not in undisturbed.stderr
    one = ("--epochs", EPOCHS, "--run", "./one")
    run_utkage(folder, *TRAIN, *one).check_returncode()
    alone, together = rows(folder, "one"), rows(folder, "undisturbed")
    assert len(alone) == len(together) == EPOCHS
    for first, second in zip(alone, together, strict=True):
        assert second["train_loss"] == pytest.approx(first["train_loss"], abs=1e-4)
        assert second["val_mae"] == pytest.approx(first["val_mae"], abs=0.02)


def newest_checkpoint(folder: Path, run: str) -> str:
    """Its name, "" if there is none; steps have as many digits each."""
    return max((path.name for path in (folder / run).glob("checkpoint-*.pt")), default="")


def workers(parent: int) -> list[int]:
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True, text=True, check=True
    )
    return [int(line) for line in listed.stdout.split()]


def lose_a_process(folder: Path, run: str, number: int, *options: str) -> tuple[int, str]:
    """Start the run, kill a process after its next checkpoint: exit code and standard error."""
    before = newest_checkpoint(folder, run)
    running = Running(several(run, *options), folder, TORCHRUN)
    deadline = time.monotonic() + PATIENCE
    while newest_checkpoint(folder, run) == before:
        assert time.monotonic() < deadline, f"{run} never wrote a checkpoint"
        assert running.poll() is None, running.finish().stderr
        time.sleep(0.05)
    found = workers(running.pid)
    assert len(found) == 2
    os.kill(found[number], signal.SIGKILL)
    done = running.finish(PATIENCE)
    return done.returncode, done.stderr


def test_a_lost_process_ends_the_run_and_the_same_command_resumes_it(
    folder: Path, undisturbed: subprocess.CompletedProcess[str]
) -> None:
    code, message = lose_a_process(folder, "lost", 1)
    assert code != 0
    assert "another process of this training was lost" in message or "SIGTERM" in message
    # The next loss is no end: torchrun starts the processes again.
    code, message = lose_a_process(folder, "lost", 0, "--max-restarts", "1")
    assert code == 0, message
    assert message.count("resuming from step") == 2
    assert same_weights(folder, "undisturbed", "lost")
