"""From a weights file of any system to the graph that answers for chips."""

from __future__ import annotations

from typing import TYPE_CHECKING

from utkage.core.errors import WeightsError
from utkage.models.weights import Weights, build_network

if TYPE_CHECKING:
    from torch import nn

    from utkage.models.seed.system import SeedSystem


def build_graph(weights: Weights, origin: str, *, flip: bool) -> nn.Module:
    """The module from uint8 chips (N, S, S, 3) to ``ChipOutputs``, in evaluation mode.

    Args:
        weights: Of any system.
        origin: The file, for messages.
        flip: Average the answers with those for the mirrored chip.

    Raises:
        WeightsError: an unknown system, or tensors that do not fit it.
    """
    from utkage.models.chip_graph import ChipGraph
    from utkage.models.seed.system import SeedGraph

    card = weights.card
    if card.system == "seed":
        system = build_seed(weights, origin)
        return SeedGraph(system, flip=flip, calibration=card.calibration).eval()
    network = build_network(weights, origin)
    return ChipGraph(network, card.point_estimate, flip=flip, calibration=card.calibration).eval()


def build_seed(weights: Weights, origin: str) -> SeedSystem:
    """The three models of a seed weights file, in evaluation mode.

    Raises:
        WeightsError: another system, or tensors that do not fit it.
    """
    from utkage.models.seed.age_estimation import AgeEstimationNet
    from utkage.models.seed.age_range import AgeRangeNet
    from utkage.models.seed.system import SeedSystem
    from utkage.models.seed.vgg_face import HIDDEN, VggFace

    if weights.card.system != "seed":
        raise WeightsError(f"{origin}: holds a {weights.card.system!r} system, not 'seed'")
    try:
        width = weights.state["gender.fc7.weight"].shape[0] / HIDDEN
        gender = VggFace(weights.card.contract.size, width)
        system = SeedSystem(gender, AgeRangeNet(), AgeEstimationNet())
        system.load_state_dict(weights.state)
    except (KeyError, RuntimeError) as error:
        detail = " ".join(str(error).split())[:200]
        raise WeightsError(f"{origin}: tensors do not fit the seed system: {detail}") from error
    return system.eval()
