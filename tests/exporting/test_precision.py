from dataclasses import asdict

import pytest

from utkage.exporting.precision import DEFAULT_PRECISION, PRECISIONS


def test_limits_grow_as_precision_falls() -> None:
    full, half = PRECISIONS[DEFAULT_PRECISION], PRECISIONS["fp16"]
    for name in ("age", "probability", "tie"):
        assert 0 < asdict(full)[name] < asdict(half)[name]
    assert not full.flips
    assert not half.flips


def test_int8_is_limited_by_its_error_on_faces_alone() -> None:
    limits = PRECISIONS["int8"]
    assert (limits.age, limits.probability, limits.flips) == (None, None, True)
    assert limits.mae_growth == pytest.approx(0.15)


def test_parity_files_keep_their_keys() -> None:
    for limits in PRECISIONS.values():
        assert list(asdict(limits)) == ["age", "probability", "tie", "flips", "mae_growth"]
