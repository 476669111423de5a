import pytest
from tests.support.augmented_chips import only

from utkage.core.errors import ConfigError


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"flip": 1.5}, "flip is 1.5; it must be at least 0 and at most 1"),
        ({"rotation": -1.0}, "rotation is -1.0; it must be at least 0 and at most 180"),
        ({"scale": 2.0}, "scale is 2.0"),
        ({"shift": 0.6}, "shift is 0.6"),
        ({"jitter": -0.1}, "jitter is -0.1"),
        ({"brightness": float("nan")}, "brightness is nan"),
        ({"blur_sigma": 0.5}, "blur_sigma is 0.5"),
        ({"jpeg_quality": 0}, "jpeg_quality is 0; it must be at least 1 and at most 95"),
        ({"mixup": 1.1}, "mixup is 1.1"),
        ({"mixup_alpha": 0.0}, "mixup_alpha is 0.0"),
    ],
)
def test_impossible_strengths_are_named(changes: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        only(**changes)
