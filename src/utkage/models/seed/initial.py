"""The networks that a seed training starts from: random, from a file, or with VGG-Face."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from utkage.core.errors import ConfigError
from utkage.models.seed.age_networks import AgeEstimationNet, AgeRangeNet
from utkage.models.seed.published import load_vgg_face
from utkage.models.seed.system import SeedSystem
from utkage.models.seed.vgg_face import HIDDEN, VggFace, scaled
from utkage.models.systems import build_seed
from utkage.models.weights_files import load_weights


@dataclass(frozen=True)
class InitialSeed:
    """The seed system at the start of a training.

    Attributes:
        system: The three networks, in training mode.
        lineage: Origins of their weights, oldest first.
        fingerprints: Fingerprints of the images they were trained on, int32 (n,).
        files: Files that were read, by the recipe field that names them.
    """

    system: SeedSystem
    lineage: tuple[str, ...]
    fingerprints: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, dtype=np.int32))
    files: dict[str, Path] = field(default_factory=dict)


def initial_seed_system(
    size: int, gender_width: float, seed: int, init: str = "scratch", vgg_face_weights: str = ""
) -> InitialSeed:
    """Build the three networks and fill them with their initial weights.

    Args:
        size: Size of the images, pixels.
        gender_width: Fraction of VGG-Face's channels.
        seed: Seed of random weights.
        init: ``"scratch"``, or a weights file of the seed system.
        vgg_face_weights: File of the published descriptor for the gender network; or empty.

    Raises:
        ConfigError: the file's networks have another size or width.
        UsageError: there is no such file.
        WeightsError: not weights of the seed system, or not the published descriptor.
    """
    if init != "scratch":
        return _from_file(Path(init), size, gender_width)
    torch.manual_seed(seed)
    gender = VggFace(size, gender_width)
    system = SeedSystem(gender, AgeRangeNet(), AgeEstimationNet())
    if not vgg_face_weights:
        return InitialSeed(system, ("random initial weights",))
    path = Path(vgg_face_weights)
    lineage = f"gender model: {load_vgg_face(gender, path)}; else random weights"
    return InitialSeed(system, (lineage,), files={"vgg_face_weights": path})


def _from_file(path: Path, size: int, gender_width: float) -> InitialSeed:
    weights = load_weights(path)
    system = build_seed(weights, str(path)).train()
    assert isinstance(system.gender, VggFace)
    found, hidden = system.gender.size, system.gender.fc7.out_features
    if (found, hidden) != (size, scaled(HIDDEN, gender_width)):
        raise ConfigError(
            f"{path}: made for size {found} and gender width {hidden / HIDDEN:.3g}; the recipe has "
            f"size {size} and gender width {scaled(HIDDEN, gender_width) / HIDDEN:.3g}"
        )
    return InitialSeed(system, weights.card.lineage, weights.fingerprints.numpy(), {"init": path})
