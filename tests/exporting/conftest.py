"""An exported ONNX file; the export takes some ten seconds, so the tests share it."""

import contextlib
import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_backbone import SMALL_BACKBONE

from utkage.core.device import CPU
from utkage.exporting.onnx_file import write_onnx
from utkage.models.calibration import LEVELS, AgeBand, Calibration
from utkage.models.card import Card
from utkage.models.chip_graph import ChipGraph
from utkage.models.export_graph import ExportGraph
from utkage.models.export_metadata import card_metadata
from utkage.models.multitask import MultiTaskNet
from utkage.models.registry import with_backbone
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
    lively_network: Lively,
    calibrated_card: Card,
    made_once: Callable[[str, Callable[[Path], object]], Path],
) -> Path:
    def export(folder: Path) -> None:
        graph = ChipGraph(lively_network(), "median", flip=True, calibration=CALIBRATION)
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            whole = ExportGraph(graph, calibrated_card, interval=0.9)
            metadata = card_metadata(calibrated_card, np.array([7], dtype=np.int32), flip=True)
            write_onnx(whole, folder / "model.onnx", metadata)
        assert printed.getvalue() == "", "standard output belongs to data"

    return made_once("exported-onnx", export) / "model.onnx"


@pytest.fixture
def small_network(lively_network: Lively) -> Iterator[MultiTaskNet]:
    """A network that is exported in a second."""
    with with_backbone(SMALL_BACKBONE):
        yield lively_network(SMALL_BACKBONE.name)
