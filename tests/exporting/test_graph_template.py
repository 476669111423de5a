from collections.abc import Callable
from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch

from utkage.exporting.graph_template import TemplateGraph, template
from utkage.exporting.parity import synthetic_chips
from utkage.models.calibration import LEVELS, AgeBand, Calibration
from utkage.models.card import MIRRORED_VIEWS, POINT_ESTIMATES, Card
from utkage.models.chip_graph import ChipGraph
from utkage.models.multitask import MultiTaskNet
from utkage.prediction.onnx_predictor import card_tensors

Lively = Callable[..., MultiTaskNet]


@pytest.mark.parametrize("view", MIRRORED_VIEWS)
@pytest.mark.parametrize("estimate", POINT_ESTIMATES)
def test_tensors_of_a_card_select_what_the_card_says(
    estimate: str, view: str, lively_network: Lively, card: Card
) -> None:
    calibration = Calibration(
        gender_temperature=0.7, range_temperature=1.6, levels=LEVELS, bands=(AgeBand(0, 9, LEVELS),)
    )
    card = replace(card, point_estimate=estimate, calibration=calibration)
    graph = TemplateGraph(lively_network(), flip=True, mirrored_view=view)
    for name, values in card_tensors(card).items():
        graph.get_buffer(name).copy_(torch.from_numpy(values))
    plain = ChipGraph(
        lively_network(), estimate, flip=True, mirrored_view=view, calibration=calibration
    )
    chips = torch.from_numpy(synthetic_chips(5, 64))
    with torch.inference_mode():
        for own, expected in zip(graph(chips), plain(chips), strict=True):
            np.testing.assert_allclose(own.numpy(), expected.numpy(), atol=1e-5)


def test_templates_contain_no_weights(small_network: MultiTaskNet) -> None:
    graph = TemplateGraph(small_network, flip=False)
    model = onnx.load_from_string(template(graph))
    external = {
        tensor.name
        for tensor in model.graph.initializer
        if tensor.data_location == onnx.TensorProto.EXTERNAL
    }
    assert {"network.age.bias", "estimate", "gender_temperature"} <= external
    # Weights would take 140,000 bytes, the membership of years in ranges takes 4,000.
    assert model.ByteSize() < 30_000
