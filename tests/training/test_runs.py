"""Listing and comparing runs, half-written and foreign ones among them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from utkage.core.errors import ConfigError, UsageError
from utkage.training.config import TrainConfig
from utkage.training.recipe import Recipe
from utkage.training.runs import Run, compare_runs, list_runs, read_run, sorted_runs
from utkage.training.systems.seed.config import SeedConfig


def row(epoch: int, mae: float, gender: float = 0.9) -> str:
    values = {"epoch": epoch, "size": 64, "val_mae": mae, "val_gender_accuracy": gender}
    return json.dumps({**values, "rates": {"gender": 0.1}, "val_cs5": None}) + "\n"


def make_run(
    folder: Path, maes: list[float], recipe: Recipe | None = None, started: str = "2026-01-02T03"
) -> Path:
    folder.mkdir(parents=True)
    provenance = {
        "command": folder.name,
        "started": started,
        "data": {"split_hash": folder.name},
        "versions": {"torch": "2"},
    }
    recipe = recipe or Recipe(training=TrainConfig(epochs=3))
    (folder / "config.toml").write_text(recipe.to_toml(provenance))
    rows = "".join(row(number, mae, 0.9 + number / 100) for number, mae in enumerate(maes, 1))
    (folder / "metrics.jsonl").write_text(rows)
    return folder


def test_finished_and_stopped_runs(tmp_path: Path) -> None:
    make_run(tmp_path / "b", [5.0, 4.0, 4.5], started="2026-01-01T00:00:00+00:00")
    make_run(tmp_path / "a", [6.0])
    make_run(tmp_path / "c", [], Recipe("seed", training=SeedConfig()), "2026-01-03")
    (tmp_path / "notes.txt").write_text("not a folder")
    done, stopped, new = list_runs(tmp_path)
    assert done == Run(
        "b",
        "finished",
        "multitask",
        "mobilenet_v1",
        3,
        3,
        4.0,
        2,
        0.92,
        "2026-01-01T00:00:00+00:00",
        data="b",
    )
    assert (stopped.name, stopped.state, stopped.epochs_done) == ("a", "stopped", 1)
    assert (new.system, new.backbone, new.best_mae, new.epochs) == ("seed", None, None, 50)
    assert json.loads(json.dumps(done.to_dict()))["best_epoch"] == 2


@pytest.mark.parametrize(
    ("files", "state", "note"),
    [
        ({}, "no run", "no files of a run"),
        ({"thesis.txt": "precious"}, "no run", "no files of a run"),
        ({"metrics.jsonl": row(1, 4.0)}, "incomplete", "no config.toml"),
        ({"config.toml": "epochs = "}, "incomplete", "config.toml is damaged"),
        ({"config.toml": "\ufffe[training"}, "incomplete", "config.toml is damaged"),
        ({"config.toml": "training = 3"}, "incomplete", "config.toml was not written by utkage"),
        ({"config.toml": "[tool]\nx = 1"}, "incomplete", "config.toml has no [training]"),
        ({"config.toml": "[training]\nepochs = 'x'"}, "incomplete", ""),
        (
            {"config.toml": "[training]\nepochs = 1", "metrics.jsonl": row(1, 4.0) + '{"epo'},
            "incomplete",
            "metrics.jsonl has damaged lines: 1",
        ),
        (
            {"config.toml": "[training]\nepochs = 1", "metrics.jsonl": "[1]\n3\n\n" + "[" * 9999},
            "incomplete",
            "metrics.jsonl has damaged lines: 4",
        ),
        (
            {"config.toml": "[training]\nepochs = 1", "metrics.jsonl": row(1, float("nan"))},
            "incomplete",
            "metrics.jsonl has damaged lines: 1",
        ),
        ({"best.safetensors": "cut"}, "incomplete", "no config.toml"),
    ],
)
def test_damaged_and_foreign_folders(
    tmp_path: Path, files: dict[str, str], state: str, note: str
) -> None:
    folder = tmp_path / "it"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    (run,) = list_runs(tmp_path)
    assert (run.state, run.note) == (state, note)


def test_files_that_are_folders_and_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "a" / "metrics.jsonl").mkdir(parents=True)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "metrics.jsonl").write_bytes(b"\xff\xff")
    assert "cannot be read" in read_run(tmp_path / "a").note
    assert "cannot be read" in read_run(tmp_path / "b").note


def test_no_folder_of_runs(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="utkage train"):
        list_runs(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    assert list_runs(tmp_path / "empty") == ()


def test_two_runs_side_by_side(tmp_path: Path) -> None:
    make_run(tmp_path / "a", [5.0, 4.0])
    make_run(tmp_path / "b", [4.5], Recipe(training=TrainConfig(epochs=9, sizes=(64, 96))))
    found = compare_runs("a", str(tmp_path / "b"), tmp_path)
    assert found.settings == {
        "training.epochs": (3, 9),
        "training.sizes": ([192], [64, 96]),
        "provenance.data.split_hash": ("a", "b"),
    }
    assert found.figures == {
        "epochs done": (2, 1),
        "best epoch": (2, 1),
        "val_mae": (4.0, 4.5),
        "val_gender_accuracy": (0.92, 0.91),
    }
    assert json.loads(json.dumps(found.to_dict()))["schema"] == 1


def test_a_run_beside_a_recipe_and_two_systems(tmp_path: Path) -> None:
    make_run(tmp_path / "a", [5.0], Recipe("seed", training=SeedConfig(gender_width=0.25)))
    with_recipe = compare_runs("a", "default", tmp_path)
    assert with_recipe.settings["system"] == ("seed", "multitask")
    assert with_recipe.settings["training.age_rate"] == (0.001, None)
    assert with_recipe.settings["training.sizes"] == (None, [192])
    assert with_recipe.figures["val_mae"] == (5.0, None)
    assert not any(key.startswith("provenance") for key in with_recipe.settings)
    assert compare_runs("default", "default").settings == {}


def test_the_best_epoch_follows_the_setting_of_the_run(tmp_path: Path) -> None:
    maes = {1: (4.0, 9.0), 2: (6.0, 7.0)}
    rows = [
        {"epoch": n, "val_mae": a, "val_sources": {"a": {"mae": a}, "b": {"mae": b}}}
        for n, (a, b) in maes.items()
    ]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    for select_by, best in (("mae", 1), ("macro_mae", 1), ("worst_mae", 2)):
        recipe = Recipe(training=TrainConfig(epochs=3, select_by=select_by))
        folder = make_run(tmp_path / select_by, [], recipe)
        (folder / "metrics.jsonl").write_text(lines)
        run = read_run(folder)
        assert (run.best_epoch, run.best_mae) == (best, maes[best][0])
        assert compare_runs(select_by, "mae", tmp_path).figures["best epoch"] == (best, 1)
    (folder / "metrics.jsonl").write_text(lines + '{"epoch": 3, "val_mae": 1, "val_sources": [1]}')
    assert read_run(folder).note == "metrics.jsonl has damaged lines: 1"


def test_what_cannot_be_compared(tmp_path: Path) -> None:
    make_run(tmp_path / "a", [5.0])
    (tmp_path / "b").mkdir()
    with pytest.raises(UsageError, match=r"b: no config.toml; it cannot be compared"):
        compare_runs("a", "b", tmp_path)
    with pytest.raises(UsageError, match="c: no such file"):
        compare_runs("a", "c", tmp_path)


def test_runs_are_sorted_and_unknown_values_come_last() -> None:
    runs = (
        Run("a", "finished", best_mae=5.0, gender_accuracy=0.9, data="AAF"),
        Run("b", "no run"),
        Run("c", "finished", best_mae=4.0, gender_accuracy=0.8, data="UTKFace"),
    )
    assert [run.name for run in sorted_runs(runs, "mae")] == ["c", "a", "b"]
    assert [run.name for run in sorted_runs(runs, "gender")] == ["a", "c", "b"]
    assert [run.name for run in sorted_runs(runs, "data")] == ["a", "c", "b"]
    assert [run.name for run in sorted_runs(runs, "name")] == ["a", "b", "c"]
    with pytest.raises(ConfigError, match="`sort` size: choose one of started, name, mae"):
        sorted_runs(runs, "size")
