from dataclasses import replace

import pytest
import torch

from utkage.core.errors import WeightsError
from utkage.data.labels import AGE_COUNT, AGE_RANGES
from utkage.faces.contract import utkface_contract
from utkage.models.calibration import LEVELS, AgeBand, Calibration
from utkage.models.card import Card
from utkage.models.seed.age_networks import AgeEstimationNet, AgeRangeNet
from utkage.models.seed.system import SeedGraph, SeedSystem
from utkage.models.seed.vgg_face import VggFace
from utkage.models.systems import build_graph, build_seed
from utkage.models.weights import Weights


def system_of(size: int = 32, width: float = 1 / 64) -> SeedSystem:
    torch.manual_seed(3)
    return SeedSystem(VggFace(size, width), AgeRangeNet(), AgeEstimationNet()).eval()


def chips_of(count: int, size: int = 32) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (count, size, size, 3), dtype=torch.uint8, generator=generator)


def weights_of(system: SeedSystem, name: str = "seed", size: int = 32) -> Weights:
    card = Card(system=name, backbone="vgg_face", contract=utkface_contract(size))
    return Weights(card, system.state_dict(), torch.empty(0, dtype=torch.int32))


def test_vgg_face_has_the_published_layers() -> None:
    with torch.device("meta"):
        model = VggFace()
    shapes = {name: tuple(p.shape) for name, p in model.named_parameters() if "weight" in name}
    convolutions = [name for name in shapes if name.startswith("features.conv")]
    assert len(convolutions) == 13
    assert shapes["features.conv1_1.weight"] == (64, 3, 3, 3)
    assert shapes["features.conv5_3.weight"] == (512, 512, 3, 3)
    assert shapes["fc6.weight"] == (4096, 512 * 7 * 7)
    assert shapes["fc7.weight"] == (4096, 4096)
    assert shapes["fc8.weight"] == (1, 4096)
    # Parkhi et al. have 2622 outputs in place of our one; the rest is theirs.
    assert sum(p.numel() for p in model.parameters()) == 145_002_878 - 2621 * 4097


@pytest.mark.slow
def test_vgg_face_takes_a_step_at_full_width() -> None:
    torch.manual_seed(0)
    model = VggFace()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-6)
    before = model.features.conv1_1.weight.detach().clone()
    model(torch.rand(2, 3, 224, 224) * 255).square().sum().backward()
    optimizer.step()
    assert torch.isfinite(model.features.conv1_1.weight).all()
    assert not torch.equal(before, model.features.conv1_1.weight)


def test_the_graph_has_the_outputs_of_every_system() -> None:
    graph = SeedGraph(system_of(), flip=True)
    with torch.inference_mode():
        predictions = graph(chips_of(5))
        mirrored = graph(chips_of(5).flip(2))
    assert predictions.age.shape == predictions.p_female.shape == (5,)
    assert predictions.age_distribution.shape == (5, AGE_COUNT)
    assert predictions.range_probabilities.shape == (5, len(AGE_RANGES))
    torch.testing.assert_close(predictions.age_distribution.sum(1), torch.ones(5))
    torch.testing.assert_close(predictions.range_probabilities.sum(1), torch.ones(5))
    for ours, theirs in zip(predictions, mirrored, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_temperatures_apply_to_the_outputs_of_the_three_networks() -> None:
    calibration = Calibration(
        gender_temperature=2.0, range_temperature=0.5, levels=LEVELS, bands=(AgeBand(0, 9, LEVELS),)
    )
    weights = weights_of(system_of())
    calibrated = replace(weights, card=replace(weights.card, calibration=calibration))
    chips = chips_of(4)
    with torch.inference_mode():
        plain = build_graph(weights, "here", flip=True)(chips)
        warm = build_graph(calibrated, "here", flip=True)(chips)
    assert torch.equal(warm.age, plain.age)
    torch.testing.assert_close(warm.p_female, torch.sigmoid(torch.logit(plain.p_female) / 2))
    ranges = plain.range_probabilities.square()
    torch.testing.assert_close(warm.range_probabilities, ranges / ranges.sum(1, keepdim=True))


def test_the_estimator_takes_the_predicted_range() -> None:
    system = system_of()
    images = chips_of(6).permute(0, 3, 1, 2).float()
    for fixed in (0, 8):
        with torch.no_grad():
            system.age_range.classifier[-1].bias.fill_(0)
            system.age_range.classifier[-1].bias[fixed] = 1e4
            outputs = system(images)
            fed = system.age_estimation(images, torch.full((6,), fixed))
        assert torch.equal(outputs.age, fed)


def test_the_scale_widens_the_distribution() -> None:
    system, chips = system_of(), chips_of(3)
    years = torch.arange(AGE_COUNT).float()
    spreads = []
    for scale in (2.0, 10.0):
        system.age_scale.fill_(scale)
        with torch.inference_mode():
            predictions = SeedGraph(system, flip=False)(chips)
        distance = (years - predictions.age.unsqueeze(1)).abs()
        spreads.append((predictions.age_distribution * distance).sum(1))
    assert (spreads[1] > spreads[0]).all()


def test_weights_rebuild_size_and_width() -> None:
    system = system_of(64, 1 / 32)
    rebuilt = build_seed(weights_of(system, size=64), "here")
    chips = chips_of(2, 64)
    with torch.inference_mode():
        ours = SeedGraph(system, flip=False)(chips)
        theirs = build_graph(weights_of(system, size=64), "here", flip=False)(chips)
    assert torch.equal(ours.age, theirs.age)
    assert rebuilt.gender.fc7.weight.shape == (128, 128)


def test_weights_that_do_not_fit_are_refused() -> None:
    weights = weights_of(system_of())
    with pytest.raises(WeightsError, match="not 'seed'"):
        build_seed(weights_of(system_of(), "multitask"), "there")
    with pytest.raises(WeightsError, match="there: tensors do not fit"):
        build_seed(replace(weights, state={"gender.fc7.weight": torch.zeros(64, 64)}), "there")
    with pytest.raises(WeightsError, match="there: tensors do not fit"):
        build_seed(weights_of(system_of(), size=64), "there")
