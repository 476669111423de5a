"""Every loss of age goes the whole way: train, predict, evaluate, export, start anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_backbone import SMALL_BACKBONE

import utkage
from tools.examples.demo_set import make_demo_set
from utkage.data.augment import AugmentConfig
from utkage.models.registry import with_backbone
from utkage.preparation.audit.resolve import FixConfig
from utkage.training.losses import AGE_LOSSES

RECIPE = utkage.TrainConfig(
    epochs=1,
    batch_size=12,
    sizes=(32,),
    backbone="small",
    init="scratch",
    age_weighting="sqrt",
)
MIXED = AugmentConfig(mixup=0.5)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, examples: Path) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("losses")
    make_demo_set(examples / "faces", folder / "faces", 60, 0)
    config = utkage.PrepareConfig(
        sources=(folder / "faces",),
        chip_size=32,
        split=utkage.SplitConfig(val=0.2, test=0.2),
        fix=FixConfig(max_distance=-1),
        workers=1,
        out=folder / "prepared",
    )
    utkage.prepare(config)
    with with_backbone(SMALL_BACKBONE):
        yield folder / "prepared"


def trained(prepared: Path, name: str, run: Path, init: str = "scratch") -> Path:
    config = replace(RECIPE, age_loss=name, init=init)
    request = utkage.TrainRequest(prepared, run, "cpu", config, augmentation=MIXED)
    return utkage.train(request).best


@pytest.mark.slow
@pytest.mark.parametrize("name", AGE_LOSSES)
def test_from_training_to_export(
    prepared: Path, tmp_path: Path, name: str, few_chips: None
) -> None:
    best = trained(prepared, name, tmp_path / name)
    predictor = utkage.load_predictor(best)
    assert predictor.card.age_head == AGE_LOSSES[name].head
    assert predictor.card.point_estimate == AGE_LOSSES[name].point_estimate
    chips = utkage.ChipStore.open(prepared).split("test")
    (cropped,) = chips.batches(len(chips), predictor.card.contract)
    predictions = predictor.predict_chips(cropped)
    np.testing.assert_allclose(predictions.age_distribution.sum(1), 1, atol=1e-5)
    request = utkage.EvaluateRequest(
        data=prepared, weights=str(best), device="cpu", out=tmp_path / "report"
    )
    scored = utkage.evaluate(request)
    assert abs(predictions.age - chips.ages).mean() == pytest.approx(scored.metrics.mae, abs=1e-3)
    exported = utkage.export(utkage.ExportRequest(weights=str(best), out=tmp_path / "a.onnx"))
    exported.parity.require(exported.path)


def test_weights_of_another_head_start_all_but_the_head(prepared: Path, tmp_path: Path) -> None:
    from utkage.models.initial import initial_network
    from utkage.models.weights_files import load_weights

    best = trained(prepared, "dldl_v2", tmp_path / "first")
    state = load_weights(best).state
    chips = utkage.ChipStore.open(prepared).split("train")
    for head, count in (("softmax", 0), ("coral", 1), ("corn", 1)):
        start = initial_network(
            str(best), "small", 0, chips, chips.contract, allow_download=False, age_head=head
        )
        news = [line for line in start.lineage if "starts from random weights" in line]
        assert len(news) == count
        for key, value in start.network.state_dict().items():
            if not key.startswith("age.") or head == "softmax":
                assert value.equal(state[key]), key
    again = utkage.load_predictor(trained(prepared, "coral", tmp_path / "second", str(best)))
    assert "the age head starts from random weights: coral instead of softmax" in again.card.lineage
