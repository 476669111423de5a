import torch
from tests.support.augmented_chips import chips, images_of, only, varied


def test_side_light_brightens_one_edge_and_darkens_the_other() -> None:
    grey = torch.full((64, 40, 40, 3), 100, dtype=torch.uint8)
    lit = varied(grey, 40, only(side_light=1.0))
    corners = lit[:, 0, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert bool((corners.amax(1) > 115).all())
    assert bool((corners.amin(1) < 85).all())
    middle = lit[:, :, 19:21, 19:21].mean((1, 2, 3))
    torch.testing.assert_close(middle, torch.full((64,), 100.0), atol=0.1, rtol=0)


def test_gamma_keeps_black_and_white_and_moves_grey_both_ways() -> None:
    ends = torch.zeros(32, 40, 40, 3, dtype=torch.uint8)
    ends[:, :, 13:26] = 128
    ends[:, :, 26:] = 255
    seen = varied(ends, 40, only(gamma=0.5))
    assert float(seen[:, :, :, :13].max()) < 1
    assert float(seen[:, :, :, 26:].min()) == 255
    grey = seen[:, 0, 0, 20]
    assert float(grey.min()) < 110
    assert float(grey.max()) > 145


def test_a_cast_changes_channels_in_proportion() -> None:
    source = (chips(32) // 2).to(torch.uint8)
    seen = varied(source, 40, only(cast=1.0, cast_strength=0.2))
    gains = seen.mean((2, 3)) / images_of(source).mean((2, 3))
    assert bool(((gains > 0.79) & (gains < 1.21)).all())
    assert float(gains.std(1).mean()) > 0.03


def test_only_the_chosen_share_is_lit_and_cast() -> None:
    source = chips(400, 32)
    for config in (only(side_light=0.25), only(cast=0.25)):
        changed = (varied(source, 32, config) != images_of(source)).flatten(1).any(1)
        assert 0.15 < float(changed.float().mean()) < 0.35
