"""Training batches: chips of the prepared set, augmented and blended on the device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from utkage.data.augment import Framing, Mixing, augment, blend, draw_mixing
from utkage.data.sample_random import SampleRandom
from utkage.training.config_groups import RunConfig
from utkage.training.distributed import Group
from utkage.training.setup import Setup
from utkage.training.targets import Blend, Targets

Rows = NDArray[np.int64]


class TrainingBatch(NamedTuple):
    """One process's share of a batch, on its device.

    Attributes:
        images: float (n, 3, S, S), 0..255.
        targets: Targets of the n faces.
        total: Number of faces in the shares of all processes.
        blend: Faces that the n faces were blended with, if they were.
    """

    images: Tensor
    targets: Targets
    total: int
    blend: Blend | None = None

    def part(self, rows: slice | Tensor) -> TrainingBatch:
        """Some of the faces."""
        blend = self.blend and self.blend.part(rows)
        return TrainingBatch(self.images[rows], self.targets.part(rows), self.total, blend)

    def split(self, parts: int) -> list[TrainingBatch]:
        """Up to ``parts`` parts of nearly equal size, none of them empty."""
        rows = torch.arange(len(self.images)).tensor_split(parts)
        return [self.part(slice(int(r[0]), int(r[-1]) + 1)) for r in rows if len(r)]


@dataclass(frozen=True)
class TrainingBatches:
    """Draws the batches of a training.

    The augmentation of a face is a pure function of seed, epoch and face, so it depends neither on
    the batch nor on the number of processes; with mixup, its partner depends on the batch.

    Attributes:
        setup: Chips, augmentation, seed and device.
        targets: Targets of all training faces, on the CPU.
    """

    setup: Setup[RunConfig]
    targets: Targets

    def draw(self, chosen: Rows, epoch: int, group: Group) -> TrainingBatch:
        """A process's share of a batch.

        Args:
            chosen: int64 (N,), the training chips of the batch of all processes.
            epoch: From 0; decides the chip size and the augmentation.
            group: The process whose share is drawn.
        """
        mine = group.share(np.arange(len(chosen)))
        augmentation = self.setup.augmentation
        if not augmentation.mixup:
            return self._augmented(chosen, mine, epoch)
        random = SampleRandom(self.setup.config.seed, epoch, torch.from_numpy(chosen))
        mixing = draw_mixing(random, augmentation.mixup_alpha, augmentation.mixup)
        return self._blended(mixing, chosen, mine, epoch)

    def _augmented(self, chosen: Rows, rows: Rows, epoch: int) -> TrainingBatch:
        """The faces in some rows of the batch, each on its own."""
        setup, faces = self.setup, chosen[rows]
        random = SampleRandom(setup.config.seed, epoch, torch.from_numpy(faces))
        chips = torch.from_numpy(setup.train.pixels[setup.train.rows[faces]]).to(setup.device)
        size = setup.config.size_of_epoch(epoch)
        images = augment(chips, size, setup.augmentation, random, self._framing())
        targets = self.targets.part(torch.from_numpy(faces)).to(setup.device)
        return TrainingBatch(images, targets, len(chosen))

    def _framing(self) -> Framing:
        stored = self.setup.train.contract
        ratio = stored.width_ratio(self.setup.card.contract)
        return Framing(ratio or 1.0, stored.without_margin().size / stored.size)

    def _blended(self, mixing: Mixing, chosen: Rows, mine: Rows, epoch: int) -> TrainingBatch:
        """The faces in the rows ``mine``, blended with their partners.

        Partners that belong to the shares of other processes are augmented here as well.
        """
        weight = mixing.weight[mine]
        partner = np.where(weight < 1, mixing.partner[mine], mine)
        rows = np.concatenate([mine, np.setdiff1d(partner, mine)])
        place = np.empty(len(chosen), dtype=np.int64)
        place[rows] = np.arange(len(rows))
        faces = self._augmented(chosen, rows, epoch)
        own = faces.part(slice(len(mine)))
        others = faces.part(torch.from_numpy(place[partner]).to(self.setup.device))
        weight = weight.to(self.setup.device)
        images = blend(own.images, others.images, weight)
        return own._replace(images=images, blend=Blend(others.targets, weight))
