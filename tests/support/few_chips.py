"""Exports that compare their file with the weights on few drawn chips.

For tests of what surrounds an export: the comparison takes more than half of its time.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from utkage.exporting import export

# One batch of each size.
CHIPS = sum(export.PARITY_BATCHES)
# For ``run_utkage``.
WITH_FEW_CHIPS = f"""
from utkage.exporting import export
export.SYNTHETIC_CHIPS = {CHIPS}
from utkage.cli.app import main
main()
"""


@pytest.fixture(scope="module")
def few_chips() -> Iterator[None]:
    """Compare few chips in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "SYNTHETIC_CHIPS", CHIPS)
        yield
