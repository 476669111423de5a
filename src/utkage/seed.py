"""The three jointly trained models of the description that this project started from.

>>> from torch.utils.data import DataLoader
>>> from utkage.seed import AgeEstimationNet, AgeRangeNet, UTKFaceDataset, VggFace, train
>>> trainloader = DataLoader(UTKFaceDataset(), batch_size=64)  # doctest: +SKIP
>>> train(  # doctest: +SKIP
...     gender_model=VggFace(size=64, width=0.25),
...     age_range_model=AgeRangeNet(),
...     age_estimation_model=AgeEstimationNet(),
...     train_data=trainloader,
...     device='cuda',
...     weights=None,
...     num_epochs=50,
...     validation_split=0.2,
...     save_last_weights='AgeGenderWeights.pt'
... )

``utkage evaluate``, ``predict`` and ``export`` read the weights that it writes. ``docs/seed.md``
explains the decisions where the description leaves something open.
"""

from __future__ import annotations

from utkage.models.seed.age_networks import AgeEstimationNet, AgeRangeNet
from utkage.models.seed.system import SeedSystem
from utkage.models.seed.vgg_face import VggFace
from utkage.training.systems.seed.call import SeedEpoch, train
from utkage.training.systems.seed.utkface_dataset import LabelledFace, UTKFaceDataset

__all__ = [
    "AgeEstimationNet",
    "AgeRangeNet",
    "LabelledFace",
    "SeedEpoch",
    "SeedSystem",
    "UTKFaceDataset",
    "VggFace",
    "train",
]
