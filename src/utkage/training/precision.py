"""Mixed precision where a device gains from it (Micikevicius et al. 2018, AMP)."""

from __future__ import annotations

import torch

_TYPES = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}
PRECISIONS = ("auto", *_TYPES)


def autocast_type(precision: str, device: torch.device) -> torch.dtype | None:
    """The type of matrix products; None for float32.

    ``auto`` is bfloat16 on GPUs that support it, float16 on older ones, and float32 elsewhere: on
    the CPUs that were measured, bfloat16 was several times slower.

    Args:
        precision: One of ````PRECISIONS````.
        device: Device of the step.
    """
    if precision == "auto":
        if device.type != "cuda":
            return None
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return _TYPES[precision]
