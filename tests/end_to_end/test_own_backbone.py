"""A backbone of one short function goes the whole way: train, load, predict, evaluate, export."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from torch import nn

import utkage
from tools.examples.demo_set import make_demo_set
from utkage.core.errors import ConfigError, WeightsError
from utkage.models.registry import IMAGENET_MEAN, IMAGENET_STD, Backbone, with_backbone
from utkage.preparation.audit.resolve import FixConfig


def three_convolutions() -> nn.Module:
    """Normalised images (N, 3, H, W) -> features (N, 24)."""
    return nn.Sequential(
        *(nn.Conv2d(3, 8, 5, 2), nn.BatchNorm2d(8), nn.ReLU()),
        *(nn.Conv2d(8, 16, 3, 2), nn.BatchNorm2d(16), nn.ReLU()),
        *(nn.Conv2d(16, 24, 3, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    )


OWN = Backbone(
    name="own",
    build=three_convolutions,
    features=24,
    mean=IMAGENET_MEAN,
    std=IMAGENET_STD,
    source="this test",
)


def test_from_training_to_export(
    tmp_path: Path, examples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make_demo_set(examples / "faces", Path("faces"), 60, 0)
    split = utkage.SplitConfig(val=0.2, test=0.2)
    exact = FixConfig(max_distance=-1)
    utkage.prepare(
        utkage.PrepareConfig(
            sources=(Path("faces"),), chip_size=48, split=split, fix=exact, workers=1
        )
    )
    recipe = utkage.TrainConfig(
        epochs=2,
        batch_size=12,
        sizes=(48,),
        backbone="own",
        init="scratch",
        freeze_epochs=1,
        layer_decay=0.8,
    )
    request = utkage.TrainRequest(run=Path("runs/own"), device="cpu", config=recipe)
    with pytest.raises(ConfigError, match="there is no backbone 'own'"):
        utkage.train(request)

    with with_backbone(OWN):
        trained = utkage.train(request)
        assert [row["epoch"] for row in trained.epochs] == [1, 2]
        predictor = utkage.load_predictor(trained.best)
        assert predictor.card.backbone == "own"
        chips = utkage.ChipStore.open(Path("prepared")).split("test")
        (cropped,) = chips.batches(len(chips), predictor.card.contract)
        predictions = predictor.predict_chips(cropped)
        assert len(predictions) == len(chips) > 5
        scored = utkage.evaluate(utkage.EvaluateRequest(weights=str(trained.best), device="cpu"))
        assert abs(predictions.age - chips.ages).mean() == pytest.approx(
            scored.metrics.mae, abs=1e-3
        )
        exported = utkage.export(utkage.ExportRequest(weights=str(trained.best)))
        assert exported.parity.chips > 100
        exported.parity.require(exported.path)
        # And a second training starts from the first.
        more = replace(recipe, epochs=1, freeze_epochs=0, init=str(trained.best))
        again = utkage.train(replace(request, run=Path("runs/more"), config=more))
        assert len(utkage.load_predictor(again.best).card.lineage) == 3

    with pytest.raises(WeightsError, match=r"best\.safetensors: there is no backbone 'own'"):
        utkage.load_predictor(trained.best)
