"""The oracle error, and the trivial oracle beside it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from utkage.core.reporter import SilentReporter
from utkage.data.chips import LabelledChips
from utkage.evaluation.age_errors import group_medians
from utkage.evaluation.guards import oracle_error
from utkage.models.card import Card
from utkage.models.chip_graph import ChipGraph
from utkage.models.multitask import MultiTaskNet
from utkage.models.seed.age_networks import AgeEstimationNet, AgeRangeNet
from utkage.models.seed.system import SeedGraph, SeedSystem
from utkage.models.seed.vgg_face import VggFace
from utkage.prediction.chip_predictor import TorchPredictor

CPU = torch.device("cpu")


def test_group_medians() -> None:
    ages = np.array([1, 3, 4, 30, 30, 35], dtype=np.int64)
    ranges = np.array([0, 0, 0, 4, 4, 4], dtype=np.int64)
    assert group_medians(ages, ranges).tolist() == [3, 3, 3, 30, 30, 30]


def test_true_ranges_are_fed(labelled_chips: Callable[..., LabelledChips], card: Card) -> None:
    torch.manual_seed(0)
    faces = labelled_chips(150, 64)
    system = SeedSystem(VggFace(64, 1 / 64), AgeRangeNet(), AgeEstimationNet()).eval()
    images = torch.from_numpy(faces.pixels).permute(0, 3, 1, 2).float()
    truth = torch.from_numpy(faces.ranges)
    with torch.inference_mode():
        ages = [system.age_estimation(turned, truth) for turned in (images, images.flip(3))]
    for flip, expected in ((False, ages[0]), (True, (ages[0] + ages[1]) / 2)):
        predictor = TorchPredictor(SeedGraph(system, flip=flip), card, CPU)
        assert predictor.feeds_ranges
        found = oracle_error(predictor, faces, SilentReporter())
        assert abs(found - np.abs(expected.numpy() - faces.ages).mean()) < 1e-4


def test_other_systems_have_no_such_estimator(card: Card) -> None:
    graph = ChipGraph(MultiTaskNet("mobilenet_v3_small"), "median", flip=False)
    assert not TorchPredictor(graph, card, CPU).feeds_ranges
