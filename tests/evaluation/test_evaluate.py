"""Requests that ``evaluate`` refuses, and small evaluations of a table of predictions."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from small_sets import write_set

from utkage.core.errors import ConfigError, DataError, UsageError
from utkage.data.store import ChipStore
from utkage.evaluation.evaluate import evaluate
from utkage.evaluation.request import EvaluateRequest


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"split": "dev"}, "`split` dev: choose one of train, val, test, all"),
        ({"threshold": 0}, "`threshold` 0"),
        ({"threshold": 117}, "`threshold` 117"),
        ({"max_false_pass": 0.1}, "`max_false_pass` needs a `threshold`"),
        ({"threshold": 18, "youngest": 13}, "`youngest` is for `max_false_pass`"),
        ({"threshold": 18, "youngest": 0}, "`youngest` is for `max_false_pass`"),
        ({"threshold": 18, "confidence": 0.99}, "`confidence` is for `max_false_pass`"),
        ({"threshold": 18, "guarantee_by": ("race",)}, "`guarantee_by` is for"),
        ({"threshold": 18, "simulate": True}, "`simulate` is for"),
        ({"resamples": 99}, "`resamples` 99: use at least 100"),
    ],
)
def test_impossible_requests(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        EvaluateRequest(**wrong)  # type: ignore[arg-type]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A prepared set of 60 chips, and a table of predictions that are two years too old."""
    write_set(tmp_path / "set", 60)
    store = ChipStore.open(tmp_path / "set")
    faces = store.split("test")
    rows = zip(faces.sources, faces.names, faces.ages, faces.genders, strict=True)
    lines = [
        f'"{source.replace(chr(34), 2 * chr(34))}/{name}",{age + 2},{0.2 + 0.6 * gender}'
        for source, name, age, gender in rows
    ]
    path = tmp_path / "theirs.csv"
    path.write_text("\n".join(["file,age,p_female", *lines]), encoding="utf-8")
    return path


def test_a_table_is_scored(table: Path, tmp_path: Path) -> None:
    request = EvaluateRequest(
        weights=str(table), data=tmp_path / "set", out=tmp_path / "out", resamples=100
    )
    result = evaluate(request)
    assert (result.metrics.n, result.metrics.mae, result.metrics.bias) == (20, 2.0, 2.0)
    assert result.metrics.gender_accuracy == 1.0
    assert (result.split, result.card, result.unpredicted) == ("test", None, 0)
    assert result.confusion.sum() == 20
    kept = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert kept == json.loads(json.dumps(result.to_dict()))
    with (tmp_path / "out" / "predictions.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 20


@pytest.mark.parametrize(
    ("wish", "message"),
    [({"threshold": 18}, "needs age distributions"), ({"stress": True}, "`stress` needs weights")],
)
def test_wishes_that_a_table_cannot_fulfil(
    wish: dict[str, object], message: str, table: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=message):
        evaluate(EvaluateRequest(weights=str(table), out=tmp_path / "out", **wish))  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_faces_without_a_prediction_are_counted(table: Path, tmp_path: Path) -> None:
    lines = table.read_text(encoding="utf-8").splitlines()
    table.write_text("\n".join(lines[:-5]), encoding="utf-8")
    request = EvaluateRequest(
        weights=str(table), data=tmp_path / "set", out=tmp_path / "out", resamples=100
    )
    result = evaluate(request)
    assert (result.metrics.n, result.unpredicted) == (15, 5)


def test_a_demand_is_chosen_for_a_table_or_the_faces_needed_are_named(
    table: Path, tmp_path: Path
) -> None:
    request = EvaluateRequest(
        weights=str(table),
        data=tmp_path / "set",
        out=tmp_path / "out",
        resamples=100,
        threshold=60,
        youngest=0,
        max_false_pass=0.5,
        confidence=0.6,
    )
    result = evaluate(replace(request, report=True, simulate=True))
    assert result.guarantee is not None
    assert result.guarantee.everyone.demand is not None
    kept = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert kept["guarantee"]["score"] == "estimated_age"
    page = (tmp_path / "out" / "report.html").read_text()
    assert "A demand with a guarantee" in page
    assert "At most 50 % of 0-59 pass" in (tmp_path / "out" / "model_card.md").read_text()
    with pytest.raises(DataError, match="at least 2,995 are needed"):
        evaluate(replace(request, max_false_pass=0.001, confidence=0.95))
    with pytest.raises(UsageError, match="choose from"):
        evaluate(replace(request, guarantee_by=("glasses",)))
