"""Logit adjustment: the network does not learn to guess an age from the source of a face.

Menon et al., "Long-tail learning via logit adjustment", ICLR 2021 (arXiv:2007.07314), for sources
instead of classes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from utkage.data.chips import LabelledChips
from utkage.data.labels import AGE_COUNT
from utkage.training.age_ranges import range_distribution
from utkage.training.config_groups import LossConfig
from utkage.training.losses import gaussian_age_labels

# Added to each probability, so that ages a source lacks stay possible.
_SMOOTHING = 1e-4


class SourceOffsets(NamedTuple):
    """What is added to the age logits of n faces in training.

    Attributes:
        by_source: float32 (sources, 117).
        sources: int64 (n,), row of ``by_source`` for each face.
    """

    by_source: Tensor
    sources: Tensor


def source_offsets(config: LossConfig, faces: LabelledChips) -> SourceOffsets | None:
    """The offsets that keep a network from learning the age distribution of each source.

    They are ``logit_adjustment`` times ``log p(age | source) - log p(age)``, where p are the
    smoothed distributions of the labels. A network that is trained with it predicts for a face of
    an unknown source, under the age distribution of the whole split.

    Args:
        config: Settings of the losses.
        faces: Training faces.

    Returns:
        None without adjustment, or if there is only one source.
    """
    names, source = np.unique(np.array(faces.sources), return_inverse=True)
    if config.logit_adjustment == 0 or len(names) == 1:
        return None
    labels = _age_labels(config, faces)
    known = torch.from_numpy(faces.allowed_ages[:, 0] >= 0)
    if not known.any():
        return None
    overall = torch.log(labels[known].mean(0) + _SMOOTHING)
    rows = [labels[known & torch.from_numpy(source == index)] for index in range(len(names))]
    ratios = torch.stack(
        [
            torch.log(part.mean(0) + _SMOOTHING) - overall if len(part) else overall * 0
            for part in rows
        ]
    )
    return SourceOffsets(config.logit_adjustment * ratios, torch.from_numpy(source))


def _age_labels(config: LossConfig, faces: LabelledChips) -> Tensor:
    """Label distribution of each face, (n, 117); any for faces of unknown age."""
    if faces.age_ranges is None:
        return gaussian_age_labels(torch.from_numpy(faces.ages), config)
    ranges = torch.from_numpy(faces.age_ranges).clamp(min=0)
    return range_distribution(ranges) @ gaussian_age_labels(torch.arange(AGE_COUNT), config)
