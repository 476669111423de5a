from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from utkage.models.locate import shipped_weights
from utkage.models.weights_files import read_card

SPLIT = "UTKFace test (flip averaging)"

Invoke = Callable[..., Any]


def test_figures_of_a_card_stand_in_a_table(invoke: Invoke) -> None:
    found = read_card(shipped_weights()).metrics[SPLIT]
    lines = invoke("info").stdout.splitlines()
    (line,) = [line for line in lines if line.startswith(f"│ {SPLIT} ")]
    cells = [cell.strip() for cell in line.strip("│").split("│")]
    assert cells[:3] == [SPLIT, str(found["n"]), f"{found['mae']:.2f}"]
    assert f"{found['gender_accuracy']:.1%}" in cells


def test_groups_stand_with_their_intervals(invoke: Invoke) -> None:
    found = read_card(shipped_weights()).metrics[SPLIT]
    (group,) = [group for group in found["groups"] if group["name"] == "76+"]
    mae = group["figures"]["mae"]
    shown_mae = f"{mae['value']:.2f} ({mae['low']:.2f} to {mae['high']:.2f})"
    lines = invoke("info").stdout.splitlines()
    assert any("range 76+" in line and shown_mae in line for line in lines)


def test_lineage_terms_and_limits_are_printed(invoke: Invoke) -> None:
    card = read_card(shipped_weights())
    # Folding breaks lines anywhere.
    printed = "".join(invoke("info").stdout.replace("│", "").split())
    for text in (card.terms, *card.limits, *card.lineage):
        assert text.replace(" ", "") in printed


def test_json_is_the_card_itself(invoke: Invoke) -> None:
    path = shipped_weights()
    card = json.loads(json.dumps(read_card(path).to_dict()))
    found = json.loads(invoke("info", "--json").stdout)
    assert found == {
        "kind": "weights",
        "path": str(path),
        "bytes": path.stat().st_size,
        **card,
    }
