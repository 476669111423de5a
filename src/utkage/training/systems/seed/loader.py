"""From a user's data loader to training and validation batches of the three models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset

from utkage.core.errors import ConfigError, DataError
from utkage.core.reporter import Reporter
from utkage.core.text import counted
from utkage.data.labels import MAX_AGE
from utkage.data.split import SplitConfig, assign_split
from utkage.training.systems.seed.joint import Batch
from utkage.training.systems.seed.utkface_dataset import identity_of

FIELDS = ("image", "age", "gender")
_WANTED = (
    "a batch is (images, ages, genders), or a dictionary of image, age, gender: "
    "images (N, 3, S, S), ages and genders (N,)"
)


def split_loader(
    loader: DataLoader[Any], fraction: float, seed: int, reporter: Reporter
) -> tuple[DataLoader[Any], DataLoader[Any]]:
    """Split a loader's data set into training and validation, as loaders with its settings.

    A hash of its pixels and the ``seed`` decide the split of a picture, so identical pictures are
    never in both splits; hashing reads every picture once. The ``fraction`` is the expected share
    of validation, above 0 and below 1; the seed decides the order of training as well.

    Raises:
        ConfigError: the fraction is out of range, or the loader cannot be split.
        DataError: one split would be empty.
    """
    if not 0 < fraction < 1:
        raise ConfigError(f"validation_split is {fraction}; it must be above 0 and below 1")
    dataset: Dataset[Any] = loader.dataset
    if isinstance(dataset, IterableDataset):
        raise ConfigError("train_data is a loader over a stream; it must be over a data set")
    if loader.batch_size is None:
        raise ConfigError("train_data is a loader without a batch size; give it one")
    count = len(dataset)  # type: ignore[arg-type]
    config = SplitConfig(seed, val=fraction, test=0)
    splits: dict[str, list[int]] = {"train": [], "val": []}
    with reporter.progress("hashing pictures", count) as task:
        for index in range(count):
            splits[assign_split(identity_of(dataset, index), config)].append(index)
            task.advance()
    if not splits["train"] or not splits["val"]:
        raise DataError(
            f"{counted(count, 'picture')}: {len(splits['train'])} for training, "
            f"{len(splits['val'])} for validation at validation_split {fraction}; pass more "
            "pictures, or another split"
        )
    kept = ("batch_size", "num_workers", "collate_fn", "pin_memory", "worker_init_fn")
    settings: dict[str, Any] = {name: getattr(loader, name) for name in kept}
    # Batch norm fails on a last batch of one.
    has_single_rest = len(splits["train"]) % loader.batch_size == 1
    training = DataLoader(
        Subset(dataset, splits["train"]),
        shuffle=True,
        generator=torch.Generator().manual_seed(seed),
        drop_last=loader.drop_last or has_single_rest,
        **settings,
    )
    if len(training) == 0:
        raise DataError(
            f"{len(splits['train'])} pictures for training are fewer than the batch size "
            f"{loader.batch_size}"
        )
    return training, DataLoader(Subset(dataset, splits["val"]), shuffle=False, **settings)


def seed_batches(loader: DataLoader[Any], device: torch.device) -> Iterator[Batch]:
    """The batches of a loader on a device, images as float in 0..255.

    Raises:
        DataError: a batch has another form; the message names both forms.
    """
    for batch in loader:
        images, ages, genders = _fields(batch)
        yield (
            _to_byte_range(images).to(device),
            _labels(ages, "ages", MAX_AGE, len(images)).to(device),
            _labels(genders, "genders", 1, len(images)).to(device),
        )


def _fields(batch: Any) -> tuple[Tensor, Tensor, Tensor]:
    if isinstance(batch, Mapping) and set(FIELDS) <= set(batch):
        found = tuple(batch[name] for name in FIELDS)
    elif isinstance(batch, Sequence) and not isinstance(batch, str) and len(batch) == len(FIELDS):
        found = tuple(batch)
    else:
        raise DataError(f"train_data yields {_described(batch)}; {_WANTED}")
    if not all(isinstance(value, Tensor) for value in found):
        raise DataError(f"train_data yields {_described(found)}; {_WANTED}")
    images = found[0]
    if images.dim() != 4 or images.shape[1] != 3:
        raise DataError(
            f"train_data yields images {tuple(images.shape)}; they must be (N, 3, S, S)"
        )
    return found[0], found[1], found[2]


def _to_byte_range(images: Tensor) -> Tensor:
    if images.dtype == torch.uint8:
        return images.float()
    low, high = float(images.min()), float(images.max())
    if not (low >= 0 and high <= 1):
        raise DataError(
            f"train_data yields images from {low:.3g} to {high:.3g}; they must be 0..1, as "
            "ToTensor makes them, or uint8: leave Normalize out, each model normalises by itself"
        )
    return images.float() * 255


def _labels(values: Tensor, name: str, largest: int, count: int) -> Tensor:
    if values.shape != (count,):
        raise DataError(
            f"train_data yields {name} of shape {tuple(values.shape)} for {count} images; "
            f"they must be ({count},)"
        )
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= largest) or bool((values != values.round()).any()):
        raise DataError(
            f"train_data yields {name} from {low:g} to {high:g}; they must be whole, 0..{largest}"
        )
    return values.long()


def _described(batch: Any) -> str:
    if isinstance(batch, Mapping):
        return f"a dictionary of {', '.join(map(str, batch)) or 'nothing'}"
    if isinstance(batch, Sequence) and not isinstance(batch, str):
        return f"{len(batch)} items ({', '.join(type(item).__name__ for item in batch)})"
    return f"a {type(batch).__name__}"
