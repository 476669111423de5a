"""The seed system as one plain state: ``AgeGenderWeights.pt``.

A dictionary of tensors and nothing else, so ``torch.load(path, weights_only=True)`` reads it. Names
begin with the network: ``gender_model.``, ``age_range_model.``, ``age_estimation_model.``. Two more
tensors are ``size`` (of the images, pixels) and ``age_scale`` (validation error, years).
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from utkage.core.errors import ConfigError, UsageError, WeightsError
from utkage.core.files import replacing
from utkage.core.versions import versions
from utkage.data.labels import MAX_AGE
from utkage.faces.contract import MAX_SIZE, utkface_contract
from utkage.models.card import Card
from utkage.models.seed.system import START_SCALE, SeedSystem
from utkage.models.torch_file import load_torch_file, plain_tensors
from utkage.models.weights import Weights

# Name in the file: name in the system.
MODELS = {f"{inside}_model": inside for inside in ("gender", "age_range", "age_estimation")}


class PlainState(NamedTuple):
    """Tensors by their names in ``SeedSystem``, and the images' size in pixels if it is known."""

    system: dict[str, Tensor]
    size: int | None


def save_plain_state(system: SeedSystem, size: int, path: Path) -> None:
    """Write the three networks, atomically."""
    state: dict[str, Tensor] = {"size": torch.tensor(size), "age_scale": system.age_scale.cpu()}
    for outside, inside in MODELS.items():
        for name, tensor in getattr(system, inside).state_dict().items():
            state[f"{outside}.{name}"] = tensor.detach().cpu().contiguous()
    with replacing(path) as partial:
        torch.save(state, partial)


def load_plain_state(path: Path) -> PlainState:
    """Read a plain state.

    Raises:
        UsageError: there is no such file.
        WeightsError: damaged, more than tensors, values that are not finite, or not the three
            networks.
    """
    if not path.is_file():
        raise UsageError(f"{path}: no such weights file")
    value = plain_tensors(load_torch_file(path), str(path))
    size = value.pop("size", None)
    if size is not None and not (size.ndim == 0 and 1 <= float(size) <= MAX_SIZE):
        raise WeightsError(
            f"{path}: its tensor 'size' is not one number of pixels from 1 to {MAX_SIZE}"
        )
    system = {"age_scale": value.pop("age_scale", torch.tensor(START_SCALE))}
    if system["age_scale"].shape != () or not 0 <= float(system["age_scale"]) <= MAX_AGE:
        raise WeightsError(
            f"{path}: its tensor 'age_scale' is not one number of years from 0 to {MAX_AGE}"
        )
    missing = [name for name in MODELS if not any(key.startswith(f"{name}.") for key in value)]
    if missing:
        raise WeightsError(
            f"{path}: holds no {' and no '.join(missing)}; a seed state has {', '.join(MODELS)}"
        )
    for key, tensor in value.items():
        outside, _, name = key.partition(".")
        if outside not in MODELS:
            raise WeightsError(f"{path}: {key!r} belongs to none of {', '.join(MODELS)}")
        system[f"{MODELS[outside]}.{name}"] = tensor
    return PlainState(system, None if size is None else int(size))


def plain_weights(path: Path) -> Weights:
    """Read a plain state as weights with a card for UTKFace chips.

    The file does not record its training images, so evaluation cannot detect leakage. Raises as
    ``load_plain_state``, and ``WeightsError`` if the size is missing.
    """
    state = load_plain_state(path)
    if state.size is None:
        raise WeightsError(f"{path}: does not contain the size of its images; add a tensor 'size'")
    try:
        contract = utkface_contract(state.size).unscaled()
    except ConfigError as error:
        raise WeightsError(f"{path}: {error}") from error
    card = Card(
        system="seed",
        backbone="vgg_face",
        contract=contract,
        lineage=("a plain state; it does not say what it was trained on",),
        versions=versions(),
    )
    return Weights(card, state.system, torch.empty(0, dtype=torch.int32))
