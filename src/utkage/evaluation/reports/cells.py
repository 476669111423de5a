"""Estimates as cells of tables and as error bars of charts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from utkage.evaluation.metrics.bootstrap import Estimate, Floats
from utkage.evaluation.metrics.registry import format_estimate
from utkage.reporting.table import Cell


def estimate_cell(found: Estimate, unit: str) -> Cell:
    """A value with its interval, sorted by the value."""
    return Cell(format_estimate(found, unit), found.value)


def number_cell(count: int) -> Cell:
    """A whole number."""
    return Cell(str(count), count)


def reach(found: Sequence[Estimate]) -> Floats:
    """Lengths of the intervals below and above the values, (2, n); NaN without an interval."""
    ends = [(item.value, item.low, item.high) for item in found]
    values, low, high = np.array(ends, dtype=np.float64).T
    # A percentile interval may not contain the value if n is tiny.
    return np.maximum([values - low, high - values], 0)
