import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from utkage.core.errors import UsageError, WeightsError
from utkage.exporting.formats import FORMATS, get_format
from utkage.exporting.parity import compare, predict_batches, synthetic_chips
from utkage.models.calibration import LEVELS, AgeBand, Calibration
from utkage.models.card import Card
from utkage.models.chip_graph import ChipGraph
from utkage.models.export_graph import ExportGraph
from utkage.models.export_metadata import card_metadata
from utkage.models.multitask import MultiTaskNet
from utkage.prediction.chip_predictor import TorchPredictor

Lively = Callable[..., MultiTaskNet]

CALIBRATION = Calibration(
    gender_temperature=0.7,
    range_temperature=1.6,
    levels=LEVELS,
    bands=(AgeBand(0, 500, tuple(x / 2 for x in LEVELS)),),
)
NO_FINGERPRINTS = np.empty(0, dtype=np.int32)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["torchscript", "pt2"])
def test_the_file_predicts_like_the_model(
    name: str, lively_network: Lively, card: Card, tmp_path: Path
) -> None:
    card = replace(card, calibration=CALIBRATION)
    graph = ChipGraph(lively_network(), "median", flip=True, calibration=CALIBRATION)
    form, path = get_format(name), tmp_path / "a.file"
    whole = ExportGraph(graph, card, interval=0.9).eval()
    form.write(
        whole, path, card_metadata(card, NO_FINGERPRINTS, flip=True), "fp32", np.empty(0, np.uint8)
    )
    found = form.open(path)
    assert found.card == card
    chips = synthetic_chips(9, 64)
    reference = TorchPredictor(graph, card, torch.device("cpu"))
    batches = [chips[:1], chips[1:4], chips[4:]]
    both = (predict_batches(own, batches) for own in (reference, found))
    parity = compare(*both, card.point_estimate)
    parity.require(path)
    assert parity.max_probability_difference < 1e-4
    own = found.predict_chips(chips)
    assert own.calibration == CALIBRATION
    assert own.age.std() > 0.01
    with pytest.raises(UsageError, match="these weights take"):
        found.predict_chips(chips[:, :32])
    if name == "pt2":
        assert "utkage_flip" in {Path(n).name for n in zipfile.ZipFile(path).namelist()}


@pytest.mark.parametrize("name", FORMATS)
def test_files_of_other_programs_are_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.file"
    path.write_bytes(b"no program")
    with pytest.raises(WeightsError, match=r"a\.file: (torch cannot read it|not an ONNX file)"):
        get_format(name).open(path)


def test_torchscript_without_a_card_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.torchscript"
    torch.jit.save(torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2)), path)
    with pytest.raises(WeightsError, match=r"not a utkage file \(no card\)"):
        get_format("torchscript").open(path)
