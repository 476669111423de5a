"""The JSON object of an evaluation, and its title."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from utkage.data.records import Dropped
from utkage.evaluation.groups.group_metrics import group_report
from utkage.evaluation.inputs.labelled_predictions import LabelledPredictions
from utkage.evaluation.metrics.bootstrap import Bootstrap
from utkage.evaluation.metrics.populations import populations
from utkage.evaluation.metrics.scores import score_predictions, score_predictions_by_source
from utkage.evaluation.result import SCHEMA, EvaluateResult

Labelled = Callable[..., LabelledPredictions]


@pytest.fixture
def result(labelled_predictions_of: Labelled) -> EvaluateResult:
    faces = labelled_predictions_of(60)
    bootstrap = Bootstrap.draw(faces.groups, 100, 0)
    return EvaluateResult(
        metrics=score_predictions(faces),
        sources=score_predictions_by_source(faces),
        populations=populations(faces, bootstrap),
        groups=group_report(faces, bootstrap),
        threshold=None,
        comparisons=(),
        stress=None,
        oracle_mae=4.123456,
        confusion=np.eye(9, dtype=np.int64),
        card=None,
        weights=Path("runs/a/best.safetensors"),
        weights_origin="given",
        data=Path("prepared"),
        split="val",
        split_hash="abc",
        training_images=3,
        misses=1,
        unpredicted=2,
        skipped_seen=0,
        warnings=("odd",),
        dropped=(Dropped("s", "a.jpg", "no face was found"),),
        seconds=1.23456,
        command="utkage evaluate",
        files={},
    )


def test_the_title_names_weights_faces_and_split(result: EvaluateResult) -> None:
    assert result.title == "best.safetensors on prepared, val split"
    assert replace(result, split=None).title == "best.safetensors on prepared"


def test_the_object_is_json_with_the_documented_keys(result: EvaluateResult) -> None:
    found = json.loads(json.dumps(result.to_dict()))
    assert found["schema"] == SCHEMA
    assert found["n"] == 60
    assert set(found["sources"]) == {"one", "two"}
    assert {summary["worst"]["source"] for summary in found["source_summary"].values()} <= {
        "one",
        "two",
    }
    assert found["populations"]["all"]["n"] == 60
    assert (found["n_seen_in_training"], found["n_no_face"], found["n_unanswered"]) == (3, 1, 2)
    assert (found["n_dropped"], found["noticed"], found["seconds"]) == (1, ["odd"], 1.23)
    assert found["range_confusion"] == np.eye(9, dtype=int).tolist()
    assert len(found["range_names"]) == 9
    assert found["oracle_mae"] == pytest.approx(4.123456, abs=1e-3)
    assert (found["threshold"], found["comparisons"], found["stress"]) == (None, [], None)
    assert found["calibrated"] is False
    assert found["weights"] == str(Path("runs/a/best.safetensors"))
    assert {"groups", "gaps"} <= set(found)
