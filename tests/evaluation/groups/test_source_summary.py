from __future__ import annotations

import pytest

from utkage.evaluation.groups.group_metrics import Group, GroupReport
from utkage.evaluation.groups.source_summary import (
    SourceSummary,
    sources_to_dict,
    summarise_sources,
)
from utkage.evaluation.metrics.bootstrap import Estimate
from utkage.evaluation.reports.tables import sources_table


def report(*sources: tuple[str, int, float, float]) -> GroupReport:
    groups = tuple(
        Group(
            "source",
            name,
            n,
            {
                "mae": Estimate(mae, None, None, n),
                "gender_accuracy": Estimate(gender, None, None, n),
            },
        )
        for name, n, mae, gender in sources
    )
    return GroupReport(groups=groups, gaps=())


def test_each_source_has_the_same_weight() -> None:
    mae, gender = summarise_sources(report(("a", 900, 4.0, 0.96), ("b", 100, 6.0, 0.90)))
    assert (mae.metric, mae.macro_mean, mae.worst) == ("mae", 5.0, "b")
    assert (gender.metric, gender.worst) == ("gender_accuracy", "b")
    assert gender.macro_mean == pytest.approx(0.93)


def test_the_worst_bias_is_the_farthest_from_zero_and_the_worst_coverage_the_lowest() -> None:
    assert SourceSummary("bias", {"a": 1.0, "b": -2.0}).worst == "b"
    assert SourceSummary("coverage_80", {"a": 0.7, "b": 0.85}).worst == "a"


def test_one_source_has_no_summary() -> None:
    assert summarise_sources(GroupReport(groups=(), gaps=())) == ()
    assert sources_table(GroupReport(groups=(), gaps=())).rows == ()


def test_the_table_and_the_dictionary_show_the_same() -> None:
    found = report(("a", 900, 4.0, 0.96), ("b", 100, 6.0, 0.90))
    table = sources_table(found)
    assert table.columns == ("metric", "a (n = 900)", "b (n = 100)", "mean", "worst")
    assert [cell.text for cell in table.rows[0]] == ["MAE, years", "4.00", "6.00", "5.00", "b"]
    assert sources_to_dict(summarise_sources(found))["mae"] == {
        "a": 4.0,
        "b": 6.0,
        "macro_mean": 5.0,
        "worst": {"source": "b", "value": 6.0},
    }
