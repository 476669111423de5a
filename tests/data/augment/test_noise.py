import torch
from tests.support.augmented_chips import chips, images_of, only, varied


def test_noise_has_the_strengths_of_the_settings_and_no_bias() -> None:
    grey = torch.full((200, 40, 40, 3), 128, dtype=torch.uint8)
    added = varied(grey, 40, only(noise=1.0, noise_strength=10.0)) - 128
    deviations = added.flatten(1).std(1)
    assert 1.8 < float(deviations.min()) < 3
    assert 9 < float(deviations.max()) < 10.3
    assert float(added.mean().abs()) < 0.05


def test_noise_of_channels_and_pixels_is_independent() -> None:
    grey = torch.full((4, 64, 64, 3), 128, dtype=torch.uint8)
    added = varied(grey, 64, only(noise=1.0)) - 128
    rows = added[0].flatten(1)
    shifted = torch.stack([rows[0, 1:], rows[0, :-1]])
    assert float(torch.corrcoef(rows).fill_diagonal_(0).abs().max()) < 0.06
    assert abs(float(torch.corrcoef(shifted)[0, 1])) < 0.06


def test_only_the_chosen_share_is_noisy() -> None:
    source = chips(400, 32)
    changed = (varied(source, 32, only(noise=0.25)) != images_of(source)).flatten(1).any(1)
    assert 0.15 < float(changed.float().mean()) < 0.35
