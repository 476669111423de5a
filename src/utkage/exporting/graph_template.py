"""Writing graph templates: ONNX graphs that name their weights without containing them.

``prediction.onnx_predictor`` explains their purpose and fills them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from onnx.external_data_helper import set_external_data
from torch import Tensor, nn

from utkage.core.files import write_bytes
from utkage.exporting.onnx_file import torch_to_onnx
from utkage.exporting.onnx_optimizer import simplified
from utkage.models.card import MIRRORED_VIEWS, POINT_ESTIMATES, WHOLE, Card
from utkage.models.chip_graph import ChipGraph, ChipOutputs, at_temperature
from utkage.models.multitask import MultiTaskNet
from utkage.prediction.onnx_predictor import template_name


class TemplateGraph(ChipGraph):
    """A chip graph whose point estimate and temperatures are tensors.

    ``prediction.onnx_predictor.card_tensors`` computes their values from a card.
    """

    estimate: Tensor
    range_temperature: Tensor
    gender_temperature: Tensor

    def __init__(self, network: MultiTaskNet, *, flip: bool, mirrored_view: str = WHOLE) -> None:
        super().__init__(network, POINT_ESTIMATES[0], flip=flip, mirrored_view=mirrored_view)
        self.register_buffer("estimate", torch.eye(len(POINT_ESTIMATES))[0])
        self.register_buffer("range_temperature", torch.ones(1))
        self.register_buffer("gender_temperature", torch.ones(1))

    def outputs(self, *averages: Tensor) -> ChipOutputs:
        """Compute all point estimates and select one; otherwise as in ``ChipGraph``."""
        ages, genders = averages
        estimates = torch.stack([self.point(ages, name) for name in POINT_ESTIMATES], dim=1)
        ranges = at_temperature(ages @ self.membership, self.range_temperature)
        female = at_temperature(genders, self.gender_temperature)[:, 1]
        return ChipOutputs(estimates @ self.estimate, ages, ranges, female)


def write_templates(
    card: Card, folder: Path, views: Sequence[str | None] = (None, *MIRRORED_VIEWS)
) -> list[Path]:
    """Write graph templates for chips of any size, with and without flip averaging.

    They depend only on ``card.backbone`` and ``card.age_head``. ``views`` are of
    ``MIRRORED_VIEWS``, or None for no flip averaging. Returns the files.
    """
    written = []
    for view in views:
        kind = replace(card, mirrored_view=view or card.mirrored_view)
        flip, network = view is not None, MultiTaskNet(card.backbone, card.age_head).eval()
        graph = TemplateGraph(network, flip=flip, mirrored_view=kind.mirrored_view)
        path = folder / template_name(kind, flip)
        write_bytes(path, template(graph))
        written.append(path)
    return written


def template(graph: nn.Module) -> bytes:
    """The ONNX form of ``graph`` without the values of its state."""
    model = torch_to_onnx(graph, None, optimize=False)
    names = set(graph.state_dict())
    external = [tensor for tensor in model.graph.initializer if tensor.name in names]
    model = simplified(model, external)
    for tensor in external:
        # ONNX Runtime receives the values when it loads the graph.
        set_external_data(tensor, "weights", offset=0, length=len(tensor.raw_data))
        tensor.ClearField("raw_data")
    model.graph.initializer.extend(external)
    content: bytes = model.SerializeToString(deterministic=True)
    return content
