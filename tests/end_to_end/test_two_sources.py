"""Evaluating and training on two sources; photographs with labels; weights that go on learning."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from tools.examples.demo_set import make_demo_set
from utkage.cli.app import app
from utkage.core.errors import TrainingError
from utkage.core.reporter import SilentReporter
from utkage.data.sources.options import SourceOptions
from utkage.data.split import SplitConfig
from utkage.data.store import ChipStore
from utkage.models.weights_files import load_weights
from utkage.preparation.audit.resolve import FixConfig
from utkage.preparation.prepare import PrepareConfig, prepare
from utkage.training.config import TrainConfig
from utkage.training.runs import read_run
from utkage.training.train import TrainRequest, TrainResult, train

Evaluate = Callable[..., Any]
CONFIG = TrainConfig(
    epochs=1, batch_size=16, sizes=(32,), backbone="mobilenet_v3_small", init="scratch"
)


class Listening(SilentReporter):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)


def _prepare(out: Path, *sources: Path, seed: int = 0) -> Path:
    prepare(
        PrepareConfig(
            sources=sources,
            out=out,
            chip_size=64,
            split=SplitConfig(seed, 0.25, 0.25),
            # Blends of a dozen faces are near-copies by nature; here every one is wanted.
            fix=FixConfig(max_distance=-1),
            options=SourceOptions(aligned=True),
        )
    )
    return out


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory, examples: Path) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("sources")
    for seed, name in enumerate(("east", "west")):
        make_demo_set(examples / "faces", folder / name, 60, seed)
    return folder / "east", folder / "west"


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, sources: tuple[Path, Path]) -> Path:
    return _prepare(tmp_path_factory.mktemp("both") / "set", *sources)


@pytest.fixture
def evaluate(tmp_path: Path) -> Evaluate:
    def run(*arguments: object, weights: object = "shipped") -> Any:
        every = [
            "evaluate",
            *arguments,
            "--weights",
            weights,
            "--out",
            tmp_path / "report",
            "--json",
        ]
        return CliRunner().invoke(app, [str(argument) for argument in every])

    return run


def test_metrics_by_source_and_of_one_source(evaluate: Evaluate, both: Path) -> None:
    together = json.loads(evaluate("--data", both).stdout)
    parts = together["sources"]
    assert set(parts) == {"east", "west"}
    assert sum(part["n"] for part in parts.values()) == together["n"]
    weighted = sum(part["n"] * part["mae"] for part in parts.values()) / together["n"]
    assert weighted == pytest.approx(together["mae"], abs=1e-3)
    for name, part in parts.items():
        alone = json.loads(evaluate("--data", both, "--source", name).stdout)
        assert alone["sources"] == {}
        for key in ("n", "mae", "bias", "gender_accuracy", "range_accuracy"):
            assert alone[key] == pytest.approx(part[key], abs=1e-3)


def test_an_unknown_source(evaluate: Evaluate, both: Path) -> None:
    result = evaluate("--data", both, "--source", "north")
    assert result.exit_code == 2
    assert "no source named 'north'; it has east, west" in result.stderr


def test_photographs_with_labels(evaluate: Evaluate, examples: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photographs"
    folder.mkdir()
    for name in ("portrait.jpg", "couple.jpg", "landscape.jpg"):
        shutil.copy(examples / name, folder)
    labels = "path,age,gender\nportrait.jpg,22,female\ncouple.jpg,45,m\nlandscape.jpg,30,0\n"
    (folder / "labels.csv").write_text(labels)
    result = evaluate("--data", folder)
    assert result.exit_code == 0, result.output
    metrics = json.loads(result.stdout)
    assert (metrics["n"], metrics["n_dropped"], metrics["split"]) == (2, 1, None)
    assert "no face was found" in result.stderr
    with (tmp_path / "report" / "predictions.csv").open() as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    assert set(rows) == {"portrait.jpg", "couple.jpg"}
    assert {row["source"] for row in rows.values()} == {"photographs"}
    # As prediction finds and aligns the face in the same photograph.
    arguments = ["predict", examples / "portrait.jpg", "--weights", "shipped", "--json", "--quiet"]
    predicted = CliRunner().invoke(app, [str(argument) for argument in arguments])
    (face,) = json.loads(predicted.stdout)
    assert float(rows["portrait.jpg"]["predicted_age"]) == pytest.approx(face["age"], abs=0.1)
    # The same labels from elsewhere.
    (folder / "labels.csv").rename(tmp_path / "other.csv")
    again = evaluate("--data", folder, "--labels", tmp_path / "other.csv")
    assert json.loads(again.stdout)["mae"] == metrics["mae"]


@pytest.fixture(scope="module")
def first(both: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainResult:
    return train(TrainRequest(both, tmp_path_factory.mktemp("first") / "run", "cpu", CONFIG))


def _fine_tuned(data: Path, run: Path, init: Path) -> tuple[TrainResult, list[str]]:
    return _trained(data, run, replace(CONFIG, init=str(init)))


def _trained(data: Path, run: Path, config: TrainConfig) -> tuple[TrainResult, list[str]]:
    reporter = Listening()
    return train(TrainRequest(data, run, "cpu", config), reporter), reporter.warnings


def test_training_reports_by_source(first: TrainResult, both: Path) -> None:
    (row,) = first.epochs
    assert set(row["val_sources"]) == {"east", "west"}
    assert sum(part["n"] for part in row["val_sources"].values()) == row["val_n"]
    learned = load_weights(first.best).fingerprints.numpy()
    train_chips = ChipStore.open(both).split("train")
    np.testing.assert_array_equal(np.sort(learned), np.unique(train_chips.fingerprints()))


def test_the_worst_source_chooses_the_best_epoch(both: Path, tmp_path: Path) -> None:
    arguments = ["train", "--data", both, "--run", tmp_path / "run", "--device", "cpu", "--json"]
    settings = ["--epochs", 3, "--sizes", 32, "--set", "batch_size=16", "--set", "init=scratch"]
    settings += ["--set", "backbone=mobilenet_v3_small", "--set", "learning_rate=0.003"]

    def run(*more: object) -> Any:
        return CliRunner().invoke(
            app, [str(argument) for argument in (*arguments, *settings, *more)]
        )

    trained = run("--set", "select_by=worst_mae")
    assert trained.exit_code == 0, trained.output
    found = json.loads(trained.stdout)
    worst = [max(s["mae"] for s in row["val_sources"].values()) for row in found["epochs"]]
    best = found["epochs"][int(np.argmin(worst))]
    assert (found["best_epoch"], found["best_val_mae"]) == (best["epoch"], best["val_mae"])
    card = load_weights(Path(found["best"])).card
    assert card.metrics["val"]["epoch"] == best["epoch"]
    assert card.training["config"]["select_by"] == "worst_mae"
    assert read_run(tmp_path / "run").best_epoch == best["epoch"]
    other = run("--set", "select_by=macro_mae")
    assert other.exit_code != 0
    assert "select_by: 'worst_mae' there, 'macro_mae' now" in " ".join(other.stderr.split())


def test_the_seed_system_selects_by_mae_only(both: Path) -> None:
    arguments = ["train", "--data", str(both), "--system", "seed", "--set", "select_by=macro_mae"]
    refused = CliRunner().invoke(app, arguments)
    assert refused.exit_code == 2
    message = "select_by is macro_mae; it must be mae for the seed system"
    assert message in " ".join(refused.stderr.split())


def test_fine_tuned_weights_know_all_that_was_learned(
    first: TrainResult, both: Path, tmp_path: Path, examples: Path, evaluate: Evaluate
) -> None:
    make_demo_set(examples / "faces", tmp_path / "south", 40, 7)
    other = _prepare(tmp_path / "other", tmp_path / "south")
    second, warnings = _fine_tuned(other, tmp_path / "run", first.best)
    assert warnings == [], "none of these were learned before"
    learned = load_weights(second.best).fingerprints.numpy()
    expected = np.union1d(
        ChipStore.open(both).split("train").fingerprints(),
        ChipStore.open(other).split("train").fingerprints(),
    )
    np.testing.assert_array_equal(np.sort(learned), expected)
    assert len(load_weights(second.best).card.lineage) == 3
    # So what only the initial weights saw is refused as well.
    refused = evaluate("--data", both, "--split", "train", weights=second.best)
    assert refused.exit_code == 1
    assert "--allow-seen" in refused.stderr
    allowed = evaluate("--data", both, "--split", "train", "--allow-seen", weights=second.best)
    assert allowed.exit_code == 0, allowed.output
    metrics = json.loads(allowed.stdout)
    assert metrics["n_seen_in_training"] == metrics["n"]


def test_initial_weights_that_know_the_validation_pictures(
    first: TrainResult, sources: tuple[Path, Path], tmp_path: Path
) -> None:
    moved = _prepare(tmp_path / "moved", *sources, seed=1)
    _, warnings = _fine_tuned(moved, tmp_path / "run", first.best)
    validation = ChipStore.open(moved).split("val")
    known = np.isin(validation.fingerprints(), load_weights(first.best).fingerprints.numpy()).sum()
    assert known > 0
    # The test split has some as well.
    warning, test_warning = warnings
    assert " test images are training images of the initial weights, " in test_warning
    expected = f"{known} of the {len(validation)} validation images are training images of the "
    assert warning.startswith(f"{expected}initial weights, ")
    assert "`init=scratch`" in warning


def test_what_a_teacher_knows_is_learned_as_well(
    first: TrainResult, both: Path, sources: tuple[Path, Path], tmp_path: Path
) -> None:
    moved = _prepare(tmp_path / "moved", *sources, seed=1)
    config = replace(CONFIG, teachers=(str(first.best),), checkpoint_steps=1)
    taught, warnings = _trained(moved, tmp_path / "run", config)
    warning, test_warning = warnings
    assert f"test images are training images of the teacher {first.best}, " in test_warning
    assert f"validation images are training images of the teacher {first.best}, " in warning
    weights = load_weights(taught.best)
    expected = np.union1d(
        ChipStore.open(both).split("train").fingerprints(),
        ChipStore.open(moved).split("train").fingerprints(),
    )
    np.testing.assert_array_equal(np.sort(weights.fingerprints.numpy()), expected)
    assert any(line.startswith("distilled from weights ") for line in weights.card.lineage)
    # It decides what is learned, and by its content: a copy of it is the same teacher.
    alone, _ = _trained(moved, tmp_path / "alone", replace(config, teachers=()))
    assert alone.epochs[0]["train_loss"] != taught.epochs[0]["train_loss"]
    shutil.copy(first.best, tmp_path / "copy.safetensors")
    copied = replace(config, teachers=(str(tmp_path / "copy.safetensors"),))
    again, _ = _trained(moved, tmp_path / "again", copied)
    assert again.epochs[0]["val_mae"] == taught.epochs[0]["val_mae"]


def test_a_run_does_not_go_on_with_another_teacher(
    first: TrainResult, both: Path, tmp_path: Path
) -> None:
    config = replace(CONFIG, teachers=(str(first.best),))
    _trained(both, tmp_path / "run", config)
    with pytest.raises(TrainingError, match="teachers: "):
        _trained(both, tmp_path / "run", replace(config, teachers=("shipped",)))
    with pytest.raises(TrainingError, match="teacher_weight: "):
        _trained(both, tmp_path / "run", replace(config, teacher_weight=0.3))
