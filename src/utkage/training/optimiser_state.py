"""States of optimisers and plateaus from a checkpoint, checked before and after they are loaded.

PyTorch takes most of such a state as it is, so wrong parts would fail in the middle of a later
step, or change what is trained.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

# What Adam and AdamW keep for each parameter.
_ADAM_STATE = frozenset({"step", "exp_avg", "exp_avg_sq"})


def load_optimiser(optimiser: Optimizer, state: Any) -> None:
    """Restore the state of Adam or AdamW.

    Raises:
        ValueError: the state is of another optimiser or other parameters, or has values that are
            not finite. PyTorch raises further errors for other damage.
    """
    groups = optimiser.state_dict()["param_groups"]
    found = require_like(state["param_groups"], groups, "param_groups")
    if [group["params"] for group in found] != [group["params"] for group in groups]:
        raise ValueError("the optimiser has other parameters")
    optimiser.load_state_dict({"state": state["state"], "param_groups": found})
    for parameter, values in optimiser.state.items():
        if not isinstance(parameter, Tensor) or set(values) != _ADAM_STATE:
            raise ValueError("the state of a parameter is not that of Adam")
        for name, value in values.items():
            number = torch.as_tensor(value)
            if number.shape not in ((), parameter.shape) or not bool(number.isfinite().all()):
                raise ValueError(f"{name} has another shape than its parameter, or is not finite")
            if name != "step" and number.shape != parameter.shape:
                raise ValueError(f"{name} has another shape than its parameter")


def load_plateau(plateau: ReduceLROnPlateau, state: Any) -> None:
    """Restore the state of a plateau; ``ValueError`` if it has other types than a new one."""
    own = plateau.state_dict()
    plateau.load_state_dict(require_like(state, own, "plateau"))


def require_like(found: Any, own: Any, place: str) -> Any:
    """A copy of ``found`` with the structure and types of ``own``.

    Entries of dictionaries that ``own`` lacks are left out; those that ``found`` lacks are taken
    from ``own``, because versions of PyTorch differ in them.

    Raises:
        ValueError: a part has another type or length, or is NaN; ``place`` names it.
    """
    if isinstance(own, dict) and isinstance(found, dict):
        return {
            key: require_like(found[key], value, f"{place}.{key}") if key in found else value
            for key, value in own.items()
        }
    if isinstance(own, (list, tuple)) and isinstance(found, (list, tuple)):
        if len(own) == len(found):
            parts = zip(found, own, strict=True)
            return type(own)(require_like(one, other, place) for one, other in parts)
    elif isinstance(own, Tensor) and isinstance(found, Tensor):
        if own.shape == found.shape:
            return found
    elif (type(own) in (int, float) and type(found) in (int, float) and not math.isnan(found)) or (
        (own is None and (found is None or isinstance(found, bool)))
        or (type(own) is type(found) and isinstance(own, (bool, str)))
    ):
        return found
    raise ValueError(f"{place} is {str(found)[:40]!r} where {str(own)[:40]!r} belongs")
