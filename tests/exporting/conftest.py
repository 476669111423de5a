"""An exported ONNX file; the export takes some ten seconds, so the tests share it."""

import contextlib
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from utkage.core.device import CPU
from utkage.exporting.onnx_file import write_onnx
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
    bands=(AgeBand(0, 500, tuple(level / 2 for level in LEVELS)),),
)


@pytest.fixture(scope="session")
def calibrated_card(card: Card) -> Card:
    return replace(card, calibration=CALIBRATION)


@pytest.fixture(scope="session")
def reference(lively_network: Lively, calibrated_card: Card) -> TorchPredictor:
    graph = ChipGraph(lively_network(), "median", flip=True, calibration=CALIBRATION)
    return TorchPredictor(graph, calibrated_card, CPU.torch)


@pytest.fixture(scope="session")
def exported(
    lively_network: Lively, calibrated_card: Card, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    graph = ChipGraph(lively_network(), "median", flip=True, calibration=CALIBRATION)
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        whole = ExportGraph(graph, calibrated_card, interval=0.9)
        metadata = card_metadata(calibrated_card, np.array([7], dtype=np.int32), flip=True)
        write_onnx(whole, path, metadata)
    assert printed.getvalue() == "", "standard output belongs to data"
    return path
