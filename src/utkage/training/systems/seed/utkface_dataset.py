"""``UTKFaceDataset``: a folder of labelled pictures as a torch data set."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from utkage.core.errors import DataError, LabelError, UsageError
from utkage.core.text import counted
from utkage.data.labels import parse_name
from utkage.images.decode import load_image
from utkage.preparation.ingest import pixel_hash

DEFAULT_ROOT = Path("Dataset/UTKFace/")
DEFAULT_SIZE = 64
_PICTURES = frozenset({".jpg", ".jpeg", ".png"})


class LabelledFace(NamedTuple):
    """One item; a loader collates the fields into tensors of length N.

    Attributes:
        image: The transformed picture; by default float32 (3, 64, 64), 0..1.
        age: Whole years, 0..116.
        gender: 0 male, 1 female.
    """

    image: Tensor
    age: int
    gender: int


class UTKFaceDataset(Dataset[LabelledFace]):
    """The pictures below a folder whose names contain a label, in order of their paths.

    Args:
        root_dir: Folder of ``<age>_<gender>_<race>_<date>.jpg`` files, searched with all its
            subfolders.
        transform: From a PIL picture (RGB) to an image tensor; by default torchvision's
            ``Compose([Resize((64, 64)), ToTensor()])``.

    Attributes:
        skipped: (path, reason) of each picture whose name contains no label.

    Raises:
        UsageError: no such folder.
        DataError: no picture in it has a label.
    """

    def __init__(
        self,
        root_dir: Path | str = DEFAULT_ROOT,
        transform: Callable[[Image.Image], Tensor] | None = None,
    ) -> None:
        root = Path(root_dir)
        if not root.is_dir():
            raise UsageError(f"{root}: no such folder; unpack UTKFace there, or pass its root_dir")
        labelled, skipped = [], []
        for path in sorted(root.rglob("*")):
            if path.suffix.lower() in _PICTURES:
                try:
                    labelled.append((path, parse_name(path.name)))
                except LabelError as error:
                    skipped.append((path, str(error)))
        if not labelled:
            raise DataError(
                f"{root}: {counted(len(skipped), 'picture')}, none of them named "
                "<age>_<gender>_<race>_<date>"
            )
        self.paths = tuple(path for path, _ in labelled)
        self.labels = tuple(label for _, label in labelled)
        self.skipped = tuple(skipped)
        self._transform = transform or _default_transform()

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> LabelledFace:
        label = self.labels[index]
        # Names that ``parse_name`` reads have both.
        assert label.age is not None
        assert label.gender is not None
        picture = Image.fromarray(load_image(self.paths[index]))
        return LabelledFace(self._transform(picture), label.age, label.gender)

    def identity(self, index: int) -> str:
        """Hash of the pixels before any transform: equal for identical pictures only."""
        return pixel_hash(load_image(self.paths[index]))


def identity_of(dataset: Dataset[Any], index: int) -> str:
    """Identity of the picture at ``index``: equal for identical pictures only.

    The data set's method ``identity(index)`` if it has one, else a hash of the item's image, which
    a random transform makes useless. A ``Subset`` has the identities of its data set.
    """
    if isinstance(dataset, torch.utils.data.Subset):
        return identity_of(dataset.dataset, dataset.indices[index])
    identity = getattr(dataset, "identity", None)
    if identity is not None:
        return str(identity(index))
    image = torch.as_tensor(dataset[index][0])
    return hashlib.sha256(image.contiguous().numpy().tobytes()).hexdigest()


def _default_transform() -> Callable[[Image.Image], Tensor]:
    from torchvision import transforms

    compose: Callable[[Image.Image], Tensor] = transforms.Compose(
        [transforms.Resize((DEFAULT_SIZE, DEFAULT_SIZE)), transforms.ToTensor()]
    )
    return compose
