import pytest

from utkage.core import errors
from utkage.core.errors import ExitCode, UsageError, UtkageError

EXPECTED = {
    "UtkageError": (None, 1),
    "UsageError": ("UtkageError", 2),
    "DeviceError": ("UsageError", 2),
    "ConfigError": ("UsageError", 2),
    "DataError": ("UtkageError", 1),
    "LabelError": ("UtkageError", 1),
    "ImageError": ("UtkageError", 1),
    "WeightsError": ("UtkageError", 1),
    "TrainingError": ("UtkageError", 1),
    "ParityError": ("UtkageError", 4),
}


def test_the_tree_is_complete() -> None:
    found = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, Exception)
    }
    assert found == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_parent_and_exit_code(name: str) -> None:
    parent, code = EXPECTED[name]
    kind = getattr(errors, name)
    assert int(kind("x").exit_code) == code
    assert kind.__bases__ == ((Exception,) if parent is None else (getattr(errors, parent),))
    assert name in (errors.__doc__ or ""), "the tree in the docstring lists every error"


def test_exit_codes_are_the_documented_numbers() -> None:
    assert {code.name: int(code) for code in ExitCode} == {
        "DONE": 0,
        "FAILED": 1,
        "USAGE": 2,
        "SOME_INPUTS_FAILED": 3,
        "GATE_CLOSED": 4,
        "HANGUP": 129,
        "INTERRUPTED": 130,
        "TERMINATED": 143,
    }
    assert issubclass(UsageError, UtkageError)
