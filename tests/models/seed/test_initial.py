"""Where the three models start."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from cards import card_of

from utkage.core.errors import ConfigError, UsageError, WeightsError
from utkage.models.locate import shipped_weights
from utkage.models.seed.initial import initial_seed_system
from utkage.models.seed.vgg_face import VggFace
from utkage.models.weights import Weights, save_weights

WIDTH = 1 / 64


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    start = initial_seed_system(64, WIDTH, seed=3)
    card = card_of(
        "vgg_face",
        system="seed",
        lineage=("a first training",),
    )
    path = tmp_path / "seed.safetensors"
    save_weights(path, Weights(card, start.system.state_dict(), torch.tensor([1, 2])))
    return path


def test_random_weights_follow_from_the_seed() -> None:
    one, same, other = (initial_seed_system(64, WIDTH, seed) for seed in (1, 1, 2))
    assert one.lineage == ("random initial weights",)
    for name, tensor in one.system.state_dict().items():
        assert torch.equal(tensor, same.system.state_dict()[name])
    assert not torch.equal(
        one.system.state_dict()["gender.fc6.weight"],
        other.system.state_dict()["gender.fc6.weight"],
    )


def test_a_trained_file_is_the_start(trained: Path) -> None:
    start = initial_seed_system(64, WIDTH, 0, init=str(trained))
    before = initial_seed_system(64, WIDTH, seed=3).system.state_dict()
    for name, tensor in start.system.state_dict().items():
        assert torch.equal(tensor, before[name])
    assert start.system.training
    assert start.lineage == ("a first training",)
    assert start.fingerprints.tolist() == [1, 2]
    assert start.files == {"init": trained}


def test_files_of_another_size_or_system_are_refused(trained: Path, tmp_path: Path) -> None:
    for size, width, message in (
        (96, WIDTH, r"size 64 and gender width 0\.0156; the recipe has size 96"),
        (64, 2 * WIDTH, r"width 0\.0156; the recipe has size 64 and gender width 0\.0312"),
    ):
        with pytest.raises(ConfigError, match=message):
            initial_seed_system(size, width, 0, init=str(trained))
    with pytest.raises(WeightsError, match="holds a 'multitask' system, not 'seed'"):
        initial_seed_system(64, WIDTH, 0, init=str(shipped_weights()))
    with pytest.raises(UsageError, match="no such weights file"):
        initial_seed_system(64, WIDTH, 0, init=str(tmp_path / "none.safetensors"))


def test_published_weights_fill_the_gender_model(tmp_path: Path) -> None:
    torch.manual_seed(5)
    other = VggFace(64, WIDTH)
    path = tmp_path / "vgg.pth"
    torch.save({k.removeprefix("features."): v for k, v in other.state_dict().items()}, path)
    start = initial_seed_system(64, WIDTH, 0, vgg_face_weights=str(path))
    assert torch.equal(start.system.state_dict()["gender.fc6.weight"], other.fc6.weight)
    assert start.lineage[0].startswith("gender model: VGG-Face of Parkhi et al. 2015 from vgg.pth")
    assert start.files == {"vgg_face_weights": path}
