"""The multi-task network with its optimiser: one call is one step."""

from __future__ import annotations

import contextlib
import math
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from utkage.core.errors import TrainingError
from utkage.models.multitask import MultiTaskNet
from utkage.models.stages import parameter_stages
from utkage.training.batches import TrainingBatch
from utkage.training.config_groups import OptimiserConfig
from utkage.training.distributed import Group
from utkage.training.objective import Objective
from utkage.training.optimiser_state import load_optimiser
from utkage.training.step_numbers import number_type

_TYPES = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}


def autocast_type(precision: str, device: torch.device) -> torch.dtype | None:
    """The type of matrix products; None for float32.

    ``auto`` is bfloat16 on GPUs that support it, float16 on older ones, and float32 elsewhere. On
    CPUs with bfloat16 instructions, bfloat16 is faster, and without them several times slower; a
    recipe has to give the same weights on all of them.
    """
    if precision == "auto":
        if device.type != "cuda":
            return None
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return _TYPES[precision]


class MultitaskTrainer:
    """AdamW with gradient clipping, mixed precision, accumulation and several processes.

    The ``network`` is on ``device`` already.
    """

    def __init__(
        self,
        network: MultiTaskNet,
        objective: Objective,
        config: OptimiserConfig,
        device: torch.device,
        group: Group,
    ) -> None:
        self.network = network
        self.optimizer = torch.optim.AdamW(
            parameter_groups(network, config.weight_decay, config.layer_decay)
        )
        self._objective, self._config, self._device, self._group = objective, config, device, group
        self._dtype = autocast_type(config.precision, device)
        # Gradients of float16 vanish without a scale; those of bfloat16 do not.
        self._scaler = torch.amp.GradScaler(device.type, enabled=self._dtype == torch.float16)
        self._frozen = False
        self._forward = self._wrapped()

    def step(self, batch: TrainingBatch, rate: float) -> Tensor:
        """Forward, loss, backward, step; waits for nothing on the device.

        Groups of parameters take their fraction of the learning ``rate``.

        Returns:
            (2,), on the device: the loss over the batch of all processes, and the norm of the
            gradient before it is clipped.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["scale"]
        self.optimizer.zero_grad(set_to_none=True)
        loss = torch.zeros((), dtype=number_type(self._device), device=self._device)
        parts = batch.split(self._config.accumulate)
        for number, part in enumerate(parts, start=1):
            share = len(part.images) / batch.total
            with self._exchanging_gradients(number == len(parts)):
                with self._autocast():
                    age_outputs, gender_logits = self._forward(part.images)
                outputs = age_outputs.float(), gender_logits.float()
                part_loss = self._objective(outputs, part.targets, part.blend)
                # DistributedDataParallel takes the mean of the gradients over processes.
                scaled = self._scaler.scale(part_loss * (share * self._group.size))
                scaled.backward()  # type: ignore[no-untyped-call]
            loss += part_loss.detach().to(loss.dtype) * share
        loss = self._group.sum(loss)
        self._scaler.unscale_(self.optimizer)
        norm = self._clip_gradients()
        self._scaler.step(self.optimizer)
        self._scaler.update()
        return torch.stack([loss, norm.to(loss.dtype)])

    def require_finite(self, loss: float, norm: float, step: int) -> None:
        """Check the numbers that ``step`` returned for the step with this number, from 0.

        Raises:
            TrainingError: one of them is not finite.
        """
        # A scale that is too large shows in the gradient; the scaler skips the step and lowers it.
        if not (math.isfinite(loss) and (math.isfinite(norm) or self._scaler.is_enabled())):
            raise TrainingError(
                f"loss {loss}, gradient norm {norm} at step {step + 1}; lower `learning_rate` and "
                "resume from the last checkpoint"
            )

    def freeze(self, *, frozen: bool) -> None:
        """Train only the heads from now on, or the whole network again."""
        set_frozen(self.network.backbone, frozen=frozen)
        if frozen != self._frozen:
            self._frozen = frozen
            # DistributedDataParallel waits for the gradients of those parameters that were
            # trainable when it was made. The former one goes first, with its hooks.
            self._forward = self.network
            self._forward = self._wrapped()

    def state_dict(self) -> dict[str, Any]:
        """State of the optimiser and of the loss scale."""
        return {"optimizer": self.optimizer.state_dict(), "scaler": self._scaler.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore such a state."""
        load_optimiser(self.optimizer, state["optimizer"])
        self._scaler.load_state_dict(state["scaler"])

    def _wrapped(self) -> nn.Module:
        """The network as it is called in training."""
        forward: nn.Module = self.network
        if self._group.size > 1:
            devices = [self._device.index] if self._device.type == "cuda" else None
            forward = DistributedDataParallel(forward, device_ids=devices)
        return cast(nn.Module, torch.compile(forward)) if self._config.compile else forward

    def _autocast(self) -> torch.autocast:
        enabled = self._dtype is not None
        return torch.autocast(self._device.type, dtype=self._dtype, enabled=enabled)

    def _exchanging_gradients(self, wanted: bool) -> contextlib.AbstractContextManager[None]:
        """Whether the backward pass in the body averages gradients over processes."""
        if wanted or not isinstance(self._forward, DistributedDataParallel):
            return contextlib.nullcontext()
        return self._forward.no_sync()

    def _clip_gradients(self) -> Tensor:
        trained = [p for p in self.network.parameters() if p.requires_grad]
        return nn.utils.clip_grad_norm_(trained, self._config.clip_norm)


def set_frozen(module: nn.Module, *, frozen: bool) -> None:
    """Freeze ``module``, or make it trainable again.

    A frozen module keeps its weights and the statistics of its batch norms and has no dropout, so
    it computes in training what it computes in evaluation.
    """
    module.requires_grad_(not frozen)
    module.train(not frozen)


def parameter_groups(
    network: MultiTaskNet, weight_decay: float, layer_decay: float
) -> list[dict[str, Any]]:
    """Groups for an optimiser, each with its ``params``, ``weight_decay`` and ``scale``.

    The rate of a group is ``scale`` times that of the schedule: 1 for the heads, ``layer_decay``
    for the last stage of the backbone, its square for the stage before, and so on down to the
    first (Clark et al. 2020, ELECTRA, arXiv:2003.10555; Bao et al. 2022, BEiT, arXiv:2106.08254).
    The first stages are the most general, so they should change least.

    ``weight_decay`` is that of tensors that mix channels; biases and scales have none.

    Returns:
        From the heads to the first stage; every parameter is in exactly one group.
    """
    stages = parameter_stages(network.backbone)
    level = {
        id(parameter): len(stages) - index
        for index, stage in enumerate(stages)
        for parameter in stage
    }
    grouped: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for parameter in network.parameters():
        scale = layer_decay ** level.get(id(parameter), 0)
        grouped.setdefault((scale, not _is_per_channel(parameter)), []).append(parameter)
    return [
        {"params": params, "weight_decay": weight_decay if mixes else 0.0, "scale": scale}
        for (scale, mixes), params in sorted(grouped.items(), key=lambda item: item[0])[::-1]
    ]


def _is_per_channel(parameter: nn.Parameter) -> bool:
    # Decaying biases and norm scales only hurts; He et al. 2019 (arXiv:1812.01187), 3.1.
    # ConvNeXt's layer scales have the shape (C, 1, 1).
    return parameter.dim() == 0 or parameter.numel() == len(parameter)
