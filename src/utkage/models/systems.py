"""From the weights of any system to its networks and to its graph.

To add a system, write a function from weights to its graph and add it to ``SYSTEMS``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING

from utkage.core.errors import ConfigError, WeightsError
from utkage.models.weights import Weights

if TYPE_CHECKING:
    from torch import nn

    from utkage.models.multitask import MultiTaskNet
    from utkage.models.seed.system import SeedSystem


def build_graph(weights: Weights, origin: str, *, flip: bool) -> nn.Module:
    """Build the module from uint8 chips (N, S, S, 3) to ``ChipOutputs``, in evaluation mode.

    Raises:
        WeightsError: an unknown system, or tensors that do not fit it; ``origin`` names the file.
    """
    name = weights.card.system
    if name not in SYSTEMS:
        raise WeightsError(
            f"{origin}: holds a {name!r} system; this utkage supports {', '.join(SYSTEMS)}"
        )
    return SYSTEMS[name](weights, origin, flip).eval()


def build_multitask(weights: Weights, origin: str) -> MultiTaskNet:
    """Build the network of multitask weights, in evaluation mode; raises as ``build_graph``."""
    from utkage.models.multitask import MultiTaskNet

    card = weights.card
    with _naming(weights, origin, "multitask", card.backbone):
        network = MultiTaskNet(card.backbone, card.age_head)
        network.load_state_dict(weights.state)
    return network.eval()


def build_seed(weights: Weights, origin: str) -> SeedSystem:
    """Build the three networks of seed weights, in evaluation mode; raises as ``build_graph``."""
    from utkage.models.seed.age_networks import AgeEstimationNet, AgeRangeNet
    from utkage.models.seed.system import SeedSystem
    from utkage.models.seed.vgg_face import HIDDEN, VggFace

    with _naming(weights, origin, "seed", "the seed system"):
        width = weights.state["gender.fc7.weight"].shape[0] / HIDDEN
        gender = VggFace(weights.card.contract.size, width)
        system = SeedSystem(gender, AgeRangeNet(), AgeEstimationNet())
        system.load_state_dict(weights.state)
    return system.eval()


def _multitask_graph(weights: Weights, origin: str, flip: bool) -> nn.Module:
    from utkage.models.chip_graph import ChipGraph

    card, network = weights.card, build_multitask(weights, origin)
    return ChipGraph(
        network,
        card.point_estimate,
        flip=flip,
        mirrored_view=card.mirrored_view,
        calibration=card.calibration,
    )


def _seed_graph(weights: Weights, origin: str, flip: bool) -> nn.Module:
    from utkage.models.seed.system import SeedGraph

    card, system = weights.card, build_seed(weights, origin)
    return SeedGraph(
        system, flip=flip, mirrored_view=card.mirrored_view, calibration=card.calibration
    )


#: Graph builders by the name of the system on the card.
SYSTEMS: Mapping[str, Callable[[Weights, str, bool], nn.Module]] = MappingProxyType(
    {"multitask": _multitask_graph, "seed": _seed_graph}
)


@contextmanager
def _naming(weights: Weights, origin: str, system: str, network: str) -> Iterator[None]:
    """Check the system, and name the file in errors about its tensors."""
    if weights.card.system != system:
        raise WeightsError(f"{origin}: holds a {weights.card.system!r} system, not {system!r}")
    try:
        yield
    except ConfigError as error:
        raise WeightsError(f"{origin}: {error}") from error
    except (KeyError, RuntimeError) as error:
        detail = " ".join(str(error).split())[:200]
        raise WeightsError(f"{origin}: tensors do not fit {network}: {detail}") from error
