"""``utkage train`` as it is typed, with its recipes and the runs that it leaves."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from one_line_errors import assert_one_line_error
from PIL import Image

from utkage.core.toml_file import parse_toml
from utkage.data.augment import AugmentConfig
from utkage.training.recipe import Recipe

Invoke = Callable[..., Any]
SMALL = ("--backbone", "mobilenet_v3_small", "--init", "scratch", "--device", "cpu")
QUICK = (*SMALL, "--epochs", 2, "--batch-size", 8, "--sizes", "32,48")
SEED = ("--system", "seed", "--epochs", 2, "--batch-size", 8, "--gender-width", 0.02)


@pytest.fixture
def prepared(invoke: Invoke, tmp_path: Path) -> Path:
    folder = tmp_path / "faces"
    folder.mkdir()
    for index in range(40):
        pixels = np.random.default_rng(index).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{index + 10}_{index % 2}_1_{index}.png")
    arguments = ("--chip-size", 64, "--aligned", "yes", "--val", 0.3, "--test", 0.1)
    assert invoke("prepare", folder, *arguments).exit_code == 0
    return tmp_path / "prepared"


def test_print_config_is_the_defaults_and_touches_nothing(invoke: Invoke, tmp_path: Path) -> None:
    result = invoke("train", "--print-config")
    assert result.exit_code == 0
    assert result.stdout == Recipe().to_toml()
    assert list(tmp_path.iterdir()) == []
    as_json = invoke("train", "--print-config", "--json")
    assert json.loads(as_json.stdout) == Recipe().to_tables()


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--config", "fast", "--lr", 1e-3, "--seed", 4, "--tensorboard"),
        ("--config", "best", "--set", "augmentation.flip=0.25", "--set", "warmup=0"),
        ("--system", "seed", "--sizes", 96, "--range-feed", "true", "--device", "cpu"),
        ("--set", "system=seed", "--set", "augment=false", "--device", "cpu"),
    ],
)
def test_what_is_printed_gives_the_same_again(
    invoke: Invoke, tmp_path: Path, arguments: tuple[object, ...]
) -> None:
    first = invoke("train", *arguments, "--print-config")
    assert first.exit_code == 0, first.output
    (tmp_path / "my.toml").write_text(first.stdout, encoding="utf-8")
    second = invoke("train", "--config", "my.toml", "--print-config")
    assert second.stdout == first.stdout


def test_options_are_stronger_than_set_than_config(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text("[training]\nepochs = 3\nbatch_size = 3\nseed = 3\n")
    arguments = ("--config", "my.toml", "--set", "epochs=4", "--set", "seed=4", "--epochs", 5)
    result = invoke("train", *arguments, "--print-config")
    training = parse_toml(result.stdout)["training"]
    assert [training[name] for name in ("epochs", "seed", "batch_size")] == [5, 4, 3]


@pytest.mark.parametrize(
    ("arguments", "message_parts"),
    [
        (("--config", "none.toml"), ("none.toml", "cannot be read")),
        (("--config", "bets"), ("bets", "best")),
        (("--config", "bad.toml"), ("bad.toml, [training]", "'epoch'", "'epochs'")),
        (("--set", "epoch=3"), ("--set epoch=3", "'epochs'")),
        (("--set", "epochs=3.5"), ("--set epochs=3.5", "a whole number")),
        (("--set", "epochs=0"), ("epochs is 0", "at least 1")),
        (("--set", "augmentation.flip=often"), ("augmentation.flip=often", "a number")),
        (("--sizes", "64,big"), ("--sizes 64,big", "128,160")),
        (("--system", "tree"), ("--system tree", "multitask or seed")),
        (("--config", "best", "--system", "seed"), ("--system seed", "recipe best")),
        (("--system", "seed", "--lr", 0.1, "--device", "cpu"), ("--learning-rate", "seed")),
    ],
)
def test_mistakes_exit_with_2(
    invoke: Invoke, tmp_path: Path, arguments: tuple[object, ...], message_parts: tuple[str, ...]
) -> None:
    (tmp_path / "bad.toml").write_text("[training]\nepoch = 3\n")
    assert_one_line_error(invoke("train", *arguments, "--print-config"), 2, *message_parts)


@pytest.mark.parametrize("arguments", [QUICK, SEED], ids=["multitask", "seed"])
def test_a_dry_run_measures_and_writes_nothing(
    invoke: Invoke, prepared: Path, tmp_path: Path, arguments: tuple[object, ...]
) -> None:
    before = sorted(tmp_path.rglob("*"))
    result = invoke("train", *arguments, "--run", "runs/x", "--dry-run", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert sorted(tmp_path.rglob("*")) == before
    splits = json.loads((prepared / "store.json").read_text())["splits"]
    assert found["chips"] == splits
    assert found["steps_per_epoch"] == splits["train"] // 8
    assert (found["epochs"], found["epochs_done"], found["run"]) == (2, 0, "runs/x")
    assert sum(cost["epochs"] for cost in found["sizes"]) == 2
    for cost in found["sizes"]:
        expected = found["steps_per_epoch"] * cost["step_seconds"] + found["validation_seconds"]
        assert cost["epoch_seconds"] == pytest.approx(expected)
    total = sum(cost["epochs"] * cost["epoch_seconds"] for cost in found["sizes"])
    assert found["total_seconds"] == found["remaining_seconds"] == pytest.approx(total)
    assert found["parameters"] > 100_000
    assert re.search(r"^device \S+ \(.+\); \d+ training chips", result.stderr, re.MULTILINE)
    assert found["disk_bytes"] > 2 * found["checkpoint_bytes"] > 6 * found["parameters"]
    shown = invoke("train", *arguments, "--dry-run")
    assert shown.exit_code == 0
    for word in ("device", "peak memory", "steps per epoch", "disk", "nothing was written"):
        assert word in shown.stdout


def test_a_dry_run_counts_what_a_teacher_takes(invoke: Invoke, prepared: Path) -> None:
    arguments = ("train", *QUICK, "--set", "teachers=shipped", "--run", "runs/x", "--dry-run")
    found = json.loads(invoke(*arguments, "--json").stdout)
    assert found["teacher_seconds"] > 0
    epochs = sum(cost["epochs"] * cost["epoch_seconds"] for cost in found["sizes"])
    assert found["total_seconds"] == pytest.approx(epochs + found["teacher_seconds"])
    assert "predictions of the teachers" in invoke(*arguments).stdout
    assert_one_line_error(
        invoke(*arguments, "--set", "teachers=gone"), 2, "gone: no such weights file"
    )


def test_a_dry_run_needs_what_training_needs(invoke: Invoke, prepared: Path) -> None:
    assert_one_line_error(
        invoke("train", "--dry-run", "--data", "none", *QUICK), 2, "none", "utkage prepare"
    )
    arguments = ("--dry-run", "--config", "best", "--device", "cpu")
    assert_one_line_error(invoke("train", *arguments), 2, "faceres.safetensors", "import-faceres")


def test_a_run_from_its_own_config_and_what_is_left_of_it(
    invoke: Invoke, prepared: Path, tmp_path: Path
) -> None:
    first = invoke("train", *QUICK, "--run", "runs/a", "--tensorboard", "--json")
    assert first.exit_code == 0, first.output
    run = tmp_path / "runs" / "a"
    assert {path.name for path in run.iterdir()} == {
        "best.safetensors", "checkpoint-00000004.pt", "config.toml", "curves.png",
        "last.safetensors",
        "metrics.jsonl", "sample_batch.png", "summary.csv", "tensorboard",
    }  # fmt: skip
    config = parse_toml((run / "config.toml").read_text())
    assert config["provenance"]["data"]["split_hash"]
    assert config["provenance"]["versions"]["torch"]
    assert Recipe.read(run / "config.toml").tensorboard
    again = invoke("train", "--config", "runs/a/config.toml", "--run", "runs/b", "--json")
    assert again.exit_code == 0, again.output
    rows = [json.loads(result.stdout)["epochs"] for result in (first, again)]
    for row in (*rows[0], *rows[1]):
        row.pop("seconds")
    assert rows[0] == rows[1]
    kept = (run / "config.toml").read_bytes()
    arguments = ("--config", "runs/a", "--run", "runs/a")
    assert_one_line_error(
        invoke("train", *arguments, "--set", "augmentation.grey=0.5"),
        1,
        f"augmentation.grey: {AugmentConfig.grey} there, 0.5 now",
    )
    dry = json.loads(invoke("train", *arguments, "--dry-run", "--json").stdout)
    assert (dry["epochs_done"], dry["remaining_seconds"]) == (2, 0)
    assert_one_line_error(
        invoke("train", *arguments, "--seed", 9, "--dry-run"), 1, "seed: 0 there, 9 now"
    )
    assert (run / "config.toml").read_bytes() == kept

    listed = json.loads(invoke("runs", "--json").stdout)
    assert [(row["name"], row["state"], row["epochs_done"]) for row in listed] == [
        ("a", "finished", 2),
        ("b", "finished", 2),
    ]
    assert listed[0]["best_mae"] == min(row["val_mae"] for row in rows[0])
    assert "finished" in invoke("runs").stdout
    same = json.loads(invoke("runs", "--compare", "a", "b", "--json").stdout)
    assert same["settings"] == {}
    other = invoke("runs", "--compare", "a", "fast")
    assert other.exit_code == 0
    assert "training.batch_size" in other.stdout


def test_the_seed_system_keeps_the_same_files(
    invoke: Invoke, prepared: Path, tmp_path: Path
) -> None:
    done = invoke("train", *SEED, "--run", "runs/s", "--device", "cpu", "--set", "size=32")
    assert done.exit_code == 0, done.output
    run = tmp_path / "runs" / "s"
    assert {"config.toml", "summary.csv", "curves.png", "sample_batch.png"} <= {
        path.name for path in run.iterdir()
    }
    assert "rates.gender" in (run / "summary.csv").read_text().splitlines()[0]
    assert Recipe.read(run / "config.toml").system == "seed"
    arguments = ("--config", "runs/s", "--run", "runs/s", "--device", "cpu")
    assert_one_line_error(
        invoke("train", *arguments, "--set", "augmentation.flip=0"),
        1,
        "augmentation.flip",
        "0.0 now",
    )


def test_tensorboard_without_its_package(
    invoke: Invoke, prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    assert_one_line_error(
        invoke("train", *QUICK, "--run", "x", "--tensorboard"), 2, "utkage[tensorboard]"
    )
    assert not (tmp_path / "x").exists()


def test_train_on_a_missing_gpu(invoke: Invoke) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    result = invoke("train", "--epochs", 50, "--device", "cuda")
    assert_one_line_error(result, 2, "CUDA", "--device auto")


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "cpu:1", ""])
def test_unknown_device(invoke: Invoke, device: str) -> None:
    assert_one_line_error(invoke("train", "--device", device), 2, "unknown", "auto")


def test_train_without_data(invoke: Invoke) -> None:
    assert_one_line_error(invoke("train", "--device", "cpu"), 2, "prepared", "utkage prepare")


@pytest.mark.parametrize(
    ("option", "value"), [("--epochs", 0), ("--sizes", "big"), ("--sizes", "8"), ("--lr", -1)]
)
def test_impossible_settings(invoke: Invoke, option: str, value: object) -> None:
    assert_one_line_error(invoke("train", option, value), 2)
