from pathlib import Path

import pytest

from utkage.core.errors import UsageError
from utkage.models.card import Card
from utkage.models.describe import describe


def test_weights_are_described_by_their_card(saved: Path, card: Card) -> None:
    found = describe(str(saved))
    assert (found["kind"], found["path"]) == ("weights", str(saved))
    assert found["bytes"] == saved.stat().st_size
    assert {name: found[name] for name in card.to_dict()} == card.to_dict()


def test_other_targets_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such weights file"):
        describe(str(tmp_path / "none.safetensors"))
