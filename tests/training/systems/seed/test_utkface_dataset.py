"""``UTKFaceDataset``: which files it takes, what it gives, what tells pictures apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader, Subset, TensorDataset
from torchvision import transforms

from utkage.core.errors import DataError, UsageError
from utkage.training.systems.seed.utkface_dataset import DEFAULT_ROOT, UTKFaceDataset, identity_of

Picture = Callable[..., bytes]
Folder = Callable[[Path, Mapping[str, bytes]], Path]


@pytest.fixture
def root(tmp_path: Path, picture: Picture, write_folder: Folder) -> Path:
    return write_folder(
        tmp_path,
        {
            "25_1_2_20170116174525125.jpg.chip.jpg": picture(1),
            "part2/61_0_0_20170116174525126.jpg": picture(2),
            "part2/62_0_0_20170116174525127.jpg": picture(2, comment="the same pixels"),
            "61_1_20170109142408075.jpg": picture(3),
            "notes.txt": b"no picture",
        },
    )


def test_labels_come_from_the_names_of_all_folders(root: Path) -> None:
    faces = UTKFaceDataset(root)
    assert [(face.age, face.gender) for face in (faces[0], faces[1], faces[2])] == [
        (25, 1),
        (61, 0),
        (62, 0),
    ]
    assert len(faces) == 3
    assert [path.name for path, _ in faces.skipped] == ["61_1_20170109142408075.jpg"]
    assert "3 fields instead of 4" in faces.skipped[0][1]


def test_the_default_transform_gives_small_floats(root: Path) -> None:
    image = UTKFaceDataset(root)[0].image
    assert image.shape == (3, 64, 64)
    assert image.dtype == torch.float32
    assert 0 <= float(image.min()) < float(image.max()) <= 1


def test_any_torchvision_transform_is_applied(root: Path) -> None:
    transform = transforms.Compose([transforms.CenterCrop(20), transforms.PILToTensor()])
    image = UTKFaceDataset(root, transform)[0].image
    assert image.shape == (3, 20, 20)
    assert image.dtype == torch.uint8


def test_a_loader_collates_it(root: Path) -> None:
    images, ages, genders = next(iter(DataLoader(UTKFaceDataset(root), batch_size=3)))
    assert images.shape == (3, 3, 64, 64)
    assert ages.tolist() == [25, 61, 62]
    assert genders.tolist() == [1, 0, 0]


def test_the_folder_of_the_description_is_the_default(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="Dataset/UTKFace"):
        UTKFaceDataset()
    DEFAULT_ROOT.parent.mkdir()
    DEFAULT_ROOT.symlink_to(root)
    assert len(UTKFaceDataset()) == 3


def test_a_folder_without_labels_is_refused(tmp_path: Path, picture: Picture) -> None:
    (tmp_path / "holiday.jpg").write_bytes(picture(1))
    with pytest.raises(DataError, match="1 picture, none of them named <age>_"):
        UTKFaceDataset(tmp_path)


def test_identity_is_that_of_the_pixels(root: Path) -> None:
    faces = UTKFaceDataset(root, transforms.RandomErasing(1.0))
    hashes = [faces.identity(index) for index in range(3)]
    assert hashes[1] == hashes[2] != hashes[0]
    assert identity_of(Subset(Subset(faces, [2, 0]), [1]), 0) == hashes[0]


def test_identity_of_other_data_sets_is_that_of_their_images() -> None:
    images = torch.rand(3, 3, 8, 8)
    images[2] = images[0]
    faces = TensorDataset(images, torch.arange(3), torch.zeros(3))
    assert identity_of(faces, 0) == identity_of(faces, 2) != identity_of(faces, 1)
