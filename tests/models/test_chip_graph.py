from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from utkage.data.labels import AGE_RANGES
from utkage.exporting.parity import synthetic_chips
from utkage.models.calibration import LEVELS, AgeBand, Calibration
from utkage.models.chip_graph import (
    ChipGraph,
    ChipOutputs,
    enlarged,
    median_age,
    whole_year_median,
)
from utkage.models.multitask import MultiTaskNet
from utkage.prediction.predictions import distribution_quantile

Lively = Callable[..., MultiTaskNet]


def distributions(seed: int, spread: float) -> np.ndarray:
    drawn = np.random.default_rng(seed).dirichlet(np.full(117, spread), 8)
    # No year is quite impossible, so that the median is unique.
    return drawn * 0.999 + 0.001 / 117


def slow_median(distribution: np.ndarray) -> list[float]:
    edges = np.arange(118) - 0.5
    return [
        max(0.0, float(np.interp(0.5, np.concatenate([[0.0], np.cumsum(row)]), edges)))
        for row in distribution
    ]


@given(st.integers(0, 2**32), st.floats(0.02, 3))
def test_the_median_equals_a_slow_reference(seed: int, spread: float) -> None:
    distribution = distributions(seed, spread)
    expected = slow_median(distribution)
    exact = median_age(torch.from_numpy(distribution)).numpy()
    np.testing.assert_allclose(exact, expected, atol=1e-6)
    np.testing.assert_allclose(distribution_quantile(distribution, 0.5), expected, atol=1e-6)
    single = median_age(torch.from_numpy(distribution).float()).numpy()
    # A year may hold less than 1e-5, so the rounding of single precision shows.
    np.testing.assert_allclose(single, expected, atol=0.2)


@pytest.mark.parametrize(
    ("masses", "expected"),
    [
        ({0: 1.0}, 0.0),
        ({116: 1.0}, 116.0),
        ({30: 1.0}, 30.0),
        ({30: 0.5, 31: 0.5}, 30.5),
        ({20: 0.25, 30: 0.5, 40: 0.25}, 30.0),
        ({20: 0.1, 30: 0.8, 60: 0.1}, 30.0),
        ({0: 0.9, 50: 0.1}, 0.5 / 0.9 - 0.5),
    ],
)
def test_medians_known_by_hand(masses: dict[int, float], expected: float) -> None:
    distribution = torch.zeros(1, 117)
    for year, mass in masses.items():
        distribution[0, year] = mass
    assert float(median_age(distribution)) == pytest.approx(expected, abs=1e-4)
    quantile = distribution_quantile(distribution.double().numpy(), 0.5)
    assert float(quantile[0]) == pytest.approx(expected, abs=1e-4)


def test_the_median_of_narrow_softmaxes_in_single_precision() -> None:
    centres = torch.linspace(1, 110, 200)
    logits = -0.5 * ((torch.arange(117.0) - centres[:, None]) / 3).square()
    distribution = torch.softmax(logits, dim=1)
    np.testing.assert_allclose(
        median_age(distribution).numpy(), slow_median(distribution.double().numpy()), atol=1e-3
    )
    assert float((median_age(distribution) - centres)[10:-10].abs().max()) < 0.1


def run(graph: ChipGraph, chips: torch.Tensor) -> ChipOutputs:
    with torch.inference_mode():
        outputs = graph.eval()(chips)
    assert isinstance(outputs, ChipOutputs)
    return outputs


@pytest.fixture
def chips() -> torch.Tensor:
    return torch.from_numpy(synthetic_chips(5, 64))


@pytest.mark.parametrize("flip", [True, False])
@pytest.mark.parametrize("estimate", ["median", "mean"])
def test_outputs_agree_with_each_other(
    lively_network: Lively, chips: torch.Tensor, estimate: str, flip: bool
) -> None:
    outputs = run(ChipGraph(lively_network(), estimate, flip=flip), chips)
    assert outputs.age.shape == outputs.p_female.shape == (5,)
    distribution = outputs.age_distribution.double().numpy()
    assert distribution.shape == (5, 117)
    np.testing.assert_allclose(distribution.sum(1), 1, atol=1e-5)
    np.testing.assert_allclose(outputs.range_probabilities.sum(1), 1, atol=1e-5)
    for index, ages in enumerate(AGE_RANGES):
        np.testing.assert_allclose(
            outputs.range_probabilities[:, index],
            distribution[:, ages.first : ages.last + 1].sum(1),
            atol=1e-5,
        )
    wanted = slow_median(distribution) if estimate == "median" else distribution @ np.arange(117)
    np.testing.assert_allclose(outputs.age, wanted, atol=2e-3)
    assert bool(((outputs.p_female >= 0) & (outputs.p_female <= 1)).all())
    assert float(outputs.age.std()) > 0.01, "the chips must get different predictions"


def test_flip_averaging_is_invariant_to_mirroring(
    lively_network: Lively, chips: torch.Tensor
) -> None:
    mirrored = chips.flip(2)
    network = lively_network()
    averaged = ChipGraph(network, "median", flip=True)
    for first, second in zip(run(averaged, chips), run(averaged, mirrored), strict=True):
        torch.testing.assert_close(first, second, atol=1e-4, rtol=1e-4)
    plain = ChipGraph(network, "median", flip=False)
    one, other = run(plain, chips), run(plain, mirrored)
    assert float((one.p_female - other.p_female).abs().max()) > 1e-3, "the test has no teeth"
    torch.testing.assert_close(
        run(averaged, chips).age_distribution,
        (one.age_distribution + other.age_distribution) / 2,
        atol=1e-5,
        rtol=1e-4,
    )


def test_an_enlarged_view_equals_a_slow_reference() -> None:
    """Each pixel of the view interpolates the chip at its place in the centre (OpenCV's grid)."""
    rows, columns = 48, 72
    image = np.random.default_rng(0).uniform(0, 255, (rows, columns))
    expected = np.empty_like(image)
    inner_rows, inner_columns = rows - 2 * 2, columns - 2 * 3
    centre = image[2 : 2 + inner_rows, 3 : 3 + inner_columns]
    for y, x in np.ndindex(rows, columns):
        v = min(max((y + 0.5) * inner_rows / rows - 0.5, 0), inner_rows - 1)
        u = min(max((x + 0.5) * inner_columns / columns - 0.5, 0), inner_columns - 1)
        top, left = int(v), int(u)
        bottom, right = min(top + 1, inner_rows - 1), min(left + 1, inner_columns - 1)
        upper = centre[top, left] * (1 - u + left) + centre[top, right] * (u - left)
        lower = centre[bottom, left] * (1 - u + left) + centre[bottom, right] * (u - left)
        expected[y, x] = upper * (1 - v + top) + lower * (v - top)
    found = enlarged(torch.from_numpy(image)[None, None])
    np.testing.assert_allclose(found[0, 0].numpy(), expected, atol=1e-9)


def test_the_mirrored_view_is_the_enlarged_one_if_the_card_says_so(
    lively_network: Lively, chips: torch.Tensor
) -> None:
    network = lively_network()
    plain = ChipGraph(network, "median", flip=False)
    averaged = run(ChipGraph(network, "median", flip=True, mirrored_view="enlarged"), chips)
    whole = run(ChipGraph(network, "median", flip=True), chips).age_distribution
    images = chips.permute(0, 3, 1, 2).float()
    with torch.inference_mode():
        second, _ = plain.probabilities(enlarged(images).flip(3))
    expected = (run(plain, chips).age_distribution + second) / 2
    torch.testing.assert_close(averaged.age_distribution, expected, atol=1e-5, rtol=1e-4)
    assert float((averaged.age_distribution - whole).abs().max()) > 1e-4


def test_predictions_do_not_depend_on_the_batch(
    lively_network: Lively, chips: torch.Tensor
) -> None:
    graph = ChipGraph(lively_network(), "median", flip=True)
    together = run(graph, chips)
    for index in range(len(chips)):
        alone = run(graph, chips[index : index + 1])
        torch.testing.assert_close(alone.age[0], together.age[index], atol=1e-3, rtol=0)


def test_constant_tables_are_not_in_the_state(lively_network: Lively) -> None:
    network = lively_network()
    graph = ChipGraph(network, "median", flip=True)
    assert set(graph.state_dict()) == {f"network.{name}" for name in network.state_dict()}


@pytest.mark.parametrize("flip", [True, False])
def test_temperatures_apply_after_flip_averaging(
    lively_network: Lively, chips: torch.Tensor, flip: bool
) -> None:
    """Behind the flip averaging; ages, ranks and genders stay as they are."""
    calibration = Calibration(
        gender_temperature=2.0, range_temperature=0.5, levels=LEVELS, bands=(AgeBand(0, 9, LEVELS),)
    )
    network = lively_network()
    plain = run(ChipGraph(network, "median", flip=flip), chips)
    warm = run(ChipGraph(network, "median", flip=flip, calibration=calibration), chips)
    assert torch.equal(warm.age, plain.age)
    assert torch.equal(warm.age_distribution, plain.age_distribution)
    torch.testing.assert_close(warm.p_female, torch.sigmoid(torch.logit(plain.p_female) / 2))
    ranges = plain.range_probabilities.square()
    torch.testing.assert_close(warm.range_probabilities, ranges / ranges.sum(1, keepdim=True))
    assert not torch.allclose(warm.p_female, plain.p_female)


@given(st.integers(0, 2**32), st.floats(0.02, 3))
def test_no_whole_year_has_a_smaller_expected_error(seed: int, spread: float) -> None:
    distribution = distributions(seed, spread)
    years = np.arange(117)
    costs = distribution @ np.abs(years[:, None] - years[None, :])
    found = whole_year_median(torch.from_numpy(distribution)).long()
    chosen = np.take_along_axis(costs, found.numpy()[:, None], axis=1)[:, 0]
    np.testing.assert_allclose(chosen, costs.min(axis=1), atol=1e-9)
    interpolated = median_age(torch.from_numpy(distribution))
    assert float((interpolated - found).abs().max()) <= 0.5 + 1e-6


def test_the_whole_year_median_is_the_output_age(
    lively_network: Lively, chips: torch.Tensor
) -> None:
    outputs = run(ChipGraph(lively_network(), "whole-year median", flip=True), chips)
    assert torch.equal(outputs.age, outputs.age.round())
    assert torch.equal(outputs.age, whole_year_median(outputs.age_distribution))
