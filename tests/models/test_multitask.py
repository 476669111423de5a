import pytest
import torch

from utkage.core.errors import ConfigError
from utkage.models.multitask import MultiTaskNet


@pytest.mark.parametrize(("head", "outputs"), [("softmax", 117), ("coral", 116), ("corn", 116)])
def test_shapes_of_both_heads(head: str, outputs: int) -> None:
    network = MultiTaskNet("mobilenet_v3_small", head).eval()
    with torch.inference_mode():
        ages, genders = network(torch.rand(3, 3, 64, 64) * 255)
        distribution = network.age_distribution(ages)
    assert ages.shape == (3, outputs)
    assert genders.shape == (3,)
    assert distribution.shape == (3, 117)
    torch.testing.assert_close(distribution.sum(dim=1), torch.ones(3))


def test_means_are_not_stored_with_the_weights() -> None:
    state = MultiTaskNet("mobilenet_v3_small").state_dict()
    assert not {"mean", "std"} & state.keys()
    assert {"age.bias", "gender.weight", "hidden.bias"} <= state.keys()


def test_unknown_parts_are_refused() -> None:
    with pytest.raises(ConfigError, match="vgg16"):
        MultiTaskNet("vgg16")
    with pytest.raises(ConfigError, match="poisson"):
        MultiTaskNet("mobilenet_v3_small", "poisson")
