"""Where the three models start: random weights, a seed weights file, or the published VGG-Face."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from utkage.core.errors import ConfigError
from utkage.models.seed.age_estimation import AgeEstimationNet
from utkage.models.seed.age_range import AgeRangeNet
from utkage.models.seed.published import load_vgg_face
from utkage.models.seed.system import SeedSystem
from utkage.models.seed.vgg_face import HIDDEN, VggFace, scaled
from utkage.models.systems import build_seed
from utkage.models.weights import load_weights


@dataclass(frozen=True)
class InitialSeed:
    """A start.

    Attributes:
        system: The models, in training mode.
        lineage: Where their weights come from, oldest first.
        learned: Fingerprints of the pictures that they learned from.
        files: The files that were read, by the field of the recipe that named them.
    """

    system: SeedSystem
    lineage: tuple[str, ...]
    learned: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, dtype=np.int32))
    files: dict[str, Path] = field(default_factory=dict)


def initial_seed_system(
    size: int, gender_width: float, seed: int, init: str = "scratch", vgg_face_weights: str = ""
) -> InitialSeed:
    """Make the three models.

    Args:
        size: Side of the pictures, pixels.
        gender_width: Fraction of VGG-Face's channels.
        seed: Of random weights.
        init: ``"scratch"``, or a weights file of the seed system.
        vgg_face_weights: File of the published descriptor, read into the gender model; or empty.

    Raises:
        ConfigError: the file's models are for another size or width.
        UsageError: there is no such file.
        WeightsError: not weights of the seed system, or not the published descriptor.
    """
    if init != "scratch":
        path = Path(init)
        weights = load_weights(path)
        system = build_seed(weights, init).train()
        assert isinstance(system.gender, VggFace)
        found = (system.gender.size, system.gender.fc7.out_features)
        wanted = (size, scaled(HIDDEN, gender_width))
        if found != wanted:
            raise ConfigError(
                f"{init}: made for size {found[0]} and gender width {found[1] / HIDDEN:.3g}; asked "
                f"for are size {wanted[0]} and width {wanted[1] / HIDDEN:.3g}"
            )
        return InitialSeed(
            system, weights.card.lineage, weights.fingerprints.numpy(), {"init": path}
        )
    torch.manual_seed(seed)
    system = SeedSystem(VggFace(size, gender_width), AgeRangeNet(), AgeEstimationNet())
    if not vgg_face_weights:
        return InitialSeed(system, ("random initial weights",))
    path = Path(vgg_face_weights)
    assert isinstance(system.gender, VggFace)
    said = load_vgg_face(system.gender, path)
    return InitialSeed(
        system, (f"gender model: {said}; else random weights",), files={"vgg_face_weights": path}
    )
