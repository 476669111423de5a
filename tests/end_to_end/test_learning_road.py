"""prepare, train, evaluate, predict and export in a row, as a user types them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from tools.examples.demo_set import make_demo_set
from tools.warm_process import run_utkage
from utkage.core.toml_file import parse_toml
from utkage.images.save import save_image

# The weights of the run; without this, predict takes the shipped ones.
LATEST = ("--weights", "latest")
EVALUATE_KEYS = {
    "n",
    "mae",
    "cs5",
    "range_accuracy",
    "gender_accuracy",
    "gender_accuracy_16plus",
}


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory, examples: Path) -> Path:
    """A working directory after prepare and train, with nothing but default places."""
    folder = tmp_path_factory.mktemp("road")
    make_demo_set(examples / "faces", folder / "Dataset" / "UTKFace", 120, 0)
    # Blends of a dozen faces are near-copies by nature; here every one is wanted.
    exact = ("--near-distance", -1)
    # With their margin, these chips have the 64 pixels of the weights: nothing is resized twice.
    prepared = run_utkage(
        folder, "prepare", "--chip-size", 54, "--val", 0.15, "--test", 0.15, *exact
    )
    assert prepared.returncode == 0, prepared.stderr
    trained = run_utkage(
        folder, "train", "--epochs", 2, "--batch-size", 16, "--sizes", "48,64", "--lr", 1e-3
    )
    assert trained.returncode == 0, trained.stderr
    return folder


@pytest.fixture(scope="module")
def exported(road: Path) -> Path:
    done = run_utkage(road, "export", "--format", "onnx", "--out", "faces.onnx", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["parity"]["chips"] == 256
    return road / "faces.onnx"


def test_prepare_leaves_one_set_with_disjoint_splits(road: Path) -> None:
    store = json.loads((road / "prepared" / "store.json").read_text())
    assert store["usable"] == 120
    assert sum(store["splits"].values()) == 120
    assert min(store["splits"].values()) > 5
    with (road / "prepared" / store["files"]["manifest"]).open() as file:
        rows = list(csv.DictReader(file))
    assert len({row["pixel_hash"] for row in rows}) == 120


def test_train_leaves_weights_metrics_and_config(road: Path) -> None:
    (run,) = (road / "runs").iterdir()
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    # The initial weights are validated as epoch 0.
    assert [row.get("size") for row in rows] == [None, 48, 64]
    assert all(np.isfinite(row["val_mae"]) for row in rows)
    config = parse_toml((run / "config.toml").read_text())
    assert config["training"]["epochs"] == 2
    origin = config["provenance"]
    assert origin["command"].startswith("utkage train --epochs 2")
    with (run / "summary.csv").open() as file:
        summary = list(csv.DictReader(file))
    assert [float(row["val_mae"]) for row in summary] == [row["val_mae"] for row in rows]
    for picture in ("curves.png", "sample_batch.png"):
        assert (run / picture).read_bytes().startswith(b"\x89PNG")
    shown = run_utkage(road, "info", run, "--json")
    card = json.loads(shown.stdout)
    assert card["contract"]["size"] == 64
    assert (
        card["data"]["split_hash"]
        == json.loads((road / "prepared" / "store.json").read_text())["split_hash"]
    )
    assert card["data"]["split_hash"] == origin["data"]["split_hash"]
    assert "non-commercial" in card["terms"]
    assert not list(run.glob(".*partial*"))


def test_training_again_in_the_same_run_has_nothing_to_do(road: Path) -> None:
    (run,) = (road / "runs").iterdir()
    before = (run / "best.safetensors").read_bytes()
    same = ["--epochs", 2, "--batch-size", 16, "--sizes", "48,64", "--lr", 1e-3]
    again = run_utkage(road, "train", "--run", run, *same)
    assert again.returncode == 0, again.stderr
    assert (run / "best.safetensors").read_bytes() == before
    other = run_utkage(road, "train", "--run", run, *same[:-1], 5e-4)
    assert other.returncode == 1
    assert "learning_rate" in other.stderr
    kept = run_utkage(road, "train", "--config", run, "--run", run)
    assert kept.returncode == 0, kept.stderr
    varied = run_utkage(
        road, "train", "--config", run, "--run", run, "--set", "augmentation.flip=0"
    )
    assert varied.returncode == 1
    assert "augmentation.flip: 0.5 there, 0.0 now" in varied.stderr
    assert (run / "best.safetensors").read_bytes() == before


def test_a_config_of_a_run_gives_the_same_weights(road: Path) -> None:
    (run,) = (road / "runs").iterdir()
    again = run_utkage(road, "train", "--config", run / "config.toml", "--run", "./again", "--json")
    assert again.returncode == 0, again.stderr
    _, *rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    timeless = [{k: v for k, v in row.items() if k != "seconds"} for row in rows]
    found = json.loads(again.stdout)["epochs"]
    assert [{k: v for k, v in row.items() if k != "seconds"} for row in found] == timeless


def test_evaluate_by_defaults(road: Path) -> None:
    done = run_utkage(road, "evaluate", "--plot-cm", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert set(result) >= EVALUATE_KEYS
    assert result["split"] == "test"
    assert result["n_seen_in_training"] == 0
    assert np.sum(result["range_confusion"]) == result["n"]
    assert json.loads((road / "evaluation" / "metrics.json").read_text()) == result
    assert (road / "evaluation" / "confusion_matrix.png").read_bytes().startswith(b"\x89PNG")
    with (road / "evaluation" / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    errors = [abs(float(row["predicted_age"]) - float(row["true_age"])) for row in rows]
    assert np.mean(errors) == pytest.approx(result["mae"], abs=0.01)


def test_the_whole_report(road: Path) -> None:
    arguments = ("--report", "--threshold", 18, "--stress", "--resamples", 200, "--out", "whole")
    # Without mirrored chips, robustness takes half as long.
    done = run_utkage(road, "evaluate", *arguments, "--split", "all", "--allow-seen", "--no-flip")
    assert done.returncode == 0, done.stderr
    assert "passing or failing at 18" in done.stdout
    assert "robustness, on 120 faces" in done.stdout
    folder = road / "whole"
    result = json.loads((folder / "metrics.json").read_text())
    assert result["schema"] == 2
    assert result["command"].startswith("utkage evaluate --report")
    assert result["populations"]["all"]["figures"]["mae"]["value"] == result["mae"]
    assert len(result["stress"]["factors"]) >= 10
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "SHA-256" in page
    assert page.count("<figure>") >= 9
    pictures = {path.name for path in (folder / "pictures").iterdir()}
    assert {"age_density.png", "age_density.svg", "stress.svg", "confusion_matrix.svg"} <= pictures
    assert (folder / "faces.png").is_file()
    card = (folder / "model_card.md").read_text(encoding="utf-8")
    assert "| MAE, years |" in card
    found = yaml.safe_load(card.split("---\n")[1])["model-index"][0]["results"][0]["metrics"]
    assert found[0] == {"type": "mae", "name": "MAE, years", "value": round(result["mae"], 4)}
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(folder / "predictions.parquet")
    assert table.num_rows == 120
    assert table.schema.field("predicted_age").type == "double"


def test_tables_of_others_and_exported_files_are_scored_alike(road: Path, exported: Path) -> None:
    """One model in three forms: weights, an exported file, and a table of its predictions."""
    assert run_utkage(road, "evaluate", "--out", "own").returncode == 0
    with (road / "own" / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    lines = [f"{row['file']},{row['predicted_age']},{row['p_female']}" for row in rows]
    (road / "theirs.csv").write_text("\n".join(["file,age,p_female", *lines]) + "\n")
    arguments = (
        "--compare",
        exported.name,
        "--compare",
        "theirs.csv",
        "--json",
        "--out",
        "three",
    )
    done = run_utkage(road, "evaluate", *arguments)
    assert done.returncode == 0, done.stderr
    first, second = json.loads(done.stdout)["comparisons"]
    for found in (first, second):
        assert found["figures"]["mae"]["difference"]["value"] == pytest.approx(0, abs=0.02)
        assert found["mcnemar_gender"]["p_value"] == 1
    assert "coverage_80" in first["figures"]
    assert "coverage_80" not in second["figures"]
    alone = run_utkage(road, "evaluate", "--weights", "theirs.csv", "--json", "--out", "theirs")
    assert alone.returncode == 0, alone.stderr
    assert "no record of its training images" in alone.stderr
    result = json.loads(alone.stdout)
    assert result["interval_coverage"] is None
    assert result["n_seen_in_training"] is None
    assert result["mae"] == pytest.approx(
        np.mean([abs(float(row["predicted_age"]) - float(row["true_age"])) for row in rows]),
        abs=1e-3,
    )
    refused = run_utkage(road, "evaluate", "--weights", "theirs.csv", "--stress", "--out", "theirs")
    assert refused.returncode == 2


def test_evaluating_training_images_is_refused(road: Path) -> None:
    refused = run_utkage(road, "evaluate", "--split", "train", "--json", "--out", "seen")
    assert refused.returncode == 1
    assert "--allow-seen" in refused.stderr
    assert not (road / "seen").exists()
    arguments = ("--split", "train", "--json", "--out", "seen", "--allow-seen")
    done = run_utkage(road, "evaluate", *arguments)
    assert done.returncode == 0
    assert json.loads(done.stdout)["n_seen_in_training"] > 50
    assert "training images of" in done.stderr


def test_a_plain_folder_gives_the_answers_of_the_prepared_set(road: Path) -> None:
    arguments = ("--allow-seen", "--json", "--out")
    plain = run_utkage(road, "evaluate", "--data", "Dataset/UTKFace", *arguments, "plain")
    prepared = run_utkage(road, "evaluate", "--split", "all", *arguments, "all")
    first, second = json.loads(plain.stdout), json.loads(prepared.stdout)
    assert first["split"] is None
    for key in EVALUATE_KEYS:
        assert first[key] == pytest.approx(second[key], abs=0.05 if key == "mae" else 1e-2)


def test_calibrate_puts_a_calibration_into_a_copy(road: Path) -> None:
    (run,) = (road / "runs").iterdir()
    before = (run / "best.safetensors").read_bytes()
    few = run_utkage(road, "evaluate", "--calibrate")
    assert few.returncode == 1
    assert "too few to calibrate with" in few.stderr
    arguments = (
        "--calibrate",
        "--data",
        "Dataset/UTKFace",
        "--out-weights",
        "calibrated.safetensors",
    )
    refused = run_utkage(road, "evaluate", *arguments)
    assert refused.returncode == 1
    assert "--allow-seen" in refused.stderr
    done = run_utkage(road, "evaluate", *arguments, "--allow-seen", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["out"] == "calibrated.safetensors"
    assert (run / "best.safetensors").read_bytes() == before
    card = json.loads(run_utkage(road, "info", "calibrated.safetensors", "--json").stdout)
    assert card["calibration"] == found["calibration"]
    assert card["calibration"]["fitted_on"]["n"] == 120
    shown = run_utkage(road, "evaluate", *arguments, "--allow-seen")
    assert "gender temperature" in shown.stdout
    # On the faces that it was fitted to, the intervals keep their promise but for rounding.
    arguments = ("--data", "Dataset/UTKFace", "--allow-seen", "--json", "--out", "calibrated")
    scored = json.loads(
        run_utkage(road, "evaluate", *arguments, "--weights", "calibrated.safetensors").stdout
    )
    plain = json.loads(run_utkage(road, "evaluate", *arguments).stdout)
    assert scored["interval_coverage"] == pytest.approx(0.8, abs=0.05)
    for key in EVALUATE_KEYS:
        assert scored[key] == plain[key]


def test_an_age_prior_moves_ages_and_is_in_the_lineage(road: Path) -> None:
    arguments = ("--data", "Dataset/UTKFace", "--allow-seen")
    calibrate = ("evaluate", *arguments, "--calibrate", "--age-prior", "--out-weights")
    done = run_utkage(road, *calibrate, "prior.safetensors", "--mirrored-view", "enlarged")
    assert done.returncode == 0, done.stderr
    card = json.loads(run_utkage(road, "info", "prior.safetensors", "--json").stdout)
    assert card["mirrored_view"] == "enlarged"
    assert card["lineage"][-1].startswith("age prior fitted to 120 faces")
    scored = [
        json.loads(
            run_utkage(
                road, "evaluate", *arguments, "--weights", weights, "--json", "--out", "prior"
            ).stdout
        )
        for weights in ("auto", "prior.safetensors")
    ]
    assert scored[0]["mae"] != scored[1]["mae"]
    alone = run_utkage(road, "evaluate", *arguments, "--age-prior")
    assert alone.returncode == 2
    assert "--age-prior is for --calibrate" in alone.stderr


def test_predict_chips_agrees_with_evaluate(road: Path) -> None:
    run_utkage(road, "evaluate", "--json")
    with (road / "evaluation" / "predictions.csv").open() as file:
        expected = list(csv.DictReader(file))[:6]
    files = [road / "Dataset" / "UTKFace" / row["file"] for row in expected]
    done = run_utkage(road, "predict", *LATEST, "--crop", "none", "--json", *files)
    assert done.returncode == 0, done.stderr
    for row, wanted in zip(json.loads(done.stdout), expected, strict=True):
        assert row["age"] == pytest.approx(float(wanted["predicted_age"]), abs=1.02)
        assert row["p_female"] == pytest.approx(float(wanted["p_female"]), abs=1e-2)
        assert row["age_low"] <= row["age"] <= row["age_high"]
        assert row["box"] == [0.0, 0.0, 200.0, 200.0]


def test_exported_files_predict_as_predict_does(road: Path, exported: Path) -> None:
    import onnxruntime
    from PIL import Image

    session = onnxruntime.InferenceSession(exported)
    files = sorted((road / "Dataset" / "UTKFace").iterdir())[:5]
    # Chips that say that they are cropped as the weights want them, so that nothing stands between.
    (run,) = (road / "runs").iterdir()
    contract = json.loads(run_utkage(road, "info", run, "--json").stdout)["contract"]
    small = road / "small"
    small.mkdir()
    for file in files:
        chip = np.asarray(Image.open(file).convert("RGB").resize((64, 64)))
        save_image(small / f"{file.name}.png", chip, crop=json.dumps(contract))
    names = sorted(small.iterdir())
    chips = np.stack([np.asarray(Image.open(name)) for name in names])
    ages, p_female = session.run(["age", "p_female"], {"chips": chips})
    rows = json.loads(
        run_utkage(road, "predict", *LATEST, "--crop", "none", "--json", *names).stdout
    )
    for row, age, probability in zip(rows, ages, p_female, strict=True):
        assert row["age"] == pytest.approx(float(age), abs=0.02)
        assert row["p_female"] == pytest.approx(float(probability), abs=1e-3)


def test_quiet_says_nothing_but_the_result(road: Path) -> None:
    done = run_utkage(road, "evaluate", "--quiet", "--json")
    assert done.stderr == ""
    assert json.loads(done.stdout)["n"] > 5
