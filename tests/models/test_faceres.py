import copy

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's usual name

from utkage.core.errors import WeightsError
from utkage.models.faceres import load_faceres, looks_like_faceres, restore_batch_norms
from utkage.models.mobilenet_v1 import BLOCKS
from utkage.models.multitask import MultiTaskNet

State = dict[str, Tensor]
MEAN = torch.tensor([123.68, 116.779, 103.939]).view(1, 3, 1, 1)


@pytest.fixture
def state() -> State:
    """Made-up weights of the right shapes, scaled so that activations neither die nor clip."""
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int, scale: float) -> Tensor:
        return torch.randn(*shape, generator=generator) * scale

    made = {"conv1.weight": normal(32, 3, 3, 3, scale=0.01), "conv1.bias": normal(32, scale=0.3)}
    channels = 32
    for index, (outputs, _) in enumerate(BLOCKS, start=1):
        made[f"conv_dw_{index}.weight"] = normal(channels, 1, 3, 3, scale=0.45)
        made[f"conv_dw_{index}.bias"] = normal(channels, scale=0.3) + 0.2
        made[f"conv_pw_{index}.weight"] = normal(outputs, channels, 1, 1, scale=channels**-0.5)
        made[f"conv_pw_{index}.bias"] = normal(outputs, scale=0.3) + 0.2
        channels = outputs
    made["feats.weight"] = normal(256, 1024, scale=0.03)
    made["feats.bias"] = normal(256, scale=0.1)
    made["age.weight"] = normal(100, 256, scale=0.06)
    made["age.bias"] = normal(100, scale=0.1)
    made["gender.weight"] = normal(1, 256, scale=0.06)
    made["gender.bias"] = normal(1, scale=0.1)
    return made


def reference(state: State, images: Tensor) -> tuple[Tensor, Tensor]:
    """The folded network, straight: logits of the ages 1..100 and of male."""
    x = images - MEAN

    def unit(x: Tensor, name: str, stride: int, groups: int) -> Tensor:
        weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
        if weight.shape[-1] == 3:
            x = F.pad(x, (0, 1, 0, 1) if stride == 2 else (1, 1, 1, 1))
        return F.relu6(F.conv2d(x, weight, bias, stride=stride, groups=groups))

    x = unit(x, "conv1", 2, 1)
    for index, (_, stride) in enumerate(BLOCKS, start=1):
        x = unit(x, f"conv_dw_{index}", stride, x.shape[1])
        x = unit(x, f"conv_pw_{index}", 1, 1)
    hidden = F.relu(F.linear(x.mean((2, 3)), state["feats.weight"], state["feats.bias"]))
    ages = F.linear(hidden, state["age.weight"], state["age.bias"])
    male = F.linear(hidden, state["gender.weight"], state["gender.bias"])[:, 0]
    return ages, male


def images(count: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 8, 8, generator=generator) * 255
    return F.interpolate(coarse, size=64, mode="bilinear")


@torch.no_grad()
def test_the_network_computes_the_function_of_the_file(state: State) -> None:
    network = MultiTaskNet("mobilenet_v1")
    load_faceres(network, state, images(6, 0))
    network.eval()
    pictures = images(3, 1)
    ages, female = network(pictures)
    expected_ages, expected_male = reference(state, pictures)
    assert float(expected_ages.std(dim=0).mean()) > 1e-3, "the chips must differ"
    # Class i of theirs is age i + 1; the years they do not know start as the nearest.
    torch.testing.assert_close(ages[:, 1:101], expected_ages, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(ages[:, 0], expected_ages[:, 0], atol=1e-3, rtol=1e-3)
    for year in range(101, 117):
        torch.testing.assert_close(ages[:, year], expected_ages[:, 99], atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(female, -expected_male, atol=1e-3, rtol=1e-3)


@torch.no_grad()
def test_batch_norms_get_the_statistics_of_the_sample(state: State) -> None:
    network = MultiTaskNet("mobilenet_v1")
    sample = images(6, 0)
    load_faceres(network, state, sample)
    network.eval()
    inputs: dict[str, Tensor] = {}
    for name, module in network.named_modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.register_forward_pre_hook(
                lambda module, args, name=name: inputs.update({name: args[0].double()})
            )
    network(sample)
    assert len(inputs) == 27
    for name, module in network.named_modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            x = inputs[name]
            mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
            assert module.running_mean is not None
            assert module.running_var is not None
            close = {"atol": 2e-3, "rtol": 2e-3}
            torch.testing.assert_close(module.running_mean.double(), mean, **close)
            torch.testing.assert_close(module.running_var.double(), variance, **close)


@torch.no_grad()
def test_in_training_mode_the_sample_gives_the_same_function(state: State) -> None:
    # This is what the batch norms are put back for: batches look as the statistics say.
    network = MultiTaskNet("mobilenet_v1")
    sample = images(6, 0)
    load_faceres(network, state, sample)
    network.train()
    ages, _ = network(sample)
    torch.testing.assert_close(ages[:, 1:101], reference(state, sample)[0], atol=0.02, rtol=0.02)


def test_restoring_norms_keeps_outputs_and_mode(state: State) -> None:
    network = MultiTaskNet("mobilenet_v1")
    load_faceres(network, state, images(4, 0))
    for batch in (1, 3, 64):
        again = copy.deepcopy(network).train()
        # Back to what a fresh import holds: an identity with a bias.
        for module in again.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                assert module.running_mean is not None
                assert module.running_var is not None
                with torch.no_grad():
                    module.bias.sub_(module.running_mean)
                    module.weight.fill_(1)
                    module.running_mean.zero_()
                    module.running_var.fill_(1 - module.eps)
        restore_batch_norms(again, images(4, 0), batch)
        assert again.training
        for first, second in zip(network.parameters(), again.parameters(), strict=True):
            torch.testing.assert_close(first, second, atol=1e-3, rtol=1e-3)
    assert not network.backbone.units.stem.norm._forward_pre_hooks


def test_files_are_recognised_by_their_layers(state: State) -> None:
    assert looks_like_faceres(state)
    assert not looks_like_faceres(MultiTaskNet("mobilenet_v1").state_dict())


@pytest.mark.parametrize(
    "name", ["conv1.weight", "conv_dw_7.bias", "conv_pw_13.weight", "feats.bias", "age.weight"]
)
def test_a_missing_layer_is_refused(state: State, name: str) -> None:
    del state[name]
    with pytest.raises(WeightsError, match=f"lack the tensor '{name}'"):
        load_faceres(MultiTaskNet("mobilenet_v1"), state, images(1, 0))


@pytest.mark.parametrize(
    ("name", "shape"),
    [("conv_dw_2.weight", (64, 64, 3, 3)), ("age.weight", (100, 128)), ("gender.bias", (2,))],
)
def test_a_layer_of_another_shape_is_refused(
    state: State, name: str, shape: tuple[int, ...]
) -> None:
    state[name] = torch.zeros(shape)
    with pytest.raises(WeightsError, match=f"'{name}' is .* expected"):
        load_faceres(MultiTaskNet("mobilenet_v1"), state, images(1, 0))


def test_another_backbone_is_refused(state: State) -> None:
    with pytest.raises(WeightsError, match="mobilenet_v1 backbone only"):
        load_faceres(MultiTaskNet("mobilenet_v3_small"), state, images(1, 0))


def test_half_precision_files_are_supported(state: State) -> None:
    network = MultiTaskNet("mobilenet_v1")
    load_faceres(network, {name: tensor.half() for name, tensor in state.items()}, images(2, 0))
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}
