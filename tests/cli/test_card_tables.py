from __future__ import annotations

from typing import Any

from utkage.cli.card_tables import description_tables

METRICS: dict[str, Any] = {
    "val": {"epoch": 3, "mae": 4.0},
    "UTKFace test": {"n": 1200, "mae": 4.256, "gender_accuracy": 0.9312},
    "AAF": {"n": 90, "mae": 6.0, "cs5": 0.5},
}
DESCRIPTION = {
    "kind": "weights",
    "path": "best.safetensors",
    "sizes": [64, 96],
    "limits": ["only faces", "no medicine"],
    "training": {"epochs": 3, "config": {"seed": 0, "warmup": 0.05}},
    "bands": [{"low": 0, "width": 1.23456}],
    "levels": [number / 10 for number in range(10)],
    "fitted": {"on": {"UTKFace": 3, "AAF": None}, "flip": True},
    "name": "a\x1b[31m",
    "empty": {},
    "metrics": METRICS,
}


def test_facts_of_every_kind() -> None:
    facts, *_ = description_tables(DESCRIPTION)
    assert facts.title == "weights"
    assert {name.text: value.text for name, value in facts.rows} == {
        "path": "best.safetensors",
        "sizes": "64, 96",
        "limits": "only faces\nno medicine",
        "training": "epochs: 3\nconfig: seed 0, warmup 0.05",
        "bands": "low 0, width 1.235",
        "levels": "10 values, 0 to 0.9",
        "fitted": "on: UTKFace 3, AAF -\nflip: yes",
        "name": r"a\x1b[31m",
        # Without a number of faces, metrics are facts of an epoch.
        "metrics": "val: epoch 3, mae 4",
    }
    assert all(name.emphasised for name, _ in facts.rows)


def test_metrics_of_splits_are_a_table() -> None:
    _, table = description_tables(DESCRIPTION)
    assert table.columns == ("metrics", "n", "MAE", "CS@5", "gender")
    rows = [[cell.text for cell in row] for row in table.rows]
    assert rows[0][:3] == ["UTKFace test", "1200", "4.26"]
    assert rows[0][4] == "93.1%"
    assert rows[1][:4] == ["AAF", "90", "6.00", "50.0%"]


def test_a_description_without_metrics() -> None:
    (facts,) = description_tables({"kind": "graph", "metrics": {}})
    assert (facts.title, facts.rows) == ("graph", ())
