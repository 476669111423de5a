"""Several sources side by side: the mean over sources, and the worst of them.

The metrics of all faces together are mostly those of the largest source. A predictor that will meet
photographs from elsewhere is better described by the macro mean and the worst source.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from utkage.evaluation.groups.group_metrics import GROUP_METRICS, GroupReport, badness
from utkage.evaluation.metrics.bootstrap import rounded


@dataclass(frozen=True)
class SourceSummary:
    """One metric of each source.

    Attributes:
        metric: Key in ``groups.GROUP_METRICS``.
        values: Value by source.
    """

    metric: str
    values: dict[str, float]

    @property
    def macro_mean(self) -> float:
        """Mean of the sources' values, each with the same weight."""
        return float(np.mean(list(self.values.values())))

    @property
    def worst(self) -> str:
        """Name of the source with the worst value."""
        return max(self.values, key=lambda name: badness(self.metric, self.values[name]))

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            **self.values,
            "macro_mean": self.macro_mean,
            "worst": {"source": self.worst, "value": self.values[self.worst]},
        }


def summarise_sources(report: GroupReport) -> tuple[SourceSummary, ...]:
    """A summary of each metric that every source has; empty if there is only one source."""
    groups = report.of_axis("source")
    known = [name for name in GROUP_METRICS if all(name in group.metrics for group in groups)]
    return tuple(
        SourceSummary(name, {group.name: group.value(name) for group in groups})
        for name in (known if groups else ())
    )


def sources_to_dict(summaries: tuple[SourceSummary, ...]) -> dict[str, Any]:
    """The summaries by metric, JSON-ready."""
    found: dict[str, Any] = rounded({each.metric: each.to_dict() for each in summaries})
    return found
