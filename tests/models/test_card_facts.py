from dataclasses import replace
from pathlib import Path

import pytest
from cards import card_of

from utkage.models.card_facts import card_facts
from utkage.models.locate import shipped_weights
from utkage.models.weights_files import read_card


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "mine.safetensors").write_bytes(b"weights")
    return tmp_path / "mine.safetensors"


def test_a_card_without_a_history_has_no_facts_about_it(path: Path) -> None:
    bare = replace(card_of("mobilenet_v1"), data={}, training={})
    facts = card_facts(bare, path)
    assert {"Data", "Trained by"}.isdisjoint(facts)
    assert facts["Calibration"] == "none"
    assert facts["File"].startswith("`mine.safetensors`, 0.00 MB")
    assert bare.sources == []


def test_the_history_is_as_complete_as_the_record(path: Path) -> None:
    bare = card_of("mobilenet_v1")
    known = replace(bare, data={"source": "A+B", "split_hash": "f0"}, training={"started": "today"})
    facts = card_facts(known, path)
    assert facts["Data"] == "A+B, split `f0`"
    assert facts["Trained by"] == "`utkage.train`, started today"
    assert known.sources == ["A", "B"]
    whole = replace(known, data={**known.data, "splits": {"train": 9}, "split": {"seed": 1}})
    assert card_facts(whole, path)["Data"] == "A+B, split `f0` (train 9; seed 1)"


def test_the_shipped_weights_have_every_fact() -> None:
    facts = card_facts(read_card(shipped_weights()), shipped_weights())
    assert all(facts.values())
    assert len(facts) == 7
    assert "bands of predicted age" in facts["Calibration"]
