from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from utkage.core.errors import UtkageError, WeightsError
from utkage.models.chip_graph import ChipGraph
from utkage.models.multitask import MultiTaskNet
from utkage.models.systems import build_graph, build_multitask, build_seed
from utkage.models.weights import Weights
from utkage.models.weights_files import load_weights

Lively = Callable[..., MultiTaskNet]


def test_the_network_computes_the_same_as_before(saved: Path, lively_network: Lively) -> None:
    network = build_multitask(load_weights(saved), "x")
    assert not network.training
    images = torch.rand(2, 3, 64, 64) * 255
    with torch.inference_mode():
        for first, second in zip(network(images), lively_network()(images), strict=True):
            assert torch.equal(first, second)


def test_weights_of_another_shape_are_refused(weights: Weights) -> None:
    state = dict(weights.state)
    del state["age.bias"]
    with pytest.raises(WeightsError, match=r"here: tensors do not fit.*age\.bias") as caught:
        build_multitask(replace(weights, state=state), "here")
    assert "\n" not in str(caught.value)
    state = {**weights.state, "age.weight": torch.zeros(5, 256)}
    with pytest.raises(WeightsError, match="do not fit"):
        build_multitask(replace(weights, state=state), "here")


def test_another_system_is_refused(weights: Weights) -> None:
    other = replace(weights, card=replace(weights.card, system="ensemble"))
    with pytest.raises(WeightsError, match="here: holds a 'ensemble' system"):
        build_multitask(other, "here")


def test_a_backbone_of_a_later_version_names_the_file(weights: Weights) -> None:
    other = replace(weights, card=replace(weights.card, backbone="vit_huge"))
    with pytest.raises(UtkageError, match=r"here.*vit_huge"):
        build_multitask(other, "here")


def test_the_graph_of_multitask_weights_has_the_choices_of_their_card(weights: Weights) -> None:
    weights = replace(weights, card=replace(weights.card, point_estimate="mean"))
    graph = build_graph(weights, "here", flip=True)
    assert isinstance(graph, ChipGraph)
    assert (graph.point_estimate, graph.flip, graph.training) == ("mean", True, False)


def test_an_unknown_system_lists_the_known_ones(weights: Weights) -> None:
    other = replace(weights, card=replace(weights.card, system="ensemble"))
    with pytest.raises(WeightsError, match=r"here: holds a 'ensemble' system.* multitask, seed"):
        build_graph(other, "here", flip=False)


def test_multitask_weights_are_not_seed_weights(weights: Weights) -> None:
    with pytest.raises(WeightsError, match="holds a 'multitask' system, not 'seed'"):
        build_seed(weights, "here")
