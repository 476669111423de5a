"""Training batches: chips of the prepared set, augmented and blended, with their targets.

A batch is made in two stages. ``read`` gathers its chips, on any thread, ahead of the training;
``finish`` moves them to the device and augments them there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from utkage.core.transfer import to_device
from utkage.data.augment import Framing, augment, blend, draw_mixing
from utkage.data.sample_random import SampleRandom
from utkage.training.config_groups import RunConfig
from utkage.training.distributed import Group
from utkage.training.setup import Setup

Rows = NDArray[np.int64]


class SoftTargets(NamedTuple):
    """Predictions of teachers for n faces.

    Attributes:
        ages: float32 (n, 117), probability of each year.
        genders: float32 (n,), P(female).
    """

    ages: Tensor
    genders: Tensor


class Targets(NamedTuple):
    """Labels, weights and soft targets of n faces.

    Attributes:
        ages: int64 (n,), years; -1 if unknown or known only as a range.
        genders: int64 (n,), 0 male, 1 female; -1 if unknown.
        importance: float32 (n,), weight of each face in the loss; None: 1 each.
        soft_targets: Predictions of the teachers, if there are any.
        sources: int64 (n,), number of each face's source; None if the loss does not need it.
        age_ranges: int64 (n, 2), first and last year that each label allows, -1 if unknown; None
            if every face has an age in whole years.
    """

    ages: Tensor
    genders: Tensor
    importance: Tensor | None = None
    soft_targets: SoftTargets | None = None
    sources: Tensor | None = None
    age_ranges: Tensor | None = None

    def part(self, rows: slice | Tensor) -> Targets:
        """Some of the faces."""
        return self._mapped(lambda tensor: tensor[rows])

    def to(self, device: torch.device) -> Targets:
        """The same on a device."""
        return self._mapped(lambda tensor: to_device(tensor, device))

    def _mapped(self, change: Callable[[Tensor], Tensor]) -> Targets:
        return Targets(
            change(self.ages),
            change(self.genders),
            None if self.importance is None else change(self.importance),
            self.soft_targets and SoftTargets(*map(change, self.soft_targets)),
            None if self.sources is None else change(self.sources),
            None if self.age_ranges is None else change(self.age_ranges),
        )


class Blend(NamedTuple):
    """The faces that a batch was blended with, and the weights.

    Attributes:
        others: Targets of the other faces, (n,).
        weight: float32 (n,), share of the face itself, 0..1.
    """

    others: Targets
    weight: Tensor

    def part(self, rows: slice | Tensor) -> Blend:
        """Some of the faces."""
        return Blend(self.others.part(rows), self.weight[rows])


class TrainingBatch(NamedTuple):
    """One process's share of a batch, on its device.

    Attributes:
        images: float (n, 3, S, S), 0..255.
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
class Blending:
    """Which faces of a batch one process blends.

    Attributes:
        partner: Row of the partner of each face, among the rows that were read, int64 (n,).
        weight: float32 (n,), share of the face itself, 0..1.
    """

    partner: Tensor
    weight: Tensor


@dataclass(frozen=True, kw_only=True)
class ReadChips:
    """The stored chips that one process needs for its share of a batch, in host memory.

    Attributes:
        chips: uint8 RGB (N, S, S, 3), its own share first; pinned if the device is a GPU of CUDA.
        faces: Index of each chip in the training split, int64 (N,).
        epoch: From 0; decides the chip size and the augmentation.
        total: Number of faces in the shares of all processes.
        blending: With mixup, what the share is blended with.
    """

    chips: Tensor
    faces: Rows
    epoch: int
    total: int
    blending: Blending | None = None


@dataclass(frozen=True)
class TrainingBatches:
    """Draws the batches of a training.

    The augmentation of a face is a pure function of seed, epoch and face, so it depends neither on
    the batch nor on the number of processes; with mixup, its partner depends on the batch.
    The ``targets`` are those of all training faces, on the CPU.
    """

    setup: Setup[RunConfig]
    targets: Targets

    def draw(self, chosen: Rows, epoch: int, group: Group) -> TrainingBatch:
        """The share of ``group.rank`` in the batch of the ``chosen`` training chips, int64 (N,).

        The ``epoch``, from 0, decides the chip size and the augmentation.
        """
        return self.finish(self.read(chosen, epoch, group))

    def read(self, chosen: Rows, epoch: int, group: Group) -> ReadChips:
        """The chips that ``draw`` needs, read from the prepared set; safe on another thread.

        It computes with few numbers only, so that it takes no processor from the training.
        """
        mine = group.share(np.arange(len(chosen)))
        augmentation = self.setup.augmentation
        if not augmentation.mixup:
            return self._gathered(chosen, mine, epoch)
        random = SampleRandom(self.setup.config.seed, epoch, torch.from_numpy(chosen))
        mixing = draw_mixing(random, augmentation.mixup_alpha, augmentation.mixup)
        weight = mixing.weight[mine]
        partner = np.where(weight < 1, mixing.partner[mine], mine)
        # Partners that belong to the shares of other processes are augmented here as well.
        rows = np.concatenate([mine, np.setdiff1d(partner, mine)])
        place = np.empty(len(chosen), dtype=np.int64)
        place[rows] = np.arange(len(rows))
        blending = Blending(torch.from_numpy(place[partner]), weight)
        return replace(self._gathered(chosen, rows, epoch), blending=blending)

    def finish(self, read: ReadChips) -> TrainingBatch:
        """Augment and blend chips on the device of the training, without waiting for it."""
        setup = self.setup
        size = setup.config.size_of_epoch(read.epoch)
        random = SampleRandom(setup.config.seed, read.epoch, torch.from_numpy(read.faces))
        chips = to_device(read.chips, setup.device)
        images = augment(chips, size, setup.augmentation, random, self._framing())
        targets = self.targets.part(torch.from_numpy(read.faces)).to(setup.device)
        faces = TrainingBatch(images, targets, read.total)
        if read.blending is None:
            return faces
        own = faces.part(slice(len(read.blending.weight)))
        others = faces.part(to_device(read.blending.partner, setup.device))
        weight = to_device(read.blending.weight, setup.device)
        images = blend(own.images, others.images, weight)
        return own._replace(images=images, blend=Blend(others.targets, weight))

    def _gathered(self, chosen: Rows, rows: Rows, epoch: int) -> ReadChips:
        """The chips of the faces in some rows of the batch."""
        train, faces = self.setup.train, chosen[rows]
        shape = (len(faces), *train.pixels.shape[1:])
        is_cuda = self.setup.device.type == "cuda"
        chips = torch.empty(shape, dtype=torch.uint8, pin_memory=is_cuda)
        # "clip" writes into `out` directly; "raise" would fill a copy first. Rows are in range.
        np.take(train.pixels, train.rows[faces], axis=0, out=chips.numpy(), mode="clip")
        return ReadChips(chips=chips, faces=faces, epoch=epoch, total=len(chosen))

    def _framing(self) -> Framing:
        stored = self.setup.train.contract
        ratio = stored.width_ratio(self.setup.card.contract)
        return Framing(ratio or 1.0, stored.without_margin().size / stored.size)
