"""The steps of ``export`` that need no runtime; tests/cli/test_export.py runs it."""

from pathlib import Path

import numpy as np
import pytest

from utkage.core.errors import ParityError
from utkage.core.reporter import SilentReporter
from utkage.exporting import export
from utkage.exporting.export import PARITY_BATCHES, SYNTHETIC_CHIPS, ExportRequest, LabelledErrors
from utkage.exporting.precision import PRECISIONS
from utkage.faces.contract import utkface_contract


@pytest.mark.parametrize(("grown", "passes"), [(-0.2, True), (0.14, True), (0.16, False)])
def test_int8_must_not_cost_much_accuracy(grown: float, passes: bool) -> None:
    errors = LabelledErrors(n=100, mae=4.0, mae_exported=4.0 + grown)
    limit = PRECISIONS["int8"].mae_growth
    if passes:
        errors.require(Path("a.onnx"), limit)
        return
    with pytest.raises(ParityError, match=r"a\.onnx: not written.* 100 faces is 4\.160 years"):
        errors.require(Path("a.onnx"), limit)


def test_batches_differ_in_size_and_lose_no_chip() -> None:
    chips = np.arange(256, dtype=np.uint8).reshape(256, 1, 1, 1)
    batches = export._batches(chips)
    assert tuple(len(batch) for batch in batches[: len(PARITY_BATCHES)]) == PARITY_BATCHES
    assert 1 in PARITY_BATCHES
    np.testing.assert_array_equal(np.concatenate(batches), chips)


def test_without_data_int8_is_calibrated_on_other_chips_than_are_compared() -> None:
    request = ExportRequest(precision="int8")
    chips = export._comparison_chips(request, utkface_contract(32), SilentReporter())
    assert chips.compared.shape == chips.calibration.shape == (SYNTHETIC_CHIPS, 32, 32, 3)
    assert not np.array_equal(chips.compared, chips.calibration)
    assert len(chips.ages) == 0
