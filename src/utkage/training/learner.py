"""A network with its optimiser and its average: one call is one step of the optimiser."""

from __future__ import annotations

import contextlib
import math
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from utkage.core.errors import TrainingError
from utkage.models.multitask import MultiTaskNet
from utkage.training.config import TrainConfig
from utkage.training.distributed import Group
from utkage.training.ema import WeightAverage
from utkage.training.freezing import set_frozen
from utkage.training.objective import Objective
from utkage.training.parameter_groups import parameter_groups
from utkage.training.precision import autocast_type
from utkage.training.synchronised_batch_norm import synchronise_batch_norms
from utkage.training.targets import Blend, Targets


class TrainingBatch(NamedTuple):
    """One process's share of a batch, on its device.

    Attributes:
        images: float (n, 3, S, S), 0..255.
        targets: Of the n faces.
        blend: What the faces were blended with, if they were.
    """

    images: Tensor
    targets: Targets
    blend: Blend | None = None

    def part(self, rows: slice | Tensor) -> TrainingBatch:
        """Some of the faces."""
        blend = self.blend and self.blend.part(rows)
        return TrainingBatch(self.images[rows], self.targets.part(rows), blend)


class Learner:
    """Everything that changes while a network is trained.

    Args:
        network: To be trained, in place.
        objective: From logits and labels to the loss.
        config: The recipe.
        device: Where to compute.
        group: The processes that train together.
    """

    def __init__(
        self,
        network: MultiTaskNet,
        objective: Objective,
        config: TrainConfig,
        device: torch.device,
        group: Group,
    ) -> None:
        network.to(device).to(memory_format=torch.channels_last).train()
        if group.size > 1:
            synchronise_batch_norms(network, device)
        self.network = network
        self.average = WeightAverage(network, config.ema_decay)
        self.optimizer = torch.optim.AdamW(
            parameter_groups(network, config.weight_decay, config.layer_decay)
        )
        self._objective, self._config, self._device, self._group = objective, config, device, group
        self._type = autocast_type(config.precision, device)
        # Gradients of float16 vanish without a scale; those of bfloat16 do not.
        self._scaler = torch.amp.GradScaler(device.type, enabled=self._type == torch.float16)
        self._frozen = False
        self._forward = self._wrapped()

    def freeze(self, *, frozen: bool) -> None:
        """Let only the heads learn from now on, or the whole network again."""
        set_frozen(self.network.backbone, frozen=frozen)
        if frozen != self._frozen:
            self._frozen = frozen
            # DistributedDataParallel waits for the gradients that it saw when it was made; the
            # former one goes first, with its hooks.
            self._forward = self.network
            self._forward = self._wrapped()

    def _wrapped(self) -> nn.Module:
        """The network as it is called in training."""
        forward: nn.Module = self.network
        if self._group.size > 1:
            devices = [self._device.index] if self._device.type == "cuda" else None
            forward = DistributedDataParallel(forward, device_ids=devices)
        return cast(nn.Module, torch.compile(forward)) if self._config.compile else forward

    def step(self, batch: TrainingBatch, rate: float, step: int, count: int) -> float:
        """Take one step.

        Args:
            batch: This process's share of the batch.
            rate: The learning rate; groups of parameters take their fraction of it.
            step: Number of the step, from 0.
            count: Faces in the shares of all processes together.

        Returns:
            The loss over the whole batch.

        Raises:
            TrainingError: a loss or gradient that is not finite.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["scale"]
        self.optimizer.zero_grad(set_to_none=True)
        loss = self._group.total(self._backward(batch, count))
        self._scaler.unscale_(self.optimizer)
        trained = [p for p in self.network.parameters() if p.requires_grad]
        norm = float(nn.utils.clip_grad_norm_(trained, self._config.clip_norm))
        # A scale that is too large shows in the gradient; the scaler skips the step and lowers it.
        if not (math.isfinite(loss) and (math.isfinite(norm) or self._scaler.is_enabled())):
            raise TrainingError(
                f"loss {loss}, gradient norm {norm} at step {step + 1}; lower `learning_rate` and "
                "go on from the last checkpoint"
            )
        self._scaler.step(self.optimizer)
        self._scaler.update()
        self.average.update(self.network, step)
        return loss

    def _backward(self, batch: TrainingBatch, count: int) -> float:
        """Gradients of the mean over the batch of all processes; this process's part of it."""
        total = 0.0
        split = torch.arange(len(batch.images)).tensor_split(self._config.accumulate)
        parts = [part for part in split if len(part)]
        for index, part in enumerate(parts):
            last = index == len(parts) - 1
            faces = batch.part(slice(int(part[0]), int(part[-1]) + 1))
            with contextlib.ExitStack() as stack:
                if not last and isinstance(self._forward, DistributedDataParallel):
                    stack.enter_context(self._forward.no_sync())
                with torch.autocast(
                    self._device.type, dtype=self._type, enabled=self._type is not None
                ):
                    outputs = self._forward(faces.images)
                logits = outputs[0].float(), outputs[1].float()
                loss = self._objective(logits, faces.targets, faces.blend)
                share = len(part) / count
                # DistributedDataParallel takes the mean over processes.
                weighted = self._scaler.scale(loss * (share * self._group.size))
                weighted.backward()  # type: ignore[no-untyped-call]
                total += float(loss.detach()) * share
        return total

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps, apart from both sets of weights."""
        return {"optimizer": self.optimizer.state_dict(), "scaler": self._scaler.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a state."""
        self.optimizer.load_state_dict(state["optimizer"])
        self._scaler.load_state_dict(state["scaler"])
